import { onRecord, record, responseOf } from '../audit/record.ts'
import { recoveringChange } from '../attribute-changes/pending-change.ts'
import { completeChange } from '../attribute-changes/complete-change.ts'
import { notifyFormerAddress } from '../attribute-changes/notify-former-address.ts'
import { admitGuess, clearGuesses, takeBackGuess } from '../lock-out/admit-guess.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { Guess } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { signOutTime } from '../sign-in/sign-in-time.ts'
import { changedAttributes, leftBehind } from '../sign-up/left-behind.ts'
import { claimAddress, claimPreferredUsername, releaseUnproved } from '../users/claim-sign-in-names.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import type { User } from '../users/user.ts'
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import type { RefusedCode } from '../verification-codes/check-code.ts'
import type { CodeAttempt } from '../verification-codes/verification-code.ts'
import { recoveryAttributes } from './recovery-channel.ts'

export type ConfirmForgotPasswordOutcome =
  | { kind: 'done'; user: User; authTime: Date }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[] }
  | { kind: 'refused'; reason: 'userDisabled' }
  | RefusedCode
  | AttemptsExceeded
  | LimitExceeded

/**
 * Cognito's ConfirmForgotPassword: the only way to set a password without knowing the old one, and only with a code
 * spent in the same transaction (threat row B3). It confirms the user and the address by the way, and ends every session
 * and grant that began before (threat row A1).
 * @param request.username as it was typed to ask for the code
 */
export async function confirmForgotPassword(
  services: DomainServices,
  request: {
    userPool: UserPool
    userSub: string | undefined
    username: string
    code: string
    password: string
    languages?: readonly string[]
    browserHash?: string | undefined
  },
): Promise<ConfirmForgotPasswordOutcome> {
  const { userPool, userSub, username: name, password, browserHash } = request
  const broken = brokenRules(userPool.passwordPolicy, password)
  if (broken.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: broken }
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'ForgotPassword')
  if (limited !== undefined) return limited
  const guess = await guessByName(services, userPool, 'code', { userSub, name, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  // Hashed even for nobody: a reset that was never under way costs and answers the same.
  const passwordHash = await hash(services, userPool, guess, password)
  const entryOf = (outcome: ConfirmForgotPasswordOutcome) =>
    ({ userPoolId: userPool.id, eventType: 'ForgotPassword', userSub, ...responseOf(outcome) }) as const
  if (userSub === undefined || admission.kind === 'lockedUntold') {
    const refusal = { kind: 'refused', reason: 'codeMismatch' } as const
    await record(services, services.store, entryOf(refusal))
    return refusal
  }
  const work = (tx: Repositories) => redeem(services, tx, { ...request, userSub }, passwordHash)
  const outcome = await onRecord(services, work, entryOf)
  if (outcome.kind === 'done') await clearGuesses(services, userPool, guess)
  services.messagesQueued()
  return outcome
}

async function hash(services: DomainServices, userPool: UserPool, guess: Guess, password: string): Promise<string> {
  try {
    return await services.passwordHasher.hash(password)
  } catch (error) {
    // Too many at once: nobody has looked at the code.
    await takeBackGuess(services, userPool, guess)
    throw error
  }
}

interface Redemption {
  userPool: UserPool
  userSub: string
  code: string
  languages?: readonly string[]
}

type Proof = Extract<CodeAttempt, { kind: 'matched' }>
type AttributeChanges = Readonly<Record<string, string | null>>

async function redeem(
  services: DomainServices,
  tx: Repositories,
  request: Redemption,
  passwordHash: string,
): Promise<ConfirmForgotPasswordOutcome> {
  const { userPool, userSub, code } = request
  const at = services.clock.now()
  const attempt = await attemptCode(services, tx, { userPoolId: userPool.id, userSub, purpose: 'reset', code, at })
  const other =
    attempt.kind === 'matched'
      ? undefined
      : await attemptCode(services, tx, { userPoolId: userPool.id, userSub, purpose: 'reset_pending', code, at })
  const proof = attempt.kind === 'matched' ? attempt : other
  if (proof?.kind !== 'matched') {
    const told = attempt.kind === 'expired' && other !== undefined ? other : attempt
    return { kind: 'refused', reason: codeRefusal(told as Exclude<CodeAttempt, Proof>) }
  }
  const user = await tx.users.findBySub(userPool.id, userSub)
  if (user?.enabled !== true) return { kind: 'refused', reason: 'userDisabled' }
  // The operator may have closed this way since the code was sent (threat row A9).
  if (!recoveryAttributes(userPool).includes(proof.attribute)) return { kind: 'refused', reason: 'codeExpired' }
  const attributes =
    attempt.kind === 'matched'
      ? await proveAddress(tx, userPool, user, proof)
      : await provePendingAddress(services, tx, request, user, proof, at)
  // A code to an address that is not the user's any more proves nothing (threat row A7).
  if (attributes === undefined) return { kind: 'refused', reason: 'codeExpired' }
  return setPassword(tx, userPool, user, attributes, passwordHash, at)
}

/**
 * The address in force is proved, unless it is another user's name by now. What waits to take its place, and all that a
 * sign-up said beside it, may be somebody else's doing: it is dropped (threat row A1).
 */
async function proveAddress(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  proof: Proof,
): Promise<AttributeChanges | undefined> {
  const { attribute } = proof
  if (user.attributes[attribute] !== proof.destination) return undefined
  await tx.attributeChanges.delete(userPool.id, user.sub)
  const verified = (await claimAddress(tx, userPool, user, proof)) ? { [`${attribute}_verified`]: 'true' } : {}
  if (user.status !== 'UNCONFIRMED') return verified
  await releaseUnproved(tx, userPool, user, attribute)
  return { ...leftBehind(userPool, user, attribute), ...verified }
}

/** The code finishes the change: the new address is proved, the former one told, and no other change waits any more. */
async function provePendingAddress(
  services: DomainServices,
  tx: Repositories,
  { userPool, languages = [] }: Redemption,
  user: User,
  proof: Proof,
  at: Date,
): Promise<AttributeChanges | undefined> {
  const { attribute } = proof
  const pending = await recoveringChange(tx, user, attribute, at)
  if (pending?.value !== proof.destination) return undefined
  const attributes = await completeChange(tx, userPool, user, proof, at)
  if (attributes === undefined) return undefined
  await tx.attributeChanges.delete(userPool.id, user.sub)
  await notifyFormerAddress(services, tx, { user, attribute, languages, done: true, at })
  return attributes
}

async function setPassword(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  attributes: AttributeChanges,
  passwordHash: string,
  at: Date,
): Promise<ConfirmForgotPasswordOutcome> {
  const confirmed: User = {
    ...user,
    status: 'CONFIRMED',
    attributes: changedAttributes(user.attributes, attributes),
  }
  await claimPreferredUsername(tx, userPool, confirmed)
  const signedOutAt = signOutTime(user, at)
  const change = {
    status: 'CONFIRMED',
    attributes,
    passwordHash,
    temporaryPasswordExpiresAt: null,
    signedOutAt,
  } as const
  await tx.users.update(userPool.id, user.sub, change, at)
  await tx.browserSessions.deleteOfUser(userPool.id, user.sub)
  await tx.knownBrowsers.forget(userPool.id, user.sub)
  await tx.grants.revokeOfUser(userPool.id, user.sub, at)
  return { kind: 'done', user: confirmed, authTime: signedOutAt }
}
