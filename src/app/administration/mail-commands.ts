import { z } from 'zod'
import { retryDeadLetters } from '../../domain/messages/retry-dead-letters.ts'
import { defineCommand } from './administration.ts'

/** Messages that were given up on, newest first. */
export const listDeadLetters = defineCommand(
  z.strictObject({ limit: z.int().min(1).max(1000).default(100) }),
  async ({ domain }, { limit }) => ({
    DeadLetters: (await domain.store.outbox.deadLetters(limit)).map((letter) => ({
      Id: letter.id,
      UserPoolId: letter.userPoolId,
      Error: letter.error,
      CreatedAt: letter.createdAt.toISOString(),
    })),
  }),
)

/** Puts all dead letters back in the queue; a server sends them. */
export const retryDeadLettersCommand = defineCommand(z.strictObject({}), async ({ domain }) => {
  return { Retried: await retryDeadLetters(domain) }
})
