import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * A user pool and what it is reached by. Settings keep Cognito's own member names and change shape with releases, hence
 * jsonb. `settings_generation` is one row that tells other processes that their copy of all settings is out of date.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('settings_generation')
    .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
    .addColumn('generation', 'integer', (column) => column.notNull())
    .execute()
  await sql`insert into settings_generation (id, generation) values (1, 1)`.execute(db)

  await db.schema
    .createTable('user_pools')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('is_default', 'boolean', (column) => column.notNull())
    // Two pools with one issuer could answer for each other's tokens.
    .addColumn('issuer', 'text', (column) => column.notNull().unique())
    .addColumn('issuer_follows_public_url', 'boolean', (column) => column.notNull())
    .addColumn('settings', 'jsonb', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
    .execute()

  // An origin leads to one pool only, so it is the key.
  await db.schema
    .createTable('user_pool_domains')
    .addColumn('origin', 'text', (column) => column.primaryKey())
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('position', 'integer', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('user_pool_domains_pool').on('user_pool_domains').column('user_pool_id').execute()
}
