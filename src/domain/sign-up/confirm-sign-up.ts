import type { AppClient } from '../app-clients/app-client.ts'
import { onRecord, responseOf } from '../audit/record.ts'
import { admitGuess, clearGuesses } from '../lock-out/admit-guess.ts'
import { guessAtAddress } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { Repositories, UserChange } from '../ports/store.ts'
import { postConfirmation } from '../triggers/user-triggers.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { claimAddress, claimPreferredUsername, releaseUnproved } from '../users/claim-sign-in-names.ts'
import type { User } from '../users/user.ts'
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import type { CodeRefusal, RefusedCode } from '../verification-codes/check-code.ts'
import { changedAttributes } from './left-behind.ts'
import { attributeToVerify } from './attribute-to-verify.ts'

export type ConfirmSignUpOutcome =
  | { kind: 'done'; user: User }
  | { kind: 'refused'; reason: 'alreadyConfirmed' | 'aliasExists' | 'signUpReplaced' }
  | RefusedCode
  | AttemptsExceeded
  | LimitExceeded

/**
 * Cognito's ConfirmSignUp: a right code confirms the user and verifies the address that it was sent to.
 * @param request.username the name that the sign-up was made with
 */
export async function confirmSignUp(
  services: DomainServices,
  request: { userPool: UserPool; appClient?: AppClient; userSub: string; username: string; code: string },
): Promise<ConfirmSignUpOutcome> {
  const { userPool, userSub, username: name, code } = request
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'ConfirmSignUp')
  if (limited !== undefined) return limited
  const user = await services.store.users.findBySub(userPool.id, userSub)
  const attribute = user && (await attributeToVerify(services.store, userPool, user))
  const address = attribute && user.attributes[attribute]
  const guess = guessAtAddress(services, userPool, { address, name })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const entryOf = (outcome: ConfirmSignUpOutcome) =>
    ({ userPoolId: userPool.id, eventType: 'ConfirmSignUp', userSub, ...responseOf(outcome) }) as const
  const work = (tx: Repositories) => redeem(services, tx, { userPool, userSub, code })
  const outcome = await onRecord(services, work, entryOf)
  if (outcome.kind !== 'done') return outcome
  await clearGuesses(services, userPool, guess)
  await postConfirmation(services, request, 'ConfirmSignUp', outcome.user)
  return outcome
}

async function redeem(
  services: DomainServices,
  tx: Repositories,
  { userPool, userSub, code }: { userPool: UserPool; userSub: string; code: string },
): Promise<ConfirmSignUpOutcome> {
  const user = await tx.users.lockBySub(userPool.id, userSub)
  if (user === undefined) return refuse('signUpReplaced')
  if (user.status !== 'UNCONFIRMED') return refuse('alreadyConfirmed')
  const at = services.clock.now()
  const attempt = await attemptCode(services, tx, { userPoolId: userPool.id, userSub, purpose: 'sign_up', code, at })
  if (attempt.kind !== 'matched') return refuse(codeRefusal(attempt))
  return confirmProved(tx, userPool, user, attempt, { at })
}

/**
 * Confirms a user whose address has been proved a moment ago, in the same transaction.
 * @param options.change what else changes with it
 */
export async function confirmProved(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  proof: { attribute: VerifiableAttribute; destination: string },
  { at, change = {} }: { at: Date; change?: Pick<UserChange, 'passwordHash' | 'attributes'> },
): Promise<ConfirmSignUpOutcome> {
  // The code proves the address that it went to: worth nothing once that is not the user's any more.
  if (user.attributes[proof.attribute] !== proof.destination) return refuse('codeExpired')
  if (!(await claimAddress(tx, userPool, user, proof))) return refuse('aliasExists')
  await releaseUnproved(tx, userPool, user, proof.attribute)
  const attributes = { ...change.attributes, [`${proof.attribute}_verified`]: 'true' }
  const confirmed: User = {
    ...user,
    status: 'CONFIRMED',
    attributes: changedAttributes(user.attributes, attributes),
  }
  await claimPreferredUsername(tx, userPool, confirmed)
  const changed = await tx.users.update(
    userPool.id,
    user.sub,
    { ...change, status: 'CONFIRMED', onlyFrom: ['UNCONFIRMED'], attributes },
    at,
  )
  return changed ? { kind: 'done', user: confirmed } : refuse('alreadyConfirmed')
}

const refuse = <Reason extends CodeRefusal | 'alreadyConfirmed' | 'aliasExists' | 'signUpReplaced'>(reason: Reason) =>
  ({ kind: 'refused', reason }) as const
