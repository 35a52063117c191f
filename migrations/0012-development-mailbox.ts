import type { Kysely } from 'kysely'

/* Messages that a development server shows instead of sending; sealed like those of the outbox. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mailbox_messages')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('sealed_message', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('mailbox_messages_newest').on('mailbox_messages').columns(['created_at', 'id']).execute()
}
