import type { Random } from '../../platform/random.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import type { Repositories } from '../ports/store.ts'
import type { OutgoingMessage } from './message.ts'

/** What messages in the outbox are sealed for. */
export const outboxPurpose = 'outbox'

/**
 * Puts a message in the outbox, sealed, since it may carry a code. To be called inside the transaction of what the
 * message tells of (design decision 14): either both are committed or neither. It leaves after the commit.
 */
export async function enqueueMessage(
  tx: Pick<Repositories, 'outbox'>,
  sealedBox: Pick<SealedBox, 'seal'>,
  random: Pick<Random, 'uuid'>,
  message: OutgoingMessage,
  at: Date,
): Promise<void> {
  await tx.outbox.add({
    id: random.uuid(),
    userPoolId: message.userPoolId,
    sealedMessage: sealedBox.seal(JSON.stringify(message), outboxPurpose),
    at,
  })
}
