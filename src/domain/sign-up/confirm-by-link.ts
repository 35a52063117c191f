import { constantTimeEqual } from '../../security/digest.ts'
import { onRecord, record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { checkPassword } from '../lock-out/check-password.ts'
import { guessAtPassword } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { Repositories } from '../ports/store.ts'
import { postConfirmation } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { breachedRule } from '../users/breached-password.ts'
import type { ChosenPassword } from '../users/breached-password.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { isOurLinkCode, linkCodeHash } from '../verification-codes/confirmation-link.ts'
import { flowIdPurpose } from '../verification-codes/issue-code.ts'
import type { StoredLink } from '../verification-codes/verification-code.ts'
import { confirmProved } from './confirm-sign-up.ts'
import { leftBehind } from './left-behind.ts'

/** A link as it was followed: the parameters of its address, and the browser that brings it. */
export interface FollowedLink {
  userPool: UserPool
  clientId: string
  username: string
  code: string
  /** SHA-256 of the browser's own handle. */
  browserHash: string
}

/** Why a link confirms nothing (any more). All but `wrong` is told only to whoever holds a link that was once ours. */
export type LinkProblem =
  'wrong' | 'expired' | 'superseded' | 'alreadyConfirmed' | 'signUpGone' | 'userDisabled' | 'addressTaken'

export type LinkState =
  /** `sameBrowser`: the one that signed up, which needs to prove no more. */
  | { kind: 'open'; user: User; destination: string; sameBrowser: boolean; flowId?: string }
  | { kind: 'closed'; reason: LinkProblem; flowId?: string }

/** What a link would do now. Changes nothing: scanners of mail follow every link, often more than once (threat row E10). */
export async function readConfirmationLink(services: DomainServices, followed: FollowedLink): Promise<LinkState> {
  const { userPool, username, code } = followed
  if (!isOurLinkCode(services, { ...followed, userPoolId: userPool.id }, code)) return closed('wrong')
  const user = await services.store.users.findByIdentifier(userPool.id, lookupKey(userPool, username))
  if (user?.username !== username) return closed('signUpGone')
  if (!user.enabled) return closed('userDisabled')
  const stored = await services.store.verificationCodes.findLink(userPool.id, user.sub)
  const current = stored !== undefined && constantTimeEqual(stored.codeHash, linkCodeHash(services, user.sub, code))
  const sameBrowser = current && stored.browserHash === followed.browserHash
  const flow = sameBrowser ? flowOf(services, stored) : {}
  // Spent between the two looks: the first one is out of date.
  const { status } = (stored?.spent === true && (await services.store.users.findBySub(userPool.id, user.sub))) || user
  if (status !== 'UNCONFIRMED') return { ...closed('alreadyConfirmed'), ...flow }
  if (stored === undefined) return closed('expired')
  if (!current) return closed('superseded')
  if (stored.spent || stored.expiresAt <= services.clock.now()) return { ...closed('expired'), ...flow }
  return { kind: 'open', user, destination: stored.destination, sameBrowser, ...flow }
}

const closed = (reason: LinkProblem): { kind: 'closed'; reason: LinkProblem } => ({ kind: 'closed', reason })

const flowOf = (services: Pick<DomainServices, 'sealedBox'>, { sealedFlowId }: StoredLink): { flowId?: string } =>
  sealedFlowId === undefined ? {} : { flowId: services.sealedBox.open(sealedFlowId, flowIdPurpose) }

/** What somebody at another browser brings beside the link: the password of the sign-up, or one to put in its place. */
export type LinkProof = { kind: 'none' } | ({ kind: 'password' | 'newPassword' } & ChosenPassword)

export type ConfirmByLinkOutcome =
  | { kind: 'done'; user: User; flowId?: string }
  | { kind: 'refused'; reason: LinkProblem | 'passwordNeeded' | 'incorrectPassword' }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[] }
  | AttemptsExceeded
  | LimitExceeded

