import type { Kysely } from 'kysely'

/** Browsers in which a second factor was shown and is not asked for again for a while (Cognito: remembered devices). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('devices')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('device_key', 'text', (column) => column.notNull())
    .addColumn('secret_hash', 'text', (column) => column.notNull())
    .addColumn('user_agent', 'text')
    .addColumn('address', 'text')
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('last_used_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    // At most twenty of a user: a search by secret reads no more than these.
    .addPrimaryKeyConstraint('devices_pkey', ['user_sub', 'user_pool_id', 'device_key'])
    .addForeignKeyConstraint(
      'devices_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('devices_expiry').on('devices').column('expires_at').execute()
}
