import type { Kysely } from 'kysely'

/*
 * One live code a user and purpose. `spent_by_attempt` is the number of the try that was right: with it the statement
 * that counts a try can also tell whether this very try won.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('verification_codes')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('attribute', 'text', (column) => column.notNull())
    .addColumn('destination', 'text', (column) => column.notNull())
    .addColumn('code_hash', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('spent_by_attempt', 'integer')
    .addColumn('sent_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('verification_codes_pkey', ['user_sub', 'user_pool_id', 'purpose'])
    .addForeignKeyConstraint(
      'verification_codes_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('verification_codes_expiry').on('verification_codes').column('expires_at').execute()
}
