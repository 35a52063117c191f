import { onRecord, record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { admitGuess, clearGuesses } from '../lock-out/admit-guess.ts'
import { guessAtAddress } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import type { CodeRefusal } from '../verification-codes/check-code.ts'
import { deliveryOf, issueCode } from '../verification-codes/issue-code.ts'
import type { CodeDelivery } from '../verification-codes/issue-code.ts'
import { verificationPurpose } from './attribute-change.ts'
import { pendingChange } from './pending-change.ts'
import { completeChange } from './complete-change.ts'
import { notifyFormerAddress } from './notify-former-address.ts'

interface AttributeRequest {
  userPool: UserPool
  userSub: string
  attribute: VerifiableAttribute
  languages: readonly string[]
}

export type VerifyUserAttributeOutcome =
  { kind: 'done' } | { kind: 'refused'; reason: CodeRefusal | 'aliasExists' | 'notAuthorized' } | AttemptsExceeded

/**
 * Cognito's VerifyUserAttribute: a right code puts the new address in the place of the former one, whose owner is told,
 * or proves the one that is there. An address that became somebody else's meanwhile is refused and stays theirs.
 */
export async function verifyUserAttribute(
  services: DomainServices,
  request: AttributeRequest & { code: string },
): Promise<VerifyUserAttributeOutcome> {
  const { userPool, userSub, attribute } = request
  const sent = await services.store.verificationCodes.find(userPool.id, userSub, verificationPurpose[attribute])
  const guess = guessAtAddress(services, userPool, { address: sent?.destination })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const outcome = await redeem(services, request)
  if (outcome.kind === 'done') await clearGuesses(services, userPool, guess)
  services.messagesQueued()
  return outcome
}

function redeem(
  services: DomainServices,
  request: AttributeRequest & { code: string },
): Promise<VerifyUserAttributeOutcome> {
  const { userPool, userSub, attribute, languages, code } = request
  const work = async (tx: Repositories): Promise<VerifyUserAttributeOutcome> => {
    const at = services.clock.now()
    const purpose = verificationPurpose[attribute]
    const user = await tx.users.lockBySub(userPool.id, userSub)
    if (user?.enabled !== true) return { kind: 'refused', reason: 'notAuthorized' }
    const attempt = await attemptCode(services, tx, { userPoolId: userPool.id, userSub, purpose, code, at })
    if (attempt.kind !== 'matched') return { kind: 'refused', reason: codeRefusal(attempt) }
    const pending = await pendingChange(tx, user, attribute, at)
    // A code to an address that is neither wanted nor there any more proves nothing.
    if (attempt.destination !== (pending?.value ?? user.attributes[attribute])) {
      return { kind: 'refused', reason: 'codeExpired' }
    }
    const changed = await completeChange(tx, userPool, user, attempt, at)
    if (changed === undefined) return { kind: 'refused', reason: 'aliasExists' }
    if (user.attributes[attribute] !== attempt.destination) {
      await notifyFormerAddress(services, tx, { user, attribute, languages, done: true, at })
    }
    return { kind: 'done' }
  }
  return onRecord(services, work, (verified) => ({ ...entryOf(request, 'VerifyAttribute'), ...responseOf(verified) }))
}

const entryOf = (
  { userPool, userSub, attribute }: Omit<AttributeRequest, 'languages'>,
  eventType: AuditEntry['eventType'],
): AuditEntry => ({ userPoolId: userPool.id, eventType, userSub, detail: { attribute } })

export type AttributeCodeOutcome =
  { kind: 'done'; delivery: CodeDelivery } | { kind: 'refused'; reason: 'notAuthorized' | 'nothingToVerify' }

/** Cognito's GetUserAttributeVerificationCode: another code to the address that waits, or to the one that is there. */
export async function sendAttributeVerificationCode(
  services: DomainServices,
  request: AttributeRequest,
): Promise<AttributeCodeOutcome> {
  const { userPool, userSub, attribute, languages } = request
  const outcome = await services.store.transaction(async (tx): Promise<AttributeCodeOutcome> => {
    const at = services.clock.now()
    const user = await tx.users.lockBySub(userPool.id, userSub)
    if (user?.enabled !== true) return { kind: 'refused', reason: 'notAuthorized' }
    const pending = await pendingChange(tx, user, attribute, at)
    const recipient = pending?.value ?? user.attributes[attribute]
    if (recipient === undefined) return { kind: 'refused', reason: 'nothingToVerify' }
    const purpose = verificationPurpose[attribute]
    const asked = { purpose, source: 'VerifyUserAttribute' } as const
    const code = { ...asked, userPool, user, attribute, recipient, languages, at }
    const delivery = await issueCode(services, tx, code)
    if (delivery !== undefined) await record(services, tx, entryOf(request, 'ResendCode'))
    return { kind: 'done', delivery: delivery ?? deliveryOf(code) }
  })
  services.messagesQueued()
  return outcome
}

/** Gives up on a new address; the one in force stays. False: none was waiting. */
export const cancelAttributeChange = (
  services: DomainServices,
  request: { userPool: UserPool; userSub: string; attribute: VerifiableAttribute },
): Promise<boolean> =>
  onRecord(
    services,
    (tx) => tx.attributeChanges.delete(request.userPool.id, request.userSub, request.attribute),
    (cancelled) => (cancelled ? entryOf(request, 'AttributeChangeCancel') : undefined),
  )
