import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * An app client may have two secrets, so that one can be exchanged while programs still use the other. The secret that a
 * client has already becomes its first one. `added` tells secrets of AddUserPoolClientSecret from the client's own one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('app_client_secrets')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('sealed_secret', 'text', (column) => column.notNull())
    .addColumn('added', 'boolean', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('app_client_secrets_pkey', ['user_pool_id', 'client_id', 'id'])
    .addForeignKeyConstraint(
      'app_client_secrets_client',
      ['user_pool_id', 'client_id'],
      'app_clients',
      ['user_pool_id', 'id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await sql`
    insert into app_client_secrets (user_pool_id, client_id, id, sealed_secret, added, created_at)
    select user_pool_id, id, gen_random_uuid()::text, sealed_secret, false, created_at
    from app_clients where sealed_secret is not null
  `.execute(db)
  await db.schema.alterTable('app_clients').dropColumn('sealed_secret').execute()
}
