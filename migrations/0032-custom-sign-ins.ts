import type { Kysely } from 'kysely'

/*
 * Sign-ins by custom challenges, each row one question that waits for its answer: the next one is a row of its own. What the
 * triggers have said so far, the expected answer among it, is sealed. Without a user: of a name that nobody has.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('custom_sign_ins')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text')
    .addColumn('sealed_state', 'text', (column) => column.notNull())
    .addColumn('started_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('custom_sign_ins_pkey', ['id_hash', 'user_pool_id'])
    .addForeignKeyConstraint(
      'custom_sign_ins_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('custom_sign_ins_user')
    .on('custom_sign_ins')
    .columns(['user_sub', 'user_pool_id'])
    .execute()
  await db.schema.createIndex('custom_sign_ins_expiry').on('custom_sign_ins').column('expires_at').execute()
}
