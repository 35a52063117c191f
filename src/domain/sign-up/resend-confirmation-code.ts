import { onRecord, responseOf } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitMessages, withheldAddresses } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { ConfirmationOrigin } from '../verification-codes/confirmation-link.ts'
import { deliveryOf, issueCode, resendCooldownSeconds } from '../verification-codes/issue-code.ts'
import type { CodeDelivery } from '../verification-codes/issue-code.ts'
import { attributeToVerify } from './attribute-to-verify.ts'

export type ResendOutcome =
  | { kind: 'sent'; delivery: CodeDelivery }
  | { kind: 'wait'; seconds: number }
  | { kind: 'refused'; reason: 'alreadyConfirmed' | 'signUpReplaced' | 'noRecovery' }
  | LimitExceeded

export interface ResendRequest {
  userPool: UserPool
  clientId: string
  userSub: string
  /** The name that the sign-up was made with: what is counted, since a decoy has nothing else. */
  username: string
  languages: readonly string[]
  origin?: ConfirmationOrigin
}

/** Cognito's ResendConfirmationCode, with a cool-down. */
export async function resendConfirmationCode(services: DomainServices, request: ResendRequest): Promise<ResendOutcome> {
  const { userPool, clientId, userSub, username, languages, origin } = request
  const asked = { recipients: [username], clientId, eventType: 'ResendCode' } as const
  const limited = await limitMessages(services, userPool, asked)
  if (limited !== undefined) return limited
  const addresses = await addressesOf(services, userPool, userSub)
  const sending = { addresses, typed: username, eventType: 'ResendCode', userSub } as const
  const withheld = await withheldAddresses(services, userPool, sending)
  const work = async (tx: Repositories): Promise<ResendOutcome> => {
    const user = await tx.users.lockBySub(userPool.id, userSub)
    if (user === undefined) return { kind: 'refused', reason: 'signUpReplaced' }
    if (user.status !== 'UNCONFIRMED') return { kind: 'refused', reason: 'alreadyConfirmed' }
    const attribute = await attributeToVerify(tx, userPool, user)
    if (attribute === undefined) return { kind: 'refused', reason: 'noRecovery' }
    const at = services.clock.now()
    const again = { purpose: 'sign_up', source: 'ResendCode' } as const
    const code = { ...again, userPool, user, attribute, languages, origin, withheld, at }
    const delivery = await issueCode(services, tx, code)
    if (delivery !== undefined) return { kind: 'sent', delivery }
    if (withheld.size > 0) return { kind: 'sent', delivery: deliveryOf(code) }
    const last = await tx.verificationCodes.find(userPool.id, userSub, 'sign_up')
    return { kind: 'wait', seconds: last === undefined ? 0 : cooldownLeft(last.sentAt, at) }
  }
  // The cool-down is the page's own: nothing was sent, and nothing is amiss. What was withheld has been told.
  const outcome = await onRecord(services, work, (resent) =>
    resent.kind === 'wait' || withheld.size > 0
      ? undefined
      : { userPoolId: userPool.id, eventType: 'ResendCode', userSub, ...responseOf(resent) },
  )
  services.messagesQueued()
  return outcome
}

/** Where the code will go; none: nowhere. */
async function addressesOf(
  { store }: Pick<DomainServices, 'store'>,
  userPool: UserPool,
  userSub: string,
): Promise<readonly string[]> {
  const user = await store.users.findBySub(userPool.id, userSub)
  if (user?.status !== 'UNCONFIRMED') return []
  const attribute = await attributeToVerify(store, userPool, user)
  const address = attribute === undefined ? undefined : user.attributes[attribute]
  return address === undefined ? [] : [address]
}

/** Whole seconds until another code may be asked for. */
export const cooldownLeft = (sentAt: Date, now: Date): number =>
  Math.max(0, Math.ceil(resendCooldownSeconds - (now.getTime() - sentAt.getTime()) / 1000))
