import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/** Where a pool's triggers go, secrets sealed; and each time that one was asked, for as long as it is kept. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('user_pools')
    .addColumn('triggers', 'jsonb', (column) => column.notNull().defaultTo(sql`'{}'::jsonb`))
    .execute()
  await db.schema
    .createTable('trigger_invocations')
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('at', 'timestamptz', (column) => column.notNull())
    .addColumn('trigger', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('duration_ms', 'integer', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('problem', 'text')
    .addColumn('client_id', 'text')
    .addColumn('request_id', 'text')
    .addColumn('event', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('trigger_invocations_pkey', ['id', 'user_pool_id'])
    .addForeignKeyConstraint('trigger_invocations_user_pool', ['user_pool_id'], 'user_pools', ['id'], (constraint) =>
      constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('trigger_invocations_newest')
    .on('trigger_invocations')
    .columns(['user_pool_id', 'at'])
    .execute()
  await db.schema
    .createIndex('trigger_invocations_of_trigger')
    .on('trigger_invocations')
    .columns(['user_pool_id', 'trigger', 'at'])
    .execute()
  await db.schema.createIndex('trigger_invocations_age').on('trigger_invocations').column('at').execute()
}
