import type { DomainServices } from '../ports/services.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { attemptExpired, openAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptRequest } from '../sign-in/open-attempt.ts'
import { limitMfaCodes } from './limit-mfa-codes.ts'
import { isJustSent, sendMfaCode } from './mfa-code.ts'
import { attributeOf, isMessaged, isMfaType } from './mfa-type.ts'
import type { MfaType } from './mfa-type.ts'
import { mfaTypesAfter } from './usable-mfa-types.ts'

export type ChooseMfaOutcome =
  /** `sent`: a code is under way that was not before. */
  | { kind: 'challenge'; challenge: MfaType; sent: boolean }
  | { kind: 'refused'; reason: 'attemptExpired' }
  | LimitExceeded

/**
 * Answers SELECT_MFA_TYPE, or goes from one factor to another of the user's: somebody without their phone may have the
 * mailbox. Where it is one that gets a code, that is sent, unless the last one is younger than the cool-down.
 */
export async function chooseMfa(
  services: DomainServices,
  request: AttemptRequest & { type: MfaType; languages: readonly string[] },
): Promise<ChooseMfaOutcome> {
  const { userPool, type } = request
  const open = await openAttempt(services, request)
  if (open === undefined) return attemptExpired
  const { attempt, user } = open
  const isOpen = attempt.challenge === 'SELECT_MFA_TYPE' || isMfaType(attempt.challenge)
  if (!isOpen || !mfaTypesAfter(userPool, user, attempt.amr, request.asked).includes(type)) return attemptExpired
  const sends = isMessaged(type) && !isJustSent(services, attempt, user.attributes[attributeOf[type]])
  const limited = sends ? await limitMfaCodes(services, request, user, type) : undefined
  if (limited !== undefined) return limited
  const at = services.clock.now()
  const changed = await services.store.transaction(async (tx) => {
    const sent = sends ? await sendMfaCode(services, tx, { ...request, ...open, type }) : {}
    const { idHash, challenge: from } = attempt
    return tx.signInAttempts.change({ userPoolId: userPool.id, idHash, from, change: { challenge: type, ...sent }, at })
  })
  if (!changed) return attemptExpired
  if (sends) services.messagesQueued()
  return { kind: 'challenge', challenge: type, sent: sends }
}
