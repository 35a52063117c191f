import { addSeconds } from '../../platform/clock.ts'
import { maskDestination } from '../messages/email-address.ts'
import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { CustomMessageSource, MessageKind, OutgoingMessage } from '../messages/message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { linkCodeHash, linkWith, makeLinkCode } from './confirmation-link.ts'
import type { ConfirmationOrigin } from './confirmation-link.ts'
import type { CodePurpose, VerificationCode } from './verification-code.ts'

/** Cognito: a sign-up code lives 24 hours, a reset code one. One to sign in with has to cross a slow mailbox, and no more. */
export const validSeconds: Record<CodePurpose, number> = {
  sign_up: 24 * 3600,
  sign_in: 15 * 60,
  reset: 3600,
  reset_pending: 3600,
  verify_email: 24 * 3600,
  verify_phone_number: 24 * 3600,
}

const triggerSources: Record<CodePurpose, CustomMessageSource> = {
  sign_up: 'SignUp',
  sign_in: 'Authentication',
  reset: 'ForgotPassword',
  reset_pending: 'ForgotPassword',
  verify_email: 'UpdateUserAttribute',
  verify_phone_number: 'UpdateUserAttribute',
}

export const messageKinds: Record<CodePurpose, MessageKind> = {
  sign_up: 'verification',
  sign_in: 'signInCode',
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
  /** A link is under way, and no code to be typed. */
  byLink?: true
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
  /** Addresses that get no message now (`withheldAddresses`). */
  withheld?: ReadonlySet<string> | undefined
  /** Lets a pool that confirms by link send one; without it a code goes out. */
  origin?: ConfirmationOrigin | undefined
  /** Asked for by itself: Cognito's ResendConfirmationCode and GetUserAttributeVerificationCode. */
  source?: 'ResendCode' | 'VerifyUserAttribute'
  /** Stands in the message beside the code, and does the same. @param codeHash what is stored of the code */
  link?: ((codeHash: string) => string) | undefined
}

/**
 * Makes a code, stores its keyed hash in place of the last one and queues the message, all within the caller's
 * transaction. Nothing happens, and the answer is undefined, while the last code to the same address is younger than the
 * cool-down, or when its messages are withheld: each new code brings a message (threat row E11).
 */
export async function issueCode(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'caller'>,
  tx: Pick<Repositories, 'verificationCodes' | 'outbox'>,
  request: CodeRequest,
): Promise<CodeDelivery | undefined> {
  const { userPool, user, purpose, attribute, at } = request
  const recipient = request.recipient ?? user.attributes[attribute]
  if (recipient === undefined) throw new Error(`user ${user.sub} has no ${attribute} to send a code to`)
  if (request.withheld?.has(recipient) === true) return undefined
  const secret = makeSecret(services, request)
  const issued = await tx.verificationCodes.replace(
    {
      userPoolId: userPool.id,
      userSub: user.sub,
      purpose,
      attribute,
      destination: recipient,
      ...secret.stored,
      sentAt: at,
      expiresAt: addSeconds(at, validSeconds[purpose]),
    },
    addSeconds(at, -resendCooldownSeconds),
  )
  if (!issued) return undefined
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  const message = {
    ...secret.message,
    userPoolId: userPool.id,
    medium,
    recipient,
    languages: request.languages,
    username: user.username,
    validForMinutes: validSeconds[purpose] / 60,
    ...(request.link === undefined ? {} : { link: request.link(secret.stored.codeHash) }),
    trigger: triggerOf(services, user, request.source ?? triggerSources[purpose]),
  } as const
  await enqueueMessage(services, tx, message, at)
  return deliveryOf(request)
}

/** Whom and what CustomMessage is told of, as the message leaves. */
export const triggerOf = (
  { caller }: Pick<DomainServices, 'caller'>,
  user: Pick<User, 'sub'>,
  source: CustomMessageSource,
): NonNullable<OutgoingMessage['trigger']> => ({
  source,
  userSub: user.sub,
  ...(caller.clientId === undefined ? {} : { clientId: caller.clientId }),
})

/** Six digits, or the code of a link with the browser that may use it alone. */
function makeSecret(
  services: Pick<DomainServices, 'sealedBox' | 'random'>,
  request: CodeRequest,
): {
  stored: Pick<VerificationCode, 'codeHash' | 'browserHash' | 'sealedFlowId'>
  message: Pick<OutgoingMessage, 'kind' | 'code' | 'link'>
} {
  const { userPool, user, purpose, origin } = request
  if (origin === undefined || !goesByLink(request)) {
    const code = services.random.digits(codeLength)
    return {
      stored: { codeHash: codeHash(services, user.sub, purpose, code) },
      message: { kind: messageKinds[purpose], code },
    }
  }
  const { username } = user
  const code = makeLinkCode(services, { userPoolId: userPool.id, clientId: origin.clientId, username })
  return {
    stored: {
      codeHash: linkCodeHash(services, user.sub, code),
      browserHash: origin.browserHash,
      sealedFlowId: services.sealedBox.seal(origin.flowId, flowIdPurpose),
    },
    message: { kind: 'verificationLink', link: linkWith(origin, username, code) },
  }
}

/** Cognito's DefaultEmailOption: by e-mail and for a sign-up alone. */
export const goesByLink = (
  request: Pick<CodeRequest, 'attribute' | 'origin' | 'purpose'> & { userPool: Pick<UserPool, 'confirmsByLink'> },
): boolean =>
  request.userPool.confirmsByLink &&
  request.origin !== undefined &&
  request.purpose === 'sign_up' &&
  request.attribute === 'email'

/** What the flow's id is sealed for in the row of a link. */
export const flowIdPurpose = 'flow of a confirmation link'

/** What a page or an API may say of a code's way. */
export function deliveryOf(request: Omit<CodeRequest, 'languages'>): CodeDelivery {
  const { user, attribute, at, recipient = user.attributes[attribute] ?? '' } = request
  const medium = attribute === 'email' ? 'EMAIL' : 'SMS'
  const destination = maskDestination(medium, recipient)
  return { medium, destination, attribute, ...(goesByLink(request) ? { byLink: true } : {}), sentAt: at }
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
