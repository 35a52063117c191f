import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Sign-in at other identity providers: a pool's providers, secrets sealed; whose accounts there a user has; and who an account
 * there leads to. The issuer is part of the key: a provider that is moved to another server brings back nobody by its subjects.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('user_pools')
    .addColumn('identity_providers', 'jsonb', (column) => column.notNull().defaultTo(sql`'[]'::jsonb`))
    .execute()
  await db.schema.alterTable('users').addColumn('identities', 'jsonb').execute()
  await db.schema
    .createTable('user_identities')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('provider_name', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('user_identities_pkey', ['subject', 'issuer', 'provider_name', 'user_pool_id'])
    .addForeignKeyConstraint(
      'user_identities_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('user_identities_of_user')
    .on('user_identities')
    .columns(['user_sub', 'user_pool_id'])
    .execute()
}
