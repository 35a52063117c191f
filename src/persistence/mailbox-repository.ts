import type { Kysely } from 'kysely'
import type { DevMailbox } from '../domain/ports/dev-mailbox.ts'
import type { Schema } from './schema.ts'

/** Messages that stay; older ones are forgotten. */
const capacity = 200

export const mailboxRepository = (db: Kysely<Schema>): DevMailbox => ({
  async add({ id, sealedMessage, at }) {
    await db
      .with('forgotten', (part) =>
        part.deleteFrom('mailbox_messages').where(
          'id',
          'in',
          (eb) =>
            eb
              .selectFrom('mailbox_messages')
              .select('id')
              .orderBy('created_at', 'desc')
              .orderBy('id', 'desc')
              .offset(capacity - 1), // the new one is not among them yet
        ),
      )
      .insertInto('mailbox_messages')
      .values({ id, sealed_message: sealedMessage, created_at: at })
      // Messages are delivered at least once, and shown once.
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  },
  list: (limit) =>
    db
      .selectFrom('mailbox_messages')
      .select(['id', 'sealed_message as sealedMessage', 'created_at as createdAt'])
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute(),
  find: (id) =>
    db
      .selectFrom('mailbox_messages')
      .select(['id', 'sealed_message as sealedMessage', 'created_at as createdAt'])
      .where('id', '=', id)
      .executeTakeFirst(),
  async clear() {
    await db.deleteFrom('mailbox_messages').execute()
  },
})
