import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'

/** Puts every message that was given up on back in the queue; a server sends them. @returns how many */
export async function retryDeadLetters(services: DomainServices): Promise<number> {
  const retried = await onRecord(
    services,
    (tx) => tx.outbox.retryDeadLetters(services.clock.now()),
    (userPoolIds) =>
      [...Map.groupBy(userPoolIds, (id) => id)].map(([userPoolId, { length: messages }]) => ({
        userPoolId,
        eventType: 'MessageRetry',
        detail: { messages },
      })),
  )
  services.messagesQueued()
  return retried.length
}
