import type { Kysely } from 'kysely'

/* What a person does on the pages between an authorization request and its answer, bound to one browser. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('flows')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('sealed_interaction_uid', 'text', (column) => column.notNull())
    .addColumn('browser_hash', 'text', (column) => column.notNull())
    .addColumn('state', 'jsonb', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('flows_pkey', ['id_hash', 'user_pool_id'])
    .addForeignKeyConstraint(
      'flows_app_client',
      ['user_pool_id', 'client_id'],
      'app_clients',
      ['user_pool_id', 'id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('flows_app_client').on('flows').columns(['client_id', 'user_pool_id']).execute()
  await db.schema.createIndex('flows_expiry').on('flows').column('expires_at').execute()
}
