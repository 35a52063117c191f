import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { OutgoingMessage } from './message.ts'

/** What messages in the outbox are sealed for. */
export const outboxPurpose = 'outbox'

/**
 * Puts a message in the outbox, sealed, since it may carry a code. To be called inside the transaction of what the
 * message tells of (design decision 14): either both are committed or neither. It leaves after the commit.
 */
export async function enqueueMessage(
  { sealedBox, random, caller }: Pick<DomainServices, 'sealedBox' | 'random' | 'caller'>,
  tx: Pick<Repositories, 'outbox'>,
  given: OutgoingMessage,
  at: Date,
): Promise<void> {
  // Whose app it is about: its words may be its own.
  const message = caller.clientId === undefined ? given : { ...given, clientId: caller.clientId }
  await tx.outbox.add({
    id: random.uuid(),
    userPoolId: message.userPoolId,
    sealedMessage: sealedBox.seal(JSON.stringify(message), outboxPurpose),
    at,
  })
}
