import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Browser sessions and the engine's interactions. A session's key is its uid: its cookie's value changes (at a sign-in,
 * against fixation) while the session stays the same. A session may have no user yet.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('browser_sessions')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text')
    .addColumn('auth_time', 'timestamptz')
    .addColumn('amr', sql`text[]`, (column) => column.notNull())
    .addColumn('acr', 'text')
    .addColumn('authorizations', 'jsonb', (column) => column.notNull())
    .addColumn('transient', 'boolean', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('browser_sessions_pkey', ['uid', 'user_pool_id'])
    .addUniqueConstraint('browser_sessions_id_hash', ['id_hash', 'user_pool_id'])
    .addForeignKeyConstraint(
      'browser_sessions_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('browser_sessions_user')
    .on('browser_sessions')
    .columns(['user_sub', 'user_pool_id'])
    .execute()
  await db.schema.createIndex('browser_sessions_expiry').on('browser_sessions').column('expires_at').execute()

  await db.schema
    .createTable('interactions')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('payload', 'jsonb', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('interactions_pkey', ['id_hash', 'user_pool_id'])
    .execute()
  await db.schema.createIndex('interactions_expiry').on('interactions').column('expires_at').execute()
}