/**
 * Confirms a sign-up by its link. The link proves the address, and in the browser that signed up that is enough. Anywhere
 * else whoever follows it may be the owner of an address that somebody else has signed up with: they show that the
 * password is theirs, or set one of their own, and what the stranger had left goes (threat row A1).
 */
export async function confirmByLink(
  services: DomainServices,
  request: FollowedLink & { proof: LinkProof },
): Promise<ConfirmByLinkOutcome> {
  const { userPool, proof, code } = request
  // Only a password costs a hash.
  const limited =
    proof.kind === 'none' ? undefined : await limitRequests(services, userPool, 'SignInsPerNetwork', 'ConfirmSignUp')
  if (limited !== undefined) return limited
  const state = await readConfirmationLink(services, request)
  if (state.kind === 'closed') return refused(state.reason)
  const { user } = state
  if (proof.kind === 'none' && !state.sameBrowser) return refused('passwordNeeded')
  if (proof.kind === 'password') {
    const guess = guessAtPassword(services, userPool, user.sub)
    const checked = await checkPassword(services, userPool, guess, proof.password, user)
    if (checked.kind === 'refused') return checked
    if (checked.kind === 'wrong') {
      const refusal = refused('incorrectPassword')
      await record(services, services.store, entryOf(user, refusal))
      return refusal
    }
  }
  const broken = proof.kind === 'newPassword' ? await problemsOf(services, userPool, proof) : []
  if (broken.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: broken }
  const passwordHash = proof.kind === 'newPassword' ? await services.passwordHasher.hash(proof.password) : undefined
  const codeKey = { userPoolId: userPool.id, userSub: user.sub, purpose: 'sign_up' } as const
  const codeHash = linkCodeHash(services, user.sub, code)
  const at = services.clock.now()
  const work = async (tx: Repositories): Promise<ConfirmByLinkOutcome> => {
    const now = await tx.users.lockBySub(userPool.id, user.sub)
    const attempt = await tx.verificationCodes.attempt({ ...codeKey, codeHash, at })
    if (now === undefined) return refused('signUpGone')
    if (now.status !== 'UNCONFIRMED') return refused('alreadyConfirmed')
    if (!now.enabled) return refused('userDisabled')
    if (attempt.kind !== 'matched') return refused(attempt.kind === 'mismatch' ? 'superseded' : 'expired')
    const change =
      passwordHash === undefined ? {} : { passwordHash, attributes: leftBehind(userPool, now, attempt.attribute) }
    const confirmed = await confirmProved(tx, userPool, now, attempt, { at, change })
    if (confirmed.kind === 'done') return confirmed
    return refused(confirmed.reason === 'aliasExists' ? 'addressTaken' : 'expired')
  }
  const outcome = await onRecord(services, work, (confirmed) => entryOf(user, confirmed))
  if (outcome.kind === 'done') {
    const where = { userPool, appClient: { id: request.clientId } }
    await postConfirmation(services, where, 'ConfirmSignUp', outcome.user)
  }
  return outcome.kind === 'done' && state.flowId !== undefined ? { ...outcome, flowId: state.flowId } : outcome
}

const entryOf = ({ userPoolId, sub: userSub }: User, outcome: ConfirmByLinkOutcome): AuditEntry => ({
  userPoolId,
  eventType: 'ConfirmSignUp',
  userSub,
  ...responseOf(outcome),
  detail: { by: 'link' },
})

const refused = (reason: LinkProblem | 'passwordNeeded' | 'incorrectPassword'): ConfirmByLinkOutcome => ({
  kind: 'refused',
  reason,
})

async function problemsOf(
  services: DomainServices,
  userPool: UserPool,
  chosen: ChosenPassword,
): Promise<readonly PasswordRule[]> {
  const broken = brokenRules(userPool.passwordPolicy, chosen.password)
  return broken.length > 0 ? broken : breachedRule(services, userPool, chosen)
}
