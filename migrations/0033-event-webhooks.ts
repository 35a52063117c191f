import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Who is told of what happens: where a pool's events go, secrets sealed, and how far each receiver has been told of the audit
 * trail, whose numbers are the cursor. One server at a time tells a receiver; it holds the row by a lease.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('user_pools')
    .addColumn('event_webhooks', 'jsonb', (column) => column.notNull().defaultTo(sql`'[]'::jsonb`))
    .execute()
  await db.schema
    .createTable('event_deliveries')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('skipped', 'integer', (column) => column.notNull())
    .addColumn('next_at', 'timestamptz', (column) => column.notNull())
    .addColumn('delivered_at', 'timestamptz')
    .addColumn('last_error', 'text')
    .addColumn('lease', 'text')
    .addColumn('leased_until', 'timestamptz')
    .addPrimaryKeyConstraint('event_deliveries_pkey', ['user_pool_id', 'name'])
    .addForeignKeyConstraint('event_deliveries_user_pool', ['user_pool_id'], 'user_pools', ['id'], (constraint) =>
      constraint.onDelete('cascade'),
    )
    .execute()
}
