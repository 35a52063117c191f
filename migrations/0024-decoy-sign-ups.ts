import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Sign-ups with an address that has an account (decision 17). They are kept for as long as a real one that nobody
 * confirms, so that whoever made one meets everywhere what they would meet if the address were new. No name leads from
 * one to a user, and none can become one. Codes for which there is nobody have the columns of real ones and no code.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('decoy_sign_ups')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('key', sql`text collate "C"`, (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('attributes_digest', 'text', (column) => column.notNull())
    .addColumn('attribute', 'text')
    .addColumn('destination', 'text')
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('decoy_sign_ups_pkey', ['key', 'user_pool_id'])
    .addUniqueConstraint('decoy_sign_ups_sub', ['sub', 'user_pool_id'])
    .execute()
  await db.schema
    .createIndex('decoy_sign_ups_age')
    .on('decoy_sign_ups')
    .columns(['created_at', 'user_pool_id'])
    .execute()

  await db.schema
    .createTable('decoy_codes')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('attribute', 'text', (column) => column.notNull())
    .addColumn('destination', 'text', (column) => column.notNull())
    .addColumn('code_hash', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('spent_by_attempt', 'integer')
    .addColumn('sent_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addColumn('browser_hash', 'text')
    .addColumn('sealed_flow_id', 'text')
    .addPrimaryKeyConstraint('decoy_codes_pkey', ['user_sub', 'user_pool_id', 'purpose'])
    .execute()
  await db.schema.createIndex('decoy_codes_expiry').on('decoy_codes').column('expires_at').execute()
}
