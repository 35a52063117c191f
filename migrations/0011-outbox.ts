import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Messages to be sent, written in the transaction of what they tell of (design decision 14). A row waits while `due_at`
 * is set; afterwards it is sent (`sent_at`, and its text forgotten) or dead (`dead_at`).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('outbox')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('sealed_message', 'text')
    .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('due_at', 'timestamptz')
    .addColumn('sent_at', 'timestamptz')
    .addColumn('dead_at', 'timestamptz')
    .addColumn('last_error', 'text')
    .execute()
  await db.schema.createIndex('outbox_pool').on('outbox').column('user_pool_id').execute()
  // Each index holds only the rows that its question is about.
  await sql`create index outbox_due on outbox (due_at) where due_at is not null`.execute(db)
  await sql`create index outbox_sent on outbox (sent_at) where sent_at is not null`.execute(db)
  await sql`create index outbox_dead on outbox (created_at) where dead_at is not null`.execute(db)
}
