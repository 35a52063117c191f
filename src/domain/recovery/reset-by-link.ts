import { onRecord, responseOf } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { postConfirmation } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { breachedRule } from '../users/breached-password.ts'
import type { ChosenPassword } from '../users/breached-password.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import type { User } from '../users/user.ts'
import { recoveryAttributes } from './recovery-channel.ts'
import { isResetLink } from './reset-link.ts'
import type { ResetLink } from './reset-link.ts'
import { proveAddress, setForgottenPassword } from './set-forgotten-password.ts'

export interface FollowedResetLink {
  userPool: UserPool
  link: ResetLink
}

export type ResetByLinkOutcome =
  | { kind: 'done'; user: User }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[] }
  | { kind: 'refused'; reason: 'linkClosed' }
  | LimitExceeded

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/** Whose link it is, while it works. Why one does not is nobody's to know (threat row B13). Changes nothing. */
export async function readResetLink(
  services: DomainServices,
  { userPool, link }: FollowedResetLink,
): Promise<User | undefined> {
  // PostgreSQL takes no NUL in a text; ours are ids and digits.
  if (!uuid.test(link.userSub) || !/^\d{1,12}$/.test(link.expires)) return undefined
  const user = await services.store.users.findBySub(userPool.id, link.userSub)
  return user !== undefined && mayReset(services, userPool, link, user) ? user : undefined
}

/** Asked once more of the user as they are when the password is set. */
const mayReset = (services: DomainServices, userPool: UserPool, link: ResetLink, user: User): boolean =>
  isResetLink(services, link, user, services.clock.now()) &&
  user.enabled &&
  // The operator may have closed this way since the link was sent (threat row A9).
  recoveryAttributes(userPool).includes('email')

/**
 * A new password by the link of a mail, in place of the code: whoever holds it reads the mailbox. It confirms the user and
 * the address, and ends what was signed in before, as the code does (confirm-forgot-password.ts).
 */
export async function resetByLink(
  services: DomainServices,
  request: FollowedResetLink & ChosenPassword,
): Promise<ResetByLinkOutcome> {
  const { userPool, link, password } = request
  const broken = brokenRules(userPool.passwordPolicy, password)
  if (broken.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: broken }
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'ForgotPassword')
  if (limited !== undefined) return limited
  if ((await readResetLink(services, request)) === undefined) return { kind: 'refused', reason: 'linkClosed' }
  const breached = await breachedRule(services, userPool, request)
  if (breached.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: breached }
  const passwordHash = await services.passwordHasher.hash(password)
  const work = async (tx: Repositories): Promise<ResetByLinkOutcome> => {
    const at = services.clock.now()
    const user = await tx.users.lockBySub(userPool.id, link.userSub)
    if (user === undefined || !mayReset(services, userPool, link, user))
      return { kind: 'refused', reason: 'linkClosed' }
    const proof = { attribute: 'email', destination: user.attributes['email'] ?? '' } as const
    const attributes = await proveAddress(tx, userPool, user, proof)
    if (attributes === undefined) return { kind: 'refused', reason: 'linkClosed' }
    await tx.verificationCodes.delete(userPool.id, user.sub, ['reset', 'reset_pending'])
    return setForgottenPassword(services, tx, userPool, user, attributes, passwordHash, at)
  }
  const entry = { userPoolId: userPool.id, eventType: 'ForgotPassword', userSub: link.userSub } as const
  const entryOf = (outcome: ResetByLinkOutcome) => ({ ...entry, ...responseOf(outcome), detail: { by: 'link' } })
  const outcome = await onRecord(services, work, entryOf)
  services.messagesQueued()
  if (outcome.kind === 'done') {
    const where = { userPool, appClient: { id: link.clientId } }
    await postConfirmation(services, where, 'ConfirmForgotPassword', outcome.user)
  }
  return outcome
}
