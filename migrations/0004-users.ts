import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Users and every name that leads to one of them. The names have a table of their own, because user names and aliases
 * share one space: a user name must not equal somebody else's e-mail alias. Keys are canonical and compared as bytes,
 * so that a page's order does not depend on the server's locale.
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
    .addPrimaryKeyConstraint('users_pkey', ['user_pool_id', 'sub'])
    .execute()
  await db.schema.createIndex('users_by_name').on('users').columns(['user_pool_id', 'username_key']).execute()
  await db.schema
    .createIndex('users_by_status')
    .on('users')
    .columns(['user_pool_id', 'status', 'username_key'])
    .execute()

  await db.schema
    .createTable('user_identifiers')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('key', sql`text collate "C"`, (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('user_identifiers_pkey', ['user_pool_id', 'key'])
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
    .columns(['user_pool_id', 'user_sub'])
    .execute()
}
