import { addSeconds } from '../../platform/clock.ts'
import { record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { admitGuess, clearGuesses } from '../lock-out/admit-guess.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import { needsOtherFirstFactor } from '../mfa/usable-mfa-types.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { continueSignIn } from '../sign-in/advance.ts'
import type { Challenged, Proved, SignedIn, SignInContext } from '../sign-in/advance.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import type { RefusedCode } from '../verification-codes/check-code.ts'
import { codeHash, validSeconds } from '../verification-codes/issue-code.ts'
import { nobodysSub } from '../verification-codes/issue-decoy-code.ts'
import { firstCodeParts, mayBeginWith, offeredFirstCodes } from './first-code.ts'
import type { FirstCode } from './first-code.ts'
import { usedLinkHash } from './sign-in-link.ts'

export type ConfirmSignInCodeOutcome =
  | SignedIn
  | Challenged
  | RefusedCode
  /** The account asks for two factors, and has no other second one than what was just shown. */
  | { kind: 'refused'; reason: 'otherFactorNeeded' }
  | AttemptsExceeded
  | LimitExceeded

export interface SignInCodeAnswer extends SignInContext {
  factor: FirstCode
  /** Of whom the code was asked for; absent: of nobody. */
  userSub: string | undefined
  /** As it was typed to ask for the code. */
  username: string
  code: string
  browserHash?: string | undefined
}

/** The second half of a sign-in without a password (Cognito's EMAIL_OTP and SMS_OTP challenges of USER_AUTH). */
export async function confirmSignInCode(
  services: DomainServices,
  request: SignInCodeAnswer,
): Promise<ConfirmSignInCodeOutcome> {
  const { userPool, userSub, username: name, browserHash } = request
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'SignIn')
  if (limited !== undefined) return limited
  const guess = await guessByName(services, userPool, 'code', { userSub, name, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  // A code that no mail has, where the right one must not be found out.
  const code = admission.kind === 'lockedUntold' ? '' : request.code
  const checked = await services.store.transaction(async (tx) => {
    const outcome = await check(services, tx, { ...request, code })
    if (outcome.kind === 'refused') await record(services, tx, signInEntry(request, outcome))
    return outcome
  })
  if (checked.kind === 'refused') return checked
  await clearGuesses(services, userPool, guess)
  return completeSignIn(services, request, checked)
}

/** Goes on to whatever else is asked for, and puts it on record. */
export async function completeSignIn(
  services: DomainServices,
  request: SignInContext & Pick<SignInCodeAnswer, 'factor'>,
  { user, amr, startedAt }: Proved,
): Promise<Exclude<ConfirmSignInCodeOutcome, RefusedCode | AttemptsExceeded>> {
  if (request.userPool.mfaConfiguration !== 'OFF' && needsOtherFirstFactor(request.userPool, user, amr)) {
    const refused = { kind: 'refused', reason: 'otherFactorNeeded' } as const
    await record(services, services.store, signInEntry({ ...request, userSub: user.sub }, refused))
    return refused
  }
  const outcome = await continueSignIn(services, request, { user, amr, startedAt })
  if (outcome.kind === 'done') {
    await record(services, services.store, signInEntry({ ...request, userSub: user.sub }, outcome))
  }
  return outcome
}

export const signInEntry = (
  request: Pick<SignInCodeAnswer, 'userPool' | 'appClient' | 'factor' | 'userSub'>,
  outcome: { kind: string; reason?: string },
  by?: 'link',
): AuditEntry => ({
  userPoolId: request.userPool.id,
  eventType: 'SignIn',
  userSub: request.userSub,
  clientId: request.appClient.id,
  ...responseOf(outcome),
  detail: { challenge: request.factor, ...(by === undefined ? {} : { by }) },
})

async function check(
  services: DomainServices,
  tx: Repositories,
  request: SignInCodeAnswer,
): Promise<({ kind: 'proved' } & Proved) | RefusedCode> {
  const { userPool, appClient, factor, code } = request
  const at = services.clock.now()
  const userSub = request.userSub ?? nobodysSub(services, userPool, request.username)
  const user = await tx.users.lockBySub(userPool.id, userSub)
  const guess = { userPoolId: userPool.id, userSub, purpose: 'sign_in', code, at } as const
  const codes = request.userSub === undefined ? { verificationCodes: tx.decoyCodes } : tx
  const attempt = await attemptCode(services, codes, guess)
  if (attempt.kind !== 'matched') {
    // One that its owner has used is as wrong as one that was never sent to anybody (threat row B13).
    return { kind: 'refused', reason: attempt.kind === 'spent' ? 'codeMismatch' : codeRefusal(attempt) }
  }
  const { attribute, amr } = firstCodeParts[factor]
  // The operator may have closed this way since, and the address may be another (threat rows A7, A9).
  const isOpen =
    user !== undefined &&
    mayBeginWith(user, factor) &&
    offeredFirstCodes(userPool, appClient).includes(factor) &&
    attempt.attribute === attribute &&
    user.attributes[attribute] === attempt.destination
  if (!isOpen) return { kind: 'refused', reason: 'codeExpired' }
  // The link of the same message is used up with it; one that was is no code any more.
  const used = usedLinkHash({ userSub, codeHash: codeHash(services, userSub, 'sign_in', code) })
  if (!(await tx.oneTime.spend(userPool.id, used, addSeconds(at, validSeconds.sign_in)))) {
    return { kind: 'refused', reason: 'codeExpired' }
  }
  return { kind: 'proved', user, amr: [amr], startedAt: signInTime(user, at) }
}
