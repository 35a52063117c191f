import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Users with the password hashes of another place. `password_form` is there while a user's hash is one of those: its algorithm
 * and cost, such as `$2b$10`. A pool's `password_forms` are those that its users may have: each check of a password costs as
 * much whoever has the name (threat row B14). An import of a file is known by the file's digest, and goes on where it stopped.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('users').addColumn('password_form', 'text').execute()
  await sql`
    create index users_by_password_form on users (user_pool_id, password_form) where password_form is not null`.execute(
    db,
  )
  await db.schema
    .alterTable('user_pools')
    .addColumn('password_forms', sql`text[]`, (column) => column.notNull().defaultTo(sql`'{}'`))
    .execute()
  await db.schema
    .createTable('user_imports')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('file_hash', 'text', (column) => column.notNull())
    .addColumn('rows_done', 'integer', (column) => column.notNull())
    .addColumn('imported', 'integer', (column) => column.notNull())
    .addColumn('refused', 'integer', (column) => column.notNull())
    .addColumn('latest_refused', 'jsonb', (column) => column.notNull())
    .addColumn('started_at', 'timestamptz', (column) => column.notNull())
    .addColumn('finished_at', 'timestamptz')
    .addPrimaryKeyConstraint('user_imports_pkey', ['file_hash', 'user_pool_id'])
    .addForeignKeyConstraint('user_imports_user_pool', ['user_pool_id'], 'user_pools', ['id'], (constraint) =>
      constraint.onDelete('cascade'),
    )
    .execute()
}
