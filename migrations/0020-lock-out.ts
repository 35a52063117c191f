import type { Kysely } from 'kysely'

/*
 * Wrong guesses, counted a bucket (decision 14). A bucket's name is a keyed digest: the table tells neither whose it is nor
 * whether that name has an account. A known browser is one in which this very user has signed in before: it has a bucket
 * of its own.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('guess_counters')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('bucket', 'text', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('last_failed_at', 'timestamptz', (column) => column.notNull())
    .addColumn('locked_until', 'timestamptz')
    .addColumn('day_failures', 'integer', (column) => column.notNull())
    .addColumn('day_began_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('guess_counters_pkey', ['bucket', 'user_pool_id'])
    .execute()
  await db.schema.createIndex('guess_counters_expiry').on('guess_counters').column('expires_at').execute()

  await db.schema
    .createTable('known_browsers')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('browser_hash', 'text', (column) => column.notNull())
    .addColumn('last_used_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('known_browsers_pkey', ['user_sub', 'user_pool_id', 'browser_hash'])
    .addForeignKeyConstraint(
      'known_browsers_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('known_browsers_last_used').on('known_browsers').column('last_used_at').execute()
}
