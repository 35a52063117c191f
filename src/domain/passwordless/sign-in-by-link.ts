import type { AppClient } from '../app-clients/app-client.ts'
import { record } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { Challenged, Proved, SignedIn, SignInContext } from '../sign-in/advance.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { completeSignIn, signInEntry } from './confirm-sign-in-code.ts'
import { firstCodeParts, mayBeginWith, offeredFirstCodes } from './first-code.ts'
import { isOpenFor, openSignInLink, usedLinkHash } from './sign-in-link.ts'
import type { SignInLink } from './sign-in-link.ts'

export interface FollowedSignInLink {
  userPool: UserPool
  appClient: AppClient
  token: string
  /** SHA-256 of the handle of the browser that follows it. */
  browserHash: string
}

/** `otherBrowser`: not the one that asked; there the code of the same message goes on. */
export type SignInLinkState =
  { kind: 'open'; link: SignInLink; user: User } | { kind: 'otherBrowser' } | { kind: 'closed' }

export type SignInByLinkOutcome =
  SignedIn | Challenged | LimitExceeded | { kind: 'refused'; reason: 'linkClosed' | 'otherFactorNeeded' }

/** What a link is worth now. Changes nothing: scanners of mail follow links before people do (threat row E10). */
export async function readSignInLink(services: DomainServices, followed: FollowedSignInLink): Promise<SignInLinkState> {
  const { userPool, appClient, token, browserHash } = followed
  const link = openSignInLink(services, { userPoolId: userPool.id, clientId: appClient.id }, token)
  if (link === undefined) return { kind: 'closed' }
  const user = await services.store.users.findBySub(userPool.id, link.userSub)
  if (user === undefined || !isGood(services, followed, link, user)) return { kind: 'closed' }
  // Who follows somebody else's link would sign in as them, or make them sign in as somebody else.
  return link.browserHash === browserHash ? { kind: 'open', link, user } : { kind: 'otherBrowser' }
}

const isGood = (
  services: Pick<DomainServices, 'clock'>,
  { userPool, appClient }: FollowedSignInLink,
  link: SignInLink,
  user: User,
): boolean =>
  isOpenFor(link, user, services.clock.now()) &&
  mayBeginWith(user, 'EMAIL_OTP') &&
  offeredFirstCodes(userPool, appClient).includes('EMAIL_OTP')

/** Signs in by the link of a mail, in the browser that asked for it, once. */
export async function signInByLink(
  services: DomainServices,
  followed: FollowedSignInLink & SignInContext,
): Promise<SignInByLinkOutcome> {
  const { userPool } = followed
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'SignIn')
  if (limited !== undefined) return limited
  const state = await readSignInLink(services, followed)
  if (state.kind !== 'open') return { kind: 'refused', reason: 'linkClosed' }
  const { link } = state
  const request = { ...followed, factor: 'EMAIL_OTP', userSub: link.userSub } as const
  const proved = await services.store.transaction(async (tx) => {
    const outcome = await use(services, tx, followed, link)
    if (outcome === undefined) {
      await record(services, tx, signInEntry(request, { kind: 'refused', reason: 'linkClosed' }, 'link'))
    }
    return outcome
  })
  return proved === undefined ? { kind: 'refused', reason: 'linkClosed' } : completeSignIn(services, request, proved)
}

/** One statement uses it up, and the code of the same message with it. */
async function use(
  services: DomainServices,
  tx: Repositories,
  followed: FollowedSignInLink,
  link: SignInLink,
): Promise<Proved | undefined> {
  const { userPool } = followed
  const user = await tx.users.lockBySub(userPool.id, link.userSub)
  if (user === undefined || !isGood(services, followed, link, user)) return undefined
  if (!(await tx.oneTime.spend(userPool.id, usedLinkHash(link), new Date(link.expiresAt)))) return undefined
  return { user, amr: [firstCodeParts.EMAIL_OTP.amr], startedAt: signInTime(user, services.clock.now()) }
}
