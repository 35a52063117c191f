import { onRecord, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { admitGuess, clearGuesses } from '../lock-out/admit-guess.ts'
import { guessAtSecondFactor } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { SignedIn } from '../sign-in/advance.ts'
import { attemptExpired, openAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptRequest, OpenAttempt } from '../sign-in/open-attempt.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import { isMfaCode } from './mfa-code.ts'
import { amrOf, attributeOf, isMessaged, isMfaType, multipleFactors } from './mfa-type.ts'
import type { MfaType } from './mfa-type.ts'
import { looksLikeRecoveryCode, spendRecoveryCode } from './recovery-codes.ts'
import { softwareTokenPurpose, timeStepOf } from './software-token.ts'
import { mfaTypesAfter } from './usable-mfa-types.ts'

/** `codeAlreadyUsed`: Cognito's "Your software token has already been used once." */
export type MfaRefusal = 'codeMismatch' | 'codeAlreadyUsed' | 'attemptExpired'

export type AnswerMfaOutcome = SignedIn | { kind: 'refused'; reason: MfaRefusal } | AttemptsExceeded

/**
 * Answers SOFTWARE_TOKEN_MFA, SMS_MFA or EMAIL_OTP with a code, and these or WEB_AUTHN with a recovery code. Guesses are counted a user and before anything is compared, apart from
 * those at the password: only whoever knows that gets here (threat rows B5, B6).
 * @param request.browserHash as for `guessByName`
 */
export async function answerMfa(
  services: DomainServices,
  request: AttemptRequest & { code: string; browserHash?: string | undefined },
): Promise<AnswerMfaOutcome> {
  const { userPool, browserHash } = request
  const open = await openAttempt(services, request)
  if (open === undefined) return attemptExpired
  const { challenge } = open.attempt
  if (!isMfaType(challenge) || !mfaTypesAfter(userPool, open.user, open.attempt.amr, request.asked).includes(challenge))
    return attemptExpired
  const guess = await guessAtSecondFactor(services, userPool, { userSub: open.user.sub, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const entryOf = (outcome: AnswerMfaOutcome): AuditEntry => ({
    userPoolId: userPool.id,
    eventType: 'SignIn',
    userSub: open.user.sub,
    clientId: request.appClient.id,
    ...responseOf(outcome),
    detail: { challenge, ...(looksLikeRecoveryCode(request.code) ? { recoveryCode: true } : {}) },
  })
  const work = (tx: Repositories) => redeem(services, tx, open, challenge, request.code)
  const outcome = await onRecord(services, work, entryOf)
  if (outcome.kind === 'done') await clearGuesses(services, userPool, guess)
  return outcome
}

async function redeem(
  services: DomainServices,
  tx: Repositories,
  { attempt, user }: OpenAttempt,
  challenge: MfaType,
  code: string,
): Promise<AnswerMfaOutcome> {
  const at = services.clock.now()
  const isRecovery = looksLikeRecoveryCode(code)
  const refusal = isRecovery
    ? await recoveryRefusal(services, tx, user, code)
    : isMessaged(challenge)
      ? messagedRefusal(services, { attempt, user }, code)
      : challenge === 'WEB_AUTHN'
        ? 'codeMismatch'
        : await softwareTokenRefusal(services, tx, user.sub, attempt.userPoolId, code)
  if (refusal !== undefined) return { kind: 'refused', reason: refusal }
  if (!(await tx.signInAttempts.spend(attempt.userPoolId, attempt.idHash, at))) return attemptExpired
  // A recovery code is a one-time password as well (RFC 8176 `otp`), whatever was asked for.
  const proved = isRecovery || challenge === 'WEB_AUTHN' ? amrOf.SOFTWARE_TOKEN_MFA : amrOf[challenge]
  const amr = [...new Set([...attempt.amr, proved, multipleFactors])]
  return { kind: 'done', user, amr, authTime: signInTime(user, at) }
}

const recoveryRefusal = async (
  services: DomainServices,
  tx: Repositories,
  user: OpenAttempt['user'],
  code: string,
): Promise<'codeMismatch' | undefined> =>
  (await spendRecoveryCode(services, tx, user, code)) ? undefined : 'codeMismatch'

/** The code proves the address that it went to: worth nothing once that is not the user's any more. */
function messagedRefusal(services: DomainServices, { attempt, user }: OpenAttempt, code: string) {
  const { challenge, destination } = attempt
  const attribute = isMfaType(challenge) && isMessaged(challenge) ? attributeOf[challenge] : undefined
  if (attribute === undefined || user.attributes[attribute] !== destination) return 'attemptExpired'
  return isMfaCode(services, attempt, code) ? undefined : 'codeMismatch'
}

/** One statement uses up the time step, so that of two who have seen the same code one gets in (threat row B10). */
async function softwareTokenRefusal(
  services: DomainServices,
  tx: Repositories,
  userSub: string,
  userPoolId: string,
  code: string,
): Promise<'codeMismatch' | 'codeAlreadyUsed' | undefined> {
  const at = services.clock.now()
  const matches = (await tx.softwareTokens.ofUser(userPoolId, userSub)).flatMap((token) => {
    const timeStep = timeStepOf(services.sealedBox.open(token.sealedSecret, softwareTokenPurpose), code, at)
    return timeStep === undefined ? [] : [{ token, timeStep }]
  })
  const [match] = matches
  if (match === undefined) return 'codeMismatch'
  return (await tx.softwareTokens.useTimeStep(match.token, match.timeStep, at)) ? undefined : 'codeAlreadyUsed'
}
