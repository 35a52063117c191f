import { onRecord, responseOf } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { ConfirmationOrigin } from '../verification-codes/confirmation-link.ts'
import { issueCode, resendCooldownSeconds } from '../verification-codes/issue-code.ts'
import type { CodeDelivery } from '../verification-codes/issue-code.ts'
import { attributeToVerify } from './attribute-to-verify.ts'

export type ResendOutcome =
  | { kind: 'sent'; delivery: CodeDelivery }
  | { kind: 'wait'; seconds: number }
  | { kind: 'refused'; reason: 'alreadyConfirmed' | 'signUpReplaced' | 'noRecovery' }

/** Cognito's ResendConfirmationCode, with a cool-down. */
export async function resendConfirmationCode(
  services: DomainServices,
  request: { userPool: UserPool; userSub: string; languages: readonly string[]; origin?: ConfirmationOrigin },
): Promise<ResendOutcome> {
  const { userPool, userSub, languages, origin } = request
  const work = async (tx: Repositories): Promise<ResendOutcome> => {
    const user = await tx.users.findBySub(userPool.id, userSub)
    if (user === undefined) return { kind: 'refused', reason: 'signUpReplaced' }
    if (user.status !== 'UNCONFIRMED') return { kind: 'refused', reason: 'alreadyConfirmed' }
    const attribute = await attributeToVerify(tx, userPool, user)
    if (attribute === undefined) return { kind: 'refused', reason: 'noRecovery' }
    const at = services.clock.now()
    const code = { userPool, user, purpose: 'sign_up', attribute, languages, origin, at } as const
    const delivery = await issueCode(services, tx, code)
    if (delivery !== undefined) return { kind: 'sent', delivery }
    const last = await tx.verificationCodes.find(userPool.id, userSub, 'sign_up')
    return { kind: 'wait', seconds: last === undefined ? 0 : cooldownLeft(last.sentAt, at) }
  }
  // The cool-down is the page's own: nothing was sent, and nothing is amiss.
  const outcome = await onRecord(services, work, (resent) =>
    resent.kind === 'wait'
      ? undefined
      : { userPoolId: userPool.id, eventType: 'ResendCode', userSub, ...responseOf(resent) },
  )
  services.messagesQueued()
  return outcome
}

/** Whole seconds until another code may be asked for. */
export const cooldownLeft = (sentAt: Date, now: Date): number =>
  Math.max(0, Math.ceil(resendCooldownSeconds - (now.getTime() - sentAt.getTime()) / 1000))
