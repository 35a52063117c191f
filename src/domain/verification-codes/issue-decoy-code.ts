import { addSeconds } from '../../platform/clock.ts'
import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { OutgoingMessage } from '../messages/message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import { resendCooldownSeconds, validSeconds } from './issue-code.ts'
import type { CodePurpose, VerificationCode } from './verification-code.ts'

/** Stands for the `sub` of a user where nobody has the name; no user has it. */
export const nobodysSub = (services: Pick<DomainServices, 'sealedBox'>, userPool: UserPool, username: string): string =>
  services.sealedBox.digest(`${userPool.id}\n${lookupKey(userPool, username)}`, 'sub of nobody')

/** Not the hash of any code. */
const noCode = 'none'

/**
 * `issueCode` for nobody: the same statements and the same cool-down, and no code (threat row B14).
 * @param request.userSub whatever stands for the user who is not there
 * @param message goes out in place of the one with the code; absent: none does
 * @returns whether a code would have gone out now
 */
export async function issueDecoyCode(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'caller'>,
  tx: Pick<Repositories, 'decoyCodes' | 'outbox'>,
  request: Pick<VerificationCode, 'userPoolId' | 'userSub' | 'attribute' | 'destination'> & {
    purpose: CodePurpose
    at: Date
  },
  message?: OutgoingMessage,
): Promise<boolean> {
  const { at, ...code } = request
  const issued = await tx.decoyCodes.replace(
    { ...code, codeHash: noCode, sentAt: at, expiresAt: addSeconds(at, validSeconds[request.purpose]) },
    addSeconds(at, -resendCooldownSeconds),
  )
  if (!issued) return false
  if (message !== undefined) await enqueueMessage(services, tx, message, at)
  else await tx.outbox.addDecoy({ id: services.random.uuid(), userPoolId: request.userPoolId, at })
  return true
}
