import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/* Sign-ins that have proved something but not everything, so that a challenge is answered once (design §3). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sign_in_attempts')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('challenge', 'text', (column) => column.notNull())
    .addColumn('amr', sql`text[]`, (column) => column.notNull())
    .addColumn('started_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('sign_in_attempts_pkey', ['id_hash', 'user_pool_id'])
    .addForeignKeyConstraint(
      'sign_in_attempts_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('sign_in_attempts_user')
    .on('sign_in_attempts')
    .columns(['user_sub', 'user_pool_id'])
    .execute()
  await db.schema.createIndex('sign_in_attempts_expiry').on('sign_in_attempts').column('expires_at').execute()
}
