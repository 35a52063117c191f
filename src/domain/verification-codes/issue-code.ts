import { addSeconds } from '../../platform/clock.ts'
import { maskDestination } from '../messages/email-address.ts'
import type { MessageKind } from '../messages/message.ts'
import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { CodePurpose } from './verification-code.ts'

/** Cognito: a sign-up code lives 24 hours, a reset code one. */
const validSeconds: Record<CodePurpose, number> = {
  sign_up: 24 * 3600,
  reset: 3600,
  reset_pending: 3600,
  verify_email: 24 * 3600,
  verify_phone_number: 24 * 3600,
}

const messageKinds: Record<CodePurpose, MessageKind> = {
  sign_up: 'verification',
  reset: 'reset',
  reset_pending: 'reset',
  verify_email: 'addressVerification',
  verify_phone_number: 'addressVerification',
}

/** A new code can be asked for after this many seconds. */
export const resendCooldownSeconds = 30

export const codeLength = 6

export interface CodeDelivery {
  medium: 'EMAIL' | 'SMS'
  /** Masked as Cognito does: `j***@e***`. */
  destination: string
  attribute: VerifiableAttribute
  sentAt: Date
}

export interface CodeRequest {
  userPool: UserPool
  user: User
  purpose: CodePurpose
  attribute: VerifiableAttribute
  /** Absent: the user's own. */
  recipient?: string
  languages: readonly string[]
  at: Date
}

/**
 * Makes a code, stores its keyed hash in place of the last one and queues the message, all within the caller's
 * transaction. Nothing happens, and the answer is undefined, while the last code to the same address is younger than the
 * cool-down: each new code brings new tries, and each one a message (threat rows B5, E11).
 */
export async function issueCode(
  services: Pick<DomainServices, 'sealedBox' | 'random'>,
  tx: Pick<Repositories, 'verificationCodes' | 'outbox'>,
  request: CodeRequest,
): Promise<CodeDelivery | undefined> {
  const { userPool, user, purpose, attribute, at } = request
  const recipient = request.recipient ?? user.attributes[attribute]
  if (recipient === undefined) throw new Error(`user ${user.sub} has no ${attribute} to send a code to`)
  const code = services.random.digits(codeLength)
  const issued = await tx.verificationCodes.replace(
    {
      userPoolId: userPool.id,
      userSub: user.sub,
      purpose,
      attribute,
      destination: recipient,
      codeHash: codeHash(services, user.sub, purpose, code),
      sentAt: at,
      expiresAt: addSeconds(at, validSeconds[purpose]),
    },
    addSeconds(at, -resendCooldownSeconds),
  )
  if (!issued) return undefined
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  const message = {
    kind: messageKinds[purpose],
    userPoolId: userPool.id,
    medium,
    recipient,
    languages: request.languages,
    username: user.username,
    code,
    validForMinutes: validSeconds[purpose] / 60,
  } as const
  await enqueueMessage(tx, services.sealedBox, services.random, message, at)
  return deliveryOf(request)
}

/** What a page or an API may say of a code's way. */
export function deliveryOf({
  user,
  attribute,
  recipient = user.attributes[attribute] ?? '',
  at,
}: Pick<CodeRequest, 'user' | 'attribute' | 'recipient' | 'at'>): CodeDelivery {
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  return { medium, destination: maskDestination(medium, recipient), attribute, sentAt: at }
}

/** Six digits fall to a list of a million hashes, so the hash is keyed by the server's own secret. */
export const codeHash = (
  services: Pick<DomainServices, 'sealedBox'>,
  userSub: string,
  purpose: CodePurpose,
  code: string,
): string => services.sealedBox.digest(`${purpose}\n${userSub}\n${normalizeCode(code)}`, 'verification code')

/** People paste codes with blanks and dashes. */
const normalizeCode = (code: string): string => code.replaceAll(/[\s-]/g, '').slice(0, 32)
