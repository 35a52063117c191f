import type { AppClient } from '../app-clients/app-client.ts'
import { onRecord, responseOf } from '../audit/record.ts'
import { recoveringChange } from '../attribute-changes/pending-change.ts'
import { completeChange } from '../attribute-changes/complete-change.ts'
import { notifyFormerAddress } from '../attribute-changes/notify-former-address.ts'
import { admitGuess, clearGuesses, takeBackGuess } from '../lock-out/admit-guess.ts'
import type { Admission } from '../lock-out/admit-guess.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
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
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import type { RefusedCode } from '../verification-codes/check-code.ts'
import { nobodysSub } from '../verification-codes/issue-decoy-code.ts'
import type { CodeAttempt } from '../verification-codes/verification-code.ts'
import { recoveryAttributes } from './recovery-channel.ts'
import { proveAddress, setForgottenPassword } from './set-forgotten-password.ts'
import type { AttributeChanges } from './set-forgotten-password.ts'

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
  request: ChosenPassword & {
    userPool: UserPool
    appClient?: AppClient
    userSub: string | undefined
    username: string
    code: string
    languages?: readonly string[]
    browserHash?: string | undefined
  },
): Promise<ConfirmForgotPasswordOutcome> {
  const { userPool, userSub, username: name, password, browserHash } = request
  const broken = brokenRules(userPool.passwordPolicy, password)
  if (broken.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: broken }
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'ForgotPassword')
  if (limited !== undefined) return limited
  const breached = await breachedRule(services, userPool, request)
  if (breached.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: breached }
  const guess = await guessByName(services, userPool, 'code', { userSub, name, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  // Hashed even for nobody: a reset that was never under way costs and answers the same.
  const passwordHash = await hash(services, userPool, admission, password)
  const entryOf = (outcome: ConfirmForgotPasswordOutcome) =>
    ({ userPoolId: userPool.id, eventType: 'ForgotPassword', userSub, ...responseOf(outcome) }) as const
  const work = (tx: Repositories): Promise<ConfirmForgotPasswordOutcome> => {
    if (userSub === undefined) return refuseNobody(services, tx, request)
    // A code that no mail has, where the right one must not be found out.
    const code = admission.kind === 'lockedUntold' ? '' : request.code
    return redeem(services, tx, { ...request, userSub, code }, passwordHash)
  }
  const outcome = await onRecord(services, work, entryOf)
  if (outcome.kind === 'done') await clearGuesses(services, userPool, guess)
  services.messagesQueued()
  if (outcome.kind === 'done') await postConfirmation(services, request, 'ConfirmForgotPassword', outcome.user)
  return outcome
}

async function hash(
  services: DomainServices,
  userPool: UserPool,
  admission: Exclude<Admission, AttemptsExceeded>,
  password: string,
): Promise<string> {
  try {
    return await services.passwordHasher.hash(password)
  } catch (error) {
    // Too many at once: nobody has looked at the code.
    await takeBackGuess(services, userPool, admission)
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

/** The code to the address in force, else the one to the address that waits. */
async function attemptBoth(
  services: DomainServices,
  tx: Pick<Repositories, 'verificationCodes'>,
  { userPool, userSub, code }: Redemption,
  at: Date,
): Promise<{ attempt: CodeAttempt; proof: Proof | RefusedCode }> {
  const guess = { userPoolId: userPool.id, userSub, code, at }
  const attempt = await attemptCode(services, tx, { ...guess, purpose: 'reset' })
  if (attempt.kind === 'matched') return { attempt, proof: attempt }
  const other = await attemptCode(services, tx, { ...guess, purpose: 'reset_pending' })
  if (other.kind === 'matched') return { attempt, proof: other }
  const told = attempt.kind === 'expired' ? other : attempt
  // One that its owner has used is as wrong as one that was never sent to anybody (threat row B13).
  const reason = told.kind === 'spent' ? 'codeMismatch' : codeRefusal(told)
  return { attempt, proof: { kind: 'refused', reason } }
}

/** Looks at a code for which there is nobody, in all that it takes to look at a wrong one (threat row B14). */
async function refuseNobody(
  services: DomainServices,
  tx: Repositories,
  { userPool, username, code }: { userPool: UserPool; username: string; code: string },
): Promise<RefusedCode> {
  const userSub = nobodysSub(services, userPool, username)
  await tx.users.lockBySub(userPool.id, userSub)
  const codes = { verificationCodes: tx.decoyCodes }
  const { proof } = await attemptBoth(services, codes, { userPool, userSub, code }, services.clock.now())
  return proof.kind === 'matched' ? { kind: 'refused', reason: 'codeMismatch' } : proof
}

async function redeem(
  services: DomainServices,
  tx: Repositories,
  request: Redemption,
  passwordHash: string,
): Promise<ConfirmForgotPasswordOutcome> {
  const { userPool, userSub } = request
  const at = services.clock.now()
  const user = await tx.users.lockBySub(userPool.id, userSub)
  const { attempt, proof } = await attemptBoth(services, tx, request, at)
  if (proof.kind !== 'matched') return proof
  if (user?.enabled !== true) return { kind: 'refused', reason: 'userDisabled' }
  // The operator may have closed this way since the code was sent (threat row A9).
  if (!recoveryAttributes(userPool).includes(proof.attribute)) return { kind: 'refused', reason: 'codeExpired' }
  const attributes =
    attempt.kind === 'matched'
      ? await proveAddress(tx, userPool, user, proof)
      : await provePendingAddress(services, tx, request, user, proof, at)
  // A code to an address that is not the user's any more proves nothing (threat row A7).
  if (attributes === undefined) return { kind: 'refused', reason: 'codeExpired' }
  return setForgottenPassword(services, tx, userPool, user, attributes, passwordHash, at)
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
