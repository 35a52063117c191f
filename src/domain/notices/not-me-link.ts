import { addSeconds } from '../../platform/clock.ts'
import type { Caller } from '../../platform/http/caller.ts'
import type { DomainServices } from '../ports/services.ts'
import type { User } from '../users/user.ts'

/*
 * "This wasn't me": a link in every notice. It is sealed, not stored, and good for a week, once. No change of the account ends
 * it: whoever has broken in could make one.
 */

const notMeSeconds = 7 * 86_400

/** What the notice tells of was written a moment before it, by a server whose clock may be behind. */
const marginSeconds = 300

/** What a link says. */
export interface NotMeLink {
  userPoolId: string
  clientId: string
  userSub: string
  /** Where the notice went: whoever reads that mailbox had the account then. */
  email: string
  /** ISO 8601; what came to the account since may be a stranger's. */
  since: string
  /** ISO 8601. */
  expiresAt: string
  nonce: string
}

const purpose = 'not-me link'

/** Undefined: nobody asked through a page of ours, so there is none to lead to. */
export function makeNotMeLink(
  { sealedBox, random, caller }: Pick<DomainServices, 'sealedBox' | 'random'> & { caller: Caller },
  user: Pick<User, 'userPoolId' | 'sub'>,
  email: string,
  at: Date,
): string | undefined {
  const { clientId, notices } = caller
  if (clientId === undefined || notices === undefined) return undefined
  const link: NotMeLink = {
    userPoolId: user.userPoolId,
    clientId,
    userSub: user.sub,
    email,
    since: addSeconds(at, -marginSeconds).toISOString(),
    expiresAt: addSeconds(at, notMeSeconds).toISOString(),
    nonce: random.handle(),
  }
  const query = new URLSearchParams({ client_id: clientId, token: sealedBox.seal(JSON.stringify(link), purpose) })
  return `${notices.notMeUrl}?${query.toString()}`
}

/** What a link of this pool and client says, if it is one of ours and not too old. */
export function openNotMeLink(
  { sealedBox, clock }: Pick<DomainServices, 'sealedBox' | 'clock'>,
  where: { userPoolId: string; clientId: string },
  token: string,
): NotMeLink | undefined {
  try {
    const link = JSON.parse(sealedBox.open(token, purpose)) as NotMeLink
    const isHere = link.userPoolId === where.userPoolId && link.clientId === where.clientId
    return isHere && new Date(link.expiresAt) > clock.now() ? link : undefined
  } catch {
    return undefined
  }
}
