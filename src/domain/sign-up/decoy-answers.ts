import { onRecord, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { admitGuess } from '../lock-out/admit-guess.ts'
import { guessAtAddress } from '../lock-out/guess.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitMessages, limitRequests, withheldAddresses } from '../rate-limits/consume-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import { sendNothing } from './add-decoy.ts'
import type { ConfirmSignUpOutcome } from './confirm-sign-up.ts'
import type { DecoyInForce } from './decoy-sign-up.ts'
import { cooldownLeft } from './resend-confirmation-code.ts'
import type { ResendOutcome, ResendRequest } from './resend-confirmation-code.ts'

/* What a decoy answers at every step behind a sign-up: each as its namesake without "Decoy", after the same statements. */

interface DecoyRequest {
  userPool: UserPool
  /** Absent: of a flow that began before decoys were kept. */
  decoySub: string | undefined
}

/** @param request.username the name that the sign-up was made with */
export async function confirmDecoySignUp(
  services: DomainServices,
  request: DecoyRequest & { username: string; code: string },
): Promise<Exclude<ConfirmSignUpOutcome, { kind: 'done' }>> {
  const { userPool, decoySub = '', username: name, code } = request
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'ConfirmSignUp')
  if (limited !== undefined) return limited
  const before = await services.store.decoySignUps.findBySub(userPool.id, decoySub)
  const guess = guessAtAddress(services, userPool, { address: before?.destination, name })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const work = async (tx: Repositories): Promise<Exclude<ConfirmSignUpOutcome, { kind: 'done' }>> => {
    const waiting = waitingOf(services, await tx.decoySignUps.findBySub(userPool.id, decoySub))
    if (waiting.kind === 'over') return { kind: 'refused', reason: waiting.reason }
    const codes = { verificationCodes: tx.decoyCodes }
    const guessed = { userPoolId: userPool.id, userSub: decoySub, purpose: 'sign_up', code } as const
    const attempt = await attemptCode(services, codes, { ...guessed, at: services.clock.now() })
    return { kind: 'refused', reason: attempt.kind === 'matched' ? 'codeMismatch' : codeRefusal(attempt) }
  }
  return onRecord(services, work, (outcome) => ({
    ...decoyEntry(userPool, before),
    eventType: 'ConfirmSignUp',
    ...responseOf(outcome),
  }))
}

export async function resendToDecoy(
  services: DomainServices,
  request: DecoyRequest & Omit<ResendRequest, 'userSub'> & { signInLink?: string },
): Promise<ResendOutcome> {
  const { userPool, clientId, username, decoySub = '' } = request
  const asked = { recipients: [username], clientId, eventType: 'ResendCode' } as const
  const limited = await limitMessages(services, userPool, asked)
  if (limited !== undefined) return limited
  const before = await services.store.decoySignUps.findBySub(userPool.id, decoySub)
  const addresses = addressesOf(services, before)
  const sending = { addresses, typed: username, eventType: 'ResendCode', userSub: before?.account?.sub } as const
  const withheld = await withheldAddresses(services, userPool, sending)
  let decoy: DecoyInForce | undefined
  const work = async (tx: Repositories): Promise<ResendOutcome> => {
    decoy = await tx.decoySignUps.findBySub(userPool.id, decoySub)
    const waiting = waitingOf(services, decoy)
    if (waiting.kind === 'over') return { kind: 'refused', reason: waiting.reason }
    const sent = await sendNothing(services, tx, waiting.decoy, {
      ...request,
      withheld,
      looksBack: withheld.size === 0,
    })
    if (sent.kind === 'noRecovery') return { kind: 'refused', reason: 'noRecovery' }
    const { delivery } = sent
    if (sent.now || withheld.size > 0) return { kind: 'sent', delivery }
    return { kind: 'wait', seconds: cooldownLeft(delivery.sentAt, services.clock.now()) }
  }
  const outcome = await onRecord(services, work, (resent) =>
    resent.kind === 'wait' || withheld.size > 0
      ? undefined
      : { ...decoyEntry(userPool, decoy), eventType: 'ResendCode', ...responseOf(resent) },
  )
  services.messagesQueued()
  return outcome
}

/** Where the code of a real one would go, and that of the account that has the name. */
function addressesOf(
  services: Pick<DomainServices, 'passwordHasher'>,
  decoy: DecoyInForce | undefined,
): readonly string[] {
  const waiting = waitingOf(services, decoy)
  return waiting.kind === 'waiting' && waiting.decoy.destination !== undefined ? [waiting.decoy.destination] : []
}

export async function decoySignUpProgress(
  services: Pick<DomainServices, 'store' | 'passwordHasher'>,
  { userPool, decoySub = '' }: DecoyRequest,
): Promise<'waiting' | 'confirmed' | 'replaced'> {
  const waiting = waitingOf(services, await services.store.decoySignUps.findBySub(userPool.id, decoySub))
  if (waiting.kind === 'waiting') return 'waiting'
  return waiting.reason === 'signUpReplaced' ? 'replaced' : 'confirmed'
}

type Waiting =
  { kind: 'waiting'; decoy: DecoyInForce } | { kind: 'over'; reason: 'signUpReplaced' | 'alreadyConfirmed' }

/**
 * Once the account has another password the owner of the address has been there: they would have confirmed a real sign-up,
 * and its password would not sign in any more, as the decoy's does not.
 */
function waitingOf(services: Pick<DomainServices, 'passwordHasher'>, decoy: DecoyInForce | undefined): Waiting {
  if (decoy === undefined) return { kind: 'over', reason: 'signUpReplaced' }
  const passwordHash = decoy.account?.passwordHash
  const over = passwordHash !== undefined && !services.passwordHasher.sharesSalt(passwordHash, decoy.passwordHash)
  return over ? { kind: 'over', reason: 'alreadyConfirmed' } : { kind: 'waiting', decoy }
}

/** On the trail of whoever has the address. */
const decoyEntry = (
  { id: userPoolId }: UserPool,
  decoy: DecoyInForce | undefined,
): Pick<AuditEntry, 'userPoolId' | 'userSub' | 'detail'> => ({
  userPoolId,
  userSub: decoy?.account?.sub,
  detail: { decoy: true },
})
