import type { Kysely } from 'kysely'

/* Keys of a user pool; the private half is sealed. Old ones stay, so that tokens signed before a rotation verify. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('signing_keys')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('kid', 'text', (column) => column.notNull())
    .addColumn('use', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('public_jwk', 'jsonb', (column) => column.notNull())
    .addColumn('sealed_private_key', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('signing_keys_pkey', ['user_pool_id', 'kid'])
    .execute()
}
