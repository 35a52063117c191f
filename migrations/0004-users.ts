import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Users and every name that leads to one of them. The names have a table of their own, because user names and aliases
 * share one space: a user name must not equal somebody else's e-mail alias. Keys are canonical and compared as bytes,
 * so that a page's order does not depend on the server's locale.
 *
 * Keys here and below begin with what tells rows apart, not with the pool. On tables that are small or new the planner
 * takes any index on the pool to be as good as the key, reads the whole pool, and keeps that plan for as long as the
 * statement is prepared. For the same reason the two indexes for pages are partial: only a query that says, for no other
 * purpose, that names are not empty can use them. What is left without an index is the deletion of a whole pool.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('username_key', sql`text collate "C"`, (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('enabled', 'boolean', (column) => column.notNull())
    .addColumn('attributes', 'jsonb', (column) => column.notNull())
    .addColumn('password_hash', 'text')
    .addColumn('temporary_password_expires_at', 'timestamptz')
    .addColumn('signed_out_at', 'timestamptz')
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('users_pkey', ['sub', 'user_pool_id'])
    .execute()
  await sql`
    create index users_by_name on users (user_pool_id, username_key) where username_key <> ''`.execute(db)
  await sql`
    create index users_by_status on users (user_pool_id, status, username_key) where username_key <> ''`.execute(db)

  await db.schema
    .createTable('user_identifiers')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('key', sql`text collate "C"`, (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('user_identifiers_pkey', ['key', 'user_pool_id'])
    .addForeignKeyConstraint(
      'user_identifiers_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('user_identifiers_user')
    .on('user_identifiers')
    .columns(['user_sub', 'user_pool_id'])
    .execute()
}
