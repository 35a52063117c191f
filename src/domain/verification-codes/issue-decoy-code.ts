import { addSeconds } from '../../platform/clock.ts'
import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { OutgoingMessage } from '../messages/message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import { codeLength, messageKinds, resendCooldownSeconds, validSeconds } from './issue-code.ts'
import type { CodePurpose, VerificationCode } from './verification-code.ts'

/** Stands for the `sub` of a user where nobody has the name; no user has it. */
export const nobodysSub = (services: Pick<DomainServices, 'sealedBox'>, userPool: UserPool, username: string): string =>
  services.sealedBox.digest(`${userPool.id}\n${lookupKey(userPool, username)}`, 'sub of nobody')

/** As much of a user as links are made of. */
export const nobody = ({ id: userPoolId }: Pick<UserPool, 'id'>, sub: string) =>
  ({ userPoolId, sub, attributes: {}, status: 'CONFIRMED' }) as const

/** Not the hash of any code. */
const noCode = 'none'

export interface DecoyCodeRequest extends Pick<
  VerificationCode,
  'userPoolId' | 'userSub' | 'attribute' | 'destination'
> {
  purpose: CodePurpose
  at: Date
  /** As typed. */
  username: string
  languages: readonly string[]
  /** Leads nowhere. */
  link?: string | undefined
}

/**
 * `issueCode` for nobody: the same statements and the same cool-down, and no code (threat row B14).
 * @param request.userSub whatever stands for the user who is not there
 * @param message goes out in place of the one with the code; absent: one that reaches nobody
 * @returns whether a code would have gone out now
 */
export async function issueDecoyCode(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'caller'>,
  tx: Pick<Repositories, 'decoyCodes' | 'outbox'>,
  request: DecoyCodeRequest,
  message?: OutgoingMessage,
): Promise<boolean> {
  const { userPoolId, userSub, purpose, attribute, destination, at } = request
  const code = { userPoolId, userSub, purpose, attribute, destination }
  const issued = await tx.decoyCodes.replace(
    { ...code, codeHash: noCode, sentAt: at, expiresAt: addSeconds(at, validSeconds[purpose]) },
    addSeconds(at, -resendCooldownSeconds),
  )
  if (!issued) return false
  await enqueueMessage(services, tx, message ?? messageForNobody(services, request), at)
  return true
}

const messageForNobody = (
  { random }: Pick<DomainServices, 'random'>,
  { userPoolId, purpose, attribute, destination, username, languages, link }: DecoyCodeRequest,
): OutgoingMessage => ({
  kind: messageKinds[purpose],
  userPoolId,
  medium: attribute === 'email' ? 'EMAIL' : 'SMS',
  recipient: destination,
  languages,
  username,
  code: random.digits(codeLength),
  validForMinutes: validSeconds[purpose] / 60,
  ...(link === undefined ? {} : { link }),
  forNobody: true,
})
