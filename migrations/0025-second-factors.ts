import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Second factors (MFA). What a user has is a column of the user, so that a sign-in without any reads nothing more. Secrets
 * of authenticator apps are sealed, each with the last time step of which a code was used. A code by message belongs to the
 * sign-in that asked for it, and so does the secret of an app that is being set up.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('users')
    .addColumn('mfa_types', sql`text[]`, (column) => column.notNull().defaultTo(sql`'{}'`))
    .addColumn('preferred_mfa', 'text')
    .execute()
  await db.schema
    .createTable('software_tokens')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('sealed_secret', 'text', (column) => column.notNull())
    .addColumn('last_time_step', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('last_used_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('software_tokens_pkey', ['user_sub', 'user_pool_id', 'id'])
    .addForeignKeyConstraint(
      'software_tokens_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .alterTable('sign_in_attempts')
    .addColumn('code_hash', 'text')
    .addColumn('destination', 'text')
    .addColumn('code_sent_at', 'timestamptz')
    .addColumn('setting_up', 'text')
    .addColumn('sealed_secret', 'text')
    .execute()
}
