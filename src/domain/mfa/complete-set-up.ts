import { onRecord, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { admitGuess, clearGuesses } from '../lock-out/admit-guess.ts'
import { guessAtSecondFactor } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { SignedIn } from '../sign-in/advance.ts'
import { attemptExpired, openAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptRequest, OpenAttempt } from '../sign-in/open-attempt.ts'
import type { SignInAttempt } from '../sign-in/sign-in-attempt.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { claimAddress } from '../users/claim-sign-in-names.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { isMfaCode } from './mfa-code.ts'
import { amrOf, multipleFactors } from './mfa-type.ts'
import type { CodeMfaType, MfaType } from './mfa-type.ts'
import { maximumSoftwareTokens, softwareTokenPurpose, timeStepOf } from './software-token.ts'
import { mfaTypesToSetUp, usableMfaTypes } from './usable-mfa-types.ts'

export type CompleteSetUpOutcome =
  SignedIn | { kind: 'refused'; reason: 'codeMismatch' | 'attemptExpired' | 'aliasExists' } | AttemptsExceeded

/**
 * The second half of MFA_SETUP (Cognito: VerifySoftwareToken, and SetUserMFAPreference with it): a right code shows that
 * the factor works, makes it the user's, and is the second factor of this very sign-in.
 */
export async function completeSetUp(
  services: DomainServices,
  request: AttemptRequest & { code: string; browserHash?: string | undefined },
): Promise<CompleteSetUpOutcome> {
  const { userPool, appClient, browserHash, code } = request
  const open = await openAttempt(services, request)
  const type = open?.attempt.settingUp
  if (open?.attempt.challenge !== 'MFA_SETUP' || type === undefined) return attemptExpired
  if (!mfaTypesToSetUp(userPool, open.user).includes(type)) return attemptExpired
  const guess = await guessAtSecondFactor(services, userPool, { userSub: open.user.sub, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const work = (tx: Repositories) => store(services, tx, userPool, { ...open, type, code })
  const common = { userPoolId: userPool.id, userSub: open.user.sub, clientId: appClient.id }
  const outcome = await onRecord(services, work, (stored): readonly AuditEntry[] => {
    const setUp: AuditEntry = { ...common, eventType: 'MfaSetUp', ...responseOf(stored), detail: { type } }
    const signIn: AuditEntry = { ...common, eventType: 'SignIn', detail: { challenge: 'MFA_SETUP' } }
    return stored.kind === 'done' ? [setUp, signIn] : [setUp]
  })
  if (outcome.kind === 'done') await clearGuesses(services, userPool, guess)
  services.messagesQueued()
  return outcome
}

async function store(
  services: DomainServices,
  tx: Repositories,
  userPool: UserPool,
  { attempt, user, type, code }: OpenAttempt & { type: CodeMfaType; code: string },
): Promise<CompleteSetUpOutcome> {
  const at = services.clock.now()
  const secret = attempt.sealedSecret
  const timeStep =
    type === 'SOFTWARE_TOKEN_MFA' && secret !== undefined
      ? timeStepOf(services.sealedBox.open(secret, softwareTokenPurpose), code, at)
      : undefined
  const isRight = type === 'SOFTWARE_TOKEN_MFA' ? timeStep !== undefined : isMfaCode(services, attempt, code)
  if (!isRight) return { kind: 'refused', reason: 'codeMismatch' }
  const phone = await phoneToProve(tx, userPool, user, attempt)
  if (phone === 'taken') return aliasExists
  if (!(await tx.signInAttempts.spend(attempt.userPoolId, attempt.idHash, at))) return attemptExpired
  const now = await tx.users.findBySub(userPool.id, user.sub)
  // Whoever was first of two who know the password has set up theirs: the other one is asked for it.
  const isTheirs = (type: MfaType): boolean => type === 'WEB_AUTHN' || now?.mfaTypes?.includes(type) === true
  if (now === undefined || usableMfaTypes(userPool, now).some(isTheirs)) {
    return attemptExpired
  }
  if (timeStep !== undefined && secret !== undefined) {
    const owned = await tx.softwareTokens.ofUser(userPool.id, user.sub)
    if (owned.length >= maximumSoftwareTokens) return attemptExpired
    const id = services.random.uuid()
    const token = { userPoolId: userPool.id, userSub: user.sub, id, sealedSecret: secret, lastTimeStep: timeStep }
    await tx.softwareTokens.add(token, at)
  }
  if (phone !== undefined && !(await claimAddress(tx, userPool, now, phone))) return aliasExists
  const types = [...(now.mfaTypes ?? []).filter((known) => known !== type), type]
  const change = { mfaTypes: types, preferredMfa: type, ...(phone === undefined ? {} : { attributes: proved(phone) }) }
  await tx.users.update(userPool.id, user.sub, change, at)
  await notifyOwner(services, tx, now, 'factorAdded')
  const amr = [...attempt.amr, amrOf[type], multipleFactors]
  return { kind: 'done', user: { ...now, mfaTypes: types }, amr, authTime: signInTime(now, at) }
}

const aliasExists = { kind: 'refused', reason: 'aliasExists' } as const

interface Phone {
  attribute: 'phone_number'
  destination: string
}

const proved = ({ destination }: Phone) => ({ phone_number: destination, phone_number_verified: 'true' })

/** A number that was typed for the set-up and is proved by this code, unless it is another user's name. */
async function phoneToProve(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  { settingUp, destination }: SignInAttempt,
): Promise<Phone | 'taken' | undefined> {
  if (settingUp !== 'SMS_MFA' || destination === undefined) return undefined
  const { phone_number: own, phone_number_verified: verified } = user.attributes
  if (own === destination && verified === 'true') return undefined
  const holder = await tx.users.findByIdentifier(userPool.id, lookupKey(userPool, destination))
  return holder === undefined || holder.sub === user.sub ? { attribute: 'phone_number', destination } : 'taken'
}
