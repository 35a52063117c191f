import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Passkeys (WebAuthn). Whether a user has any is a column of the user, so that a sign-in by password reads nothing more. What
 * is good once, such as a challenge, has a row when it is used, and not before.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('users')
    .addColumn('has_passkeys', 'boolean', (column) => column.notNull().defaultTo(false))
    .execute()
  await db.schema
    .createTable('passkeys')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('rp_id', 'text', (column) => column.notNull())
    .addColumn('public_key', 'text', (column) => column.notNull())
    // Below 2^32 (WebAuthn §6.1).
    .addColumn('counter', 'double precision', (column) => column.notNull())
    .addColumn('transports', sql`text[]`, (column) => column.notNull())
    .addColumn('is_platform', 'boolean', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('last_used_at', 'timestamptz')
    .addPrimaryKeyConstraint('passkeys_pkey', ['id', 'user_pool_id'])
    .addForeignKeyConstraint(
      'passkeys_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('passkeys_user').on('passkeys').columns(['user_sub', 'user_pool_id']).execute()
  await db.schema
    .createTable('used_once')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('used_once_pkey', ['hash', 'user_pool_id'])
    .addForeignKeyConstraint('used_once_user_pool', ['user_pool_id'], 'user_pools', ['id'], (constraint) =>
      constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('used_once_expiry').on('used_once').column('expires_at').execute()
}
