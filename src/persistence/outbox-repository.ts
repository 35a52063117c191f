import type { Kysely } from 'kysely'
import type { OutboxEntry, OutboxRepository } from '../domain/ports/outbox-repository.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Schema } from './schema.ts'

/** A far end's answer can be long; the rest of it helps nobody. */
const maximumErrorLength = 1000

export const outboxRepository = (db: Kysely<Schema>): OutboxRepository => ({
  async add({ id, userPoolId, sealedMessage, at }) {
    await db
      .insertInto('outbox')
      .values({ id, user_pool_id: userPoolId, sealed_message: sealedMessage, created_at: at, due_at: at })
      .execute()
  },
  take: (request) => takeDue(db, request),
  async markSent(id, at) {
    await db
      .updateTable('outbox')
      .set({ sent_at: at, due_at: null, dead_at: null, sealed_message: null, last_error: null })
      .where('id', '=', id)
      .execute()
  },
  async markFailed(id, { error, retryAt, at }) {
    await db
      .updateTable('outbox')
      .set({
        due_at: retryAt ?? null,
        dead_at: retryAt === undefined ? at : null,
        last_error: error.slice(0, maximumErrorLength),
      })
      .where('id', '=', id)
      // Another process, to which the lease went over, may have sent it meanwhile.
      .where('sent_at', 'is', null)
      .execute()
  },
  async releaseAll(at) {
    await db.updateTable('outbox').set({ due_at: at }).where('due_at', '>', at).execute()
  },
  deadLetters: (limit) => deadLetters(db, limit),
  async retryDeadLetters(at) {
    const retried = await db
      .updateTable('outbox')
      .set({ due_at: at, dead_at: null, attempts: 0 })
      .where('dead_at', 'is not', null)
      .returning('user_pool_id')
      .execute()
    return retried.map((row) => row.user_pool_id)
  },
  async nextDueAt() {
    const row = await db
      .selectFrom('outbox')
      .select('due_at')
      .where('due_at', 'is not', null)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst()
    return row?.due_at ?? undefined
  },
})

/** Newest first. */
async function deadLetters(db: Kysely<Schema>, limit: number): ReturnType<OutboxRepository['deadLetters']> {
  const rows = await db
    .selectFrom('outbox')
    .select(['id', 'user_pool_id as userPoolId', 'last_error', 'created_at as createdAt'])
    .where('dead_at', 'is not', null)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ last_error: error, ...row }) => ({ ...row, error: error ?? '' }))
}

/**
 * Taking a message moves its due time to the end of the lease, and counts the try: a message that kills the process
 * that sends it must not be tried for ever. `attempts` of the answer are the tries before this one. Oldest first.
 */
async function takeDue(
  db: Kysely<Schema>,
  { limit, leaseSeconds, at }: Parameters<OutboxRepository['take']>[0],
): Promise<readonly OutboxEntry[]> {
  const taken = await db
    .with('due', (part) =>
      part
        .selectFrom('outbox')
        .select('id')
        .where('due_at', '<=', at)
        .where('sealed_message', 'is not', null)
        .orderBy('due_at')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('outbox')
    .from('due')
    .set((eb) => ({ due_at: addSeconds(at, leaseSeconds), attempts: eb('attempts', '+', 1) }))
    .whereRef('outbox.id', '=', 'due.id')
    .returning(['outbox.id', 'sealed_message', 'attempts', 'created_at'])
    .$narrowType<{ sealed_message: string }>()
    .execute()
  return taken
    .map((row) => ({
      id: row.id,
      sealedMessage: row.sealed_message,
      attempts: row.attempts - 1,
      createdAt: row.created_at,
    }))
    .toSorted((left, right) => left.createdAt.getTime() - right.createdAt.getTime())
}
