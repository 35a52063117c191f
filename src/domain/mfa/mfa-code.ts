import { constantTimeEqual } from '../../security/digest.ts'
import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { AttemptChange, SignInAttempt } from '../sign-in/sign-in-attempt.ts'
import { cooldownLeft } from '../sign-up/resend-confirmation-code.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { codeLength, triggerOf } from '../verification-codes/issue-code.ts'
import { attributeOf } from './mfa-type.ts'
import type { MessagedMfaType } from './mfa-type.ts'

/* Codes that go to an address in the middle of a sign-in. Each belongs to its attempt, and ends with it. */

type Services = Pick<DomainServices, 'sealedBox' | 'random' | 'clock' | 'caller'>

/** What the attempt keeps of it. */
type SentMfaCode = Required<Pick<SignInAttempt, 'codeHash' | 'destination' | 'codeSentAt'>>

export interface MfaCodeRequest {
  userPool: UserPool
  user: User
  attempt: Pick<SignInAttempt, 'idHash' | 'expiresAt'>
  type: MessagedMfaType
  /** Absent: the user's own address. */
  recipient?: string
  languages: readonly string[]
}

/** Makes a code and queues its message, within the caller's transaction. */
export async function sendMfaCode(
  services: Services,
  tx: Pick<Repositories, 'outbox'>,
  request: MfaCodeRequest,
): Promise<SentMfaCode> {
  const { userPool, user, attempt, type, languages } = request
  const recipient = request.recipient ?? user.attributes[attributeOf[type]]
  if (recipient === undefined) throw new Error(`user ${user.sub} has no ${attributeOf[type]} to send a code to`)
  const at = services.clock.now()
  const code = services.random.digits(codeLength)
  await enqueueMessage(
    services,
    tx,
    {
      kind: 'mfaCode',
      userPoolId: userPool.id,
      medium: type === 'SMS_MFA' ? 'SMS' : 'EMAIL',
      recipient,
      languages,
      username: user.username,
      code,
      trigger: triggerOf(services, user, 'Authentication'),
      validForMinutes: Math.max(1, Math.floor((attempt.expiresAt.getTime() - at.getTime()) / 60_000)),
    },
    at,
  )
  return { codeHash: hashOf(services, attempt, code), destination: recipient, codeSentAt: at }
}

/** The code that is there went to the same address, a moment ago: another message would bring nothing new. */
export const isJustSent = (
  { clock }: Pick<DomainServices, 'clock'>,
  { destination, codeSentAt }: SignInAttempt,
  recipient: string | undefined,
): boolean => codeSentAt !== undefined && destination === recipient && cooldownLeft(codeSentAt, clock.now()) > 0

/** Whether this is the code that was sent last for this attempt. */
export const isMfaCode = (services: Services, attempt: SignInAttempt, code: string): boolean =>
  attempt.codeHash !== undefined && constantTimeEqual(hashOf(services, attempt, code), attempt.codeHash)

/** What an attempt forgets when it goes on to another factor. */
export const noMfaCode = { codeHash: null, destination: null, codeSentAt: null } as const satisfies AttemptChange

const hashOf = ({ sealedBox }: Services, { idHash }: Pick<SignInAttempt, 'idHash'>, code: string): string =>
  sealedBox.digest(`${idHash}\n${code.replaceAll(/[\s-]/g, '').slice(0, 32)}`, 'mfa code')
