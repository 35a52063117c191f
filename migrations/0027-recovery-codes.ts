import type { Kysely } from 'kysely'

/* Codes that stand in for a second factor which is lost, each once: a keyed hash a row, deleted when it is used. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('recovery_codes')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('code_hash', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('recovery_codes_pkey', ['user_sub', 'user_pool_id', 'code_hash'])
    .addForeignKeyConstraint(
      'recovery_codes_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
}
