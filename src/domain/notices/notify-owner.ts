import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { User } from '../users/user.ts'
import { makeNotMeLink } from './not-me-link.ts'
import type { NoticeSubject } from './notice.ts'

/**
 * Tells the owner of what has just been done to the account, within its transaction: at the address that is proved, and only
 * of what was done on the pages. An operator tells people in their own way.
 */
export async function notifyOwner(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'clock' | 'caller'>,
  tx: Pick<Repositories, 'outbox'>,
  user: User,
  about: NoticeSubject,
): Promise<void> {
  const at = services.clock.now()
  const { email, email_verified: verified } = user.attributes
  if (email === undefined || verified !== 'true') return
  const link = makeNotMeLink(services, user, email, at)
  if (link === undefined) return
  const { address, notices, clientId } = services.caller
  const message = {
    kind: 'notice',
    about,
    userPoolId: user.userPoolId,
    medium: 'EMAIL',
    recipient: email,
    languages: notices?.languages ?? [],
    username: user.username,
    link,
    happenedAt: at.toISOString(),
    ...(address === undefined ? {} : { from: address }),
    ...(about === 'newBrowser' ? { trigger: takeOverNotification(user.sub, clientId) } : {}),
  } as const
  await enqueueMessage(services, tx, message, at)
}

/** A sign-in that may have been somebody else's is what Cognito's threat protection tells of (reference: triggers §12). */
const takeOverNotification = (userSub: string, clientId: string | undefined) =>
  ({ source: 'AccountTakeOverNotification', userSub, ...(clientId === undefined ? {} : { clientId }) }) as const
