import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * What users have allowed third-party app clients: the scopes, a row a user and client. Seldom written, so it has the
 * foreign key to the app client that grants do without: a client that is deleted takes its consents along.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('consents')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('scopes', sql`text[]`, (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('consents_pkey', ['client_id', 'user_pool_id', 'user_sub'])
    .addForeignKeyConstraint(
      'consents_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .addForeignKeyConstraint(
      'consents_client',
      ['user_pool_id', 'client_id'],
      'app_clients',
      ['user_pool_id', 'id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('consents_user').on('consents').columns(['user_sub', 'user_pool_id']).execute()
}
