import { parsePhoneNumber } from '../messages/phone-number.ts'
import type { DomainServices } from '../ports/services.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { attemptExpired, openAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptRequest, OpenAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptChange } from '../sign-in/sign-in-attempt.ts'
import { limitMfaCodes } from './limit-mfa-codes.ts'
import { isJustSent, noMfaCode, sendMfaCode } from './mfa-code.ts'
import { attributeOf, isMessaged } from './mfa-type.ts'
import type { CodeMfaType, MessagedMfaType } from './mfa-type.ts'
import { newSoftwareTokenSecret, softwareTokenPurpose } from './software-token.ts'
import { canReceive, mfaTypesToSetUp } from './usable-mfa-types.ts'

export type BeginSetUpOutcome =
  | { kind: 'begun'; type: CodeMfaType; sent: boolean }
  /** `phoneNeeded`: SMS wants a number, or another one than what was given. */
  | { kind: 'refused'; reason: 'attemptExpired' | 'phoneNeeded' | 'phoneInvalid' }
  | LimitExceeded

/**
 * The first half of MFA_SETUP: chooses what to set up. An authenticator app gets its secret (Cognito:
 * AssociateSoftwareToken), which stays the same however often the page is opened; an address gets a code.
 * @param request.phoneNumber as typed; for SMS, where no number of the user's is proved
 */
export async function beginSetUp(
  services: DomainServices,
  request: AttemptRequest & { type: CodeMfaType; phoneNumber?: string; languages: readonly string[] },
): Promise<BeginSetUpOutcome> {
  const { userPool, type } = request
  const open = await openAttempt(services, request)
  if (open?.attempt.challenge !== 'MFA_SETUP') return attemptExpired
  if (!mfaTypesToSetUp(userPool, open.user).includes(type)) return attemptExpired
  const recipient = isMessaged(type) ? recipientOf(open, type, request.phoneNumber) : undefined
  if (recipient !== undefined && typeof recipient !== 'string') return recipient
  const sends = recipient !== undefined && isMessaged(type) && !isJustSent(services, open.attempt, recipient)
  const limited = sends ? await limitMfaCodes(services, request, open.user, type) : undefined
  if (limited !== undefined) return limited
  const { idHash } = open.attempt
  const changed = await services.store.transaction(async (tx) => {
    const change: AttemptChange = sends
      ? await sendMfaCode(services, tx, { ...request, ...open, type, recipient })
      : secretFor(services, open, type)
    const from = 'MFA_SETUP'
    const at = services.clock.now()
    return tx.signInAttempts.change({
      userPoolId: userPool.id,
      idHash,
      from,
      change: { ...change, settingUp: type },
      at,
    })
  })
  if (!changed) return attemptExpired
  if (sends) services.messagesQueued()
  return { kind: 'begun', type, sent: sends }
}

/** Goes back to the choice of what to set up; the secret and the last code stay as they are. */
export async function chooseAnotherSetUp(services: DomainServices, request: AttemptRequest): Promise<boolean> {
  const open = await openAttempt(services, request)
  if (open?.attempt.challenge !== 'MFA_SETUP') return false
  const { userPoolId, idHash } = open.attempt
  const change = { settingUp: null, ...noMfaCode }
  return services.store.signInAttempts.change({
    userPoolId,
    idHash,
    from: 'MFA_SETUP',
    change,
    at: services.clock.now(),
  })
}

function secretFor(services: DomainServices, { attempt }: OpenAttempt, type: CodeMfaType): AttemptChange {
  if (type !== 'SOFTWARE_TOKEN_MFA' || attempt.sealedSecret !== undefined) return {}
  return { sealedSecret: services.sealedBox.seal(newSoftwareTokenSecret(), softwareTokenPurpose) }
}

type NoRecipient = Exclude<Extract<BeginSetUpOutcome, { kind: 'refused' }>, LimitExceeded>

function recipientOf({ user }: OpenAttempt, type: MessagedMfaType, typed: string | undefined): string | NoRecipient {
  const own = user.attributes[attributeOf[type]]
  if (own !== undefined && canReceive(user, type)) return own
  if (type !== 'SMS_MFA') return attemptExpired
  if (typed === undefined || typed.trim() === '') return { kind: 'refused', reason: 'phoneNeeded' }
  return parsePhoneNumber(typed.trim()) ?? { kind: 'refused', reason: 'phoneInvalid' }
}
