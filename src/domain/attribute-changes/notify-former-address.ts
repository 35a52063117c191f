import { enqueueMessage } from '../messages/enqueue-message.ts'
import { makeNotMeLink } from '../notices/not-me-link.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'

/**
 * Tells the address in force that another one is about to take its place, or has: its owner may not be who asked (threat
 * row A7). Nothing goes to an address that nobody has proved.
 */
export async function notifyFormerAddress(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'clock' | 'caller'>,
  tx: Pick<Repositories, 'outbox'>,
  notice: { user: User; attribute: VerifiableAttribute; languages: readonly string[]; done: boolean; at: Date },
): Promise<void> {
  const { user, attribute, languages, at } = notice
  const recipient = user.attributes[attribute]
  if (recipient === undefined || user.attributes[`${attribute}_verified`] !== 'true') return
  if (notice.done && attribute === 'phone_number') await notifyOwner(services, tx, user, 'phoneChanged')
  const link = attribute === 'email' ? makeNotMeLink(services, user, recipient, at) : undefined
  const message = {
    kind: notice.done ? 'addressChanged' : 'addressChanging',
    userPoolId: user.userPoolId,
    medium: attribute === 'email' ? 'EMAIL' : 'SMS',
    recipient,
    languages,
    username: user.username,
    ...(link === undefined ? {} : { link }),
  } as const
  await enqueueMessage(services, tx, message, at)
}
