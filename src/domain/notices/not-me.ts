import { sha256 } from '../../security/digest.ts'
import { onRecord, responseOf } from '../audit/record.ts'
import { forgetBrowsers } from '../devices/forget-devices.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories, UserChange } from '../ports/store.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { forgotPassword } from '../recovery/forgot-password.ts'
import type { ResetLinkOrigin } from '../recovery/reset-link.ts'
import { signOutTime } from '../sign-in/sign-in-time.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { claimAddress } from '../users/claim-sign-in-names.ts'
import { nameToSignInWith } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { openNotMeLink } from './not-me-link.ts'
import type { NotMeLink } from './not-me-link.ts'

export interface FollowedNotMeLink {
  userPool: UserPool
  clientId: string
  token: string
}

/** `mailed`: how to choose a password; a provider's people have none. */
export type NotMeOutcome = { kind: 'done'; mailed: boolean } | { kind: 'refused'; reason: 'linkClosed' } | LimitExceeded

/** Whose link it is, while it can work. Changes nothing. */
export async function readNotMeLink(
  services: DomainServices,
  { userPool, clientId, token }: FollowedNotMeLink,
): Promise<{ link: NotMeLink; user: User } | undefined> {
  const link = openNotMeLink(services, { userPoolId: userPool.id, clientId }, token)
  const user = link && (await services.store.users.findBySub(userPool.id, link.userSub))
  return link === undefined || user === undefined ? undefined : { link, user }
}

/**
 * The owner says that it was somebody else: every session and grant ends, what has come to the account since goes, the password
 * is worth nothing until it is replaced, and a mail to the address that the notice went to is how to do that.
 */
export async function sayNotMe(
  services: DomainServices,
  request: FollowedNotMeLink & { languages: readonly string[]; origin: ResetLinkOrigin },
): Promise<NotMeOutcome> {
  const { userPool, clientId, languages, origin } = request
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'ForgotPassword')
  if (limited !== undefined) return limited
  const followed = await readNotMeLink(services, request)
  if (followed === undefined) return { kind: 'refused', reason: 'linkClosed' }
  const { link } = followed
  const outcome = await onRecord(
    services,
    (tx) => takeBack(services, tx, userPool, link),
    (ended) => ({
      userPoolId: userPool.id,
      eventType: 'GlobalSignOut',
      userSub: link.userSub,
      ...responseOf(ended),
      detail: { by: 'notMe' },
    }),
  )
  if (outcome.kind !== 'done') return outcome
  if (outcome.user.status === 'EXTERNAL_PROVIDER') return { kind: 'done', mailed: false }
  const username = nameToSignInWith(userPool, outcome.user)
  await forgotPassword(services, { userPool, clientId, username, languages, origin })
  return { kind: 'done', mailed: true }
}

async function takeBack(
  services: DomainServices,
  tx: Repositories,
  userPool: UserPool,
  link: NotMeLink,
): Promise<{ kind: 'done'; user: User } | { kind: 'refused'; reason: 'linkClosed' }> {
  const at = services.clock.now()
  const user = await tx.users.lockBySub(userPool.id, link.userSub)
  const spent = await tx.oneTime.spend(userPool.id, sha256(link.nonce), new Date(link.expiresAt))
  if (user === undefined || !spent) return { kind: 'refused', reason: 'linkClosed' }
  // Nobody else's by now, or a change of address would be the way to keep the owner out for good.
  const proof = { attribute: 'email', destination: link.email } as const
  const isBack = user.attributes['email'] === link.email || (await claimAddress(tx, userPool, user, proof))
  const attributes = isBack ? { email: link.email, email_verified: 'true' } : {}
  const since = new Date(link.since)
  const factors = await dropFactorsSince(tx, user, since)
  const identities = await dropIdentitiesSince(tx, user, since)
  const change = {
    ...(user.status === 'CONFIRMED' ? { status: 'RESET_REQUIRED' as const } : {}),
    ...factors,
    ...identities,
    attributes,
    signedOutAt: signOutTime(user, at),
  }
  await tx.users.update(userPool.id, user.sub, change, at)
  await tx.attributeChanges.delete(userPool.id, user.sub)
  await tx.verificationCodes.delete(userPool.id, user.sub, ['sign_in', 'reset', 'reset_pending'])
  await tx.browserSessions.deleteOfUser(userPool.id, user.sub)
  await forgetBrowsers(tx, userPool.id, user.sub)
  await tx.grants.revokeOfUser(userPool.id, user.sub, at)
  return { kind: 'done', user: { ...user, attributes: { ...user.attributes, ...attributes } } }
}

/** Whoever has broken in may have linked an account of their own; the one that the user came with stays. */
async function dropIdentitiesSince(
  tx: Pick<Repositories, 'identities'>,
  { userPoolId, sub, identities = [] }: User,
  since: Date,
): Promise<Pick<UserChange, 'identities'>> {
  const gone = identities.filter(({ primary, linkedAt }) => !primary && new Date(linkedAt) >= since)
  // As many as there may be of one user: five.
  for (const identity of gone) await tx.identities.release(userPoolId, sub, identity)
  return gone.length === 0 ? {} : { identities: identities.filter((identity) => !gone.includes(identity)) }
}

/** A stranger's passkey or app would outlive a new password. Those that were there before stay. */
async function dropFactorsSince(
  tx: Repositories,
  user: User,
  since: Date,
): Promise<Pick<UserChange, 'hasPasskeys' | 'mfaTypes' | 'preferredMfa'>> {
  const { userPoolId, sub: userSub } = user
  const [passkeys, apps] = [
    await tx.passkeys.ofUser(userPoolId, userSub),
    await tx.softwareTokens.ofUser(userPoolId, userSub),
  ]
  const isNew = ({ createdAt }: { createdAt: Date }): boolean => createdAt >= since
  // As many as there may be of one user: twenty.
  for (const { id } of passkeys.filter(isNew)) await tx.passkeys.delete({ userPoolId, userSub, id })
  const gone = apps.filter(isNew).map(({ id }) => id)
  if (gone.length > 0) await tx.softwareTokens.delete(userPoolId, userSub, gone)
  await tx.recoveryCodes.replace(userPoolId, userSub, [], since)
  const hasPasskeys = passkeys.some((passkey) => !isNew(passkey))
  const hasApps = gone.length < apps.length
  const mfaTypes = (user.mfaTypes ?? []).filter(
    (type) => (type !== 'WEB_AUTHN' || hasPasskeys) && (type !== 'SOFTWARE_TOKEN_MFA' || hasApps),
  )
  const { preferredMfa } = user
  const isThere = preferredMfa !== undefined && mfaTypes.includes(preferredMfa)
  return { hasPasskeys, mfaTypes, preferredMfa: isThere ? preferredMfa : null }
}
