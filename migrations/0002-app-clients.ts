import type { Kysely } from 'kysely'

/* App clients and resource servers: who may ask a user pool for tokens, and for which scopes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('app_clients')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('sealed_secret', 'text')
    .addColumn('settings', 'jsonb', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('app_clients_pkey', ['user_pool_id', 'id'])
    .execute()

  await db.schema
    .createTable('resource_servers')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('identifier', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('scopes', 'jsonb', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('resource_servers_pkey', ['user_pool_id', 'identifier'])
    .execute()
}
