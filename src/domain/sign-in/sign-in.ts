import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { checkPassword } from '../lock-out/check-password.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { findByName } from '../sign-up/find-by-name.ts'
import type { DecoySignUp } from '../sign-up/decoy-sign-up.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { missingAttributes } from '../users/validate-attributes.ts'
import { nextChallenge } from './next-challenge.ts'
import { signInTime } from './sign-in-time.ts'
import type { ChallengeName, SignInAttempt } from './sign-in-attempt.ts'

export interface SignInRequest {
  userPool: UserPool
  appClient: AppClient
  username: string
  password: string
  /** As for `guessByName`. */
  browserHash?: string | undefined
}

export type SignInOutcome =
  | { kind: 'done'; user: User; amr: readonly string[]; authTime: Date }
  | {
      kind: 'challenge'
      challenge: ChallengeName
      user: User
      /** Bearer handle of the stored attempt; only its SHA-256 is kept. */
      handle: string
      missingAttributes: readonly string[]
    }
  | {
      kind: 'refused'
      /** `userNotFound`: only where the app client's PreventUserExistenceErrors is LEGACY. */
      reason:
        'incorrectCredentials' | 'userNotFound' | 'userDisabled' | 'passwordResetRequired' | 'temporaryPasswordExpired'
    }
  | AttemptsExceeded
  | LimitExceeded
  /** The password was right, the sign-up never finished: or it was a decoy's, which never can. */
  | { kind: 'refused'; reason: 'userNotConfirmed'; user: User }
  | { kind: 'refused'; reason: 'userNotConfirmed'; decoy: DecoySignUp }

/**
 * First factor: a password (Cognito's USER_PASSWORD_AUTH). An unknown name costs the same hash, locks after as many
 * guesses and gets the same answer as a wrong password, unless the app client wants it told; what else is wrong with an
 * account is told only to somebody who knows its password.
 */
export async function signIn(services: DomainServices, request: SignInRequest): Promise<SignInOutcome> {
  const { userPool, username } = request
  const limited = await limitRequests(services, userPool, 'SignInsPerNetwork', 'SignIn')
  if (limited !== undefined) return limited
  const nameKey = lookupKey(userPool, username)
  const { user, decoy } = await findByName(services.store, userPool.id, nameKey)
  const { outcome, attempt } = await tryPassword(services, request, user, decoy)
  const entry: AuditEntry = {
    userPoolId: userPool.id,
    eventType: 'SignIn',
    clientId: request.appClient.id,
    ...(outcome.kind === 'challenge' ? { response: 'InProgress' } : responseOf(outcome)),
    ...(user === undefined ? { unknownName: nameKey, reason: 'userNotFound' } : { userSub: user.sub }),
    ...('decoy' in outcome ? { detail: { decoy: true } } : {}),
  }
  if (attempt === undefined) {
    if (!isRepeatedLock(services, outcome, nameKey)) await record(services, services.store, entry)
  } else {
    await services.store.transaction(async (tx) => {
      await tx.signInAttempts.add(attempt)
      await record(services, tx, { ...entry, detail: { challenge: attempt.challenge } })
    })
  }
  return outcome
}

/** Somebody who goes on knocking at a locked door is told of once a minute. */
const isRepeatedLock = (services: DomainServices, outcome: SignInOutcome, nameKey: string): boolean =>
  outcome.kind === 'refused' &&
  outcome.reason === 'attemptsExceeded' &&
  services.repeats.isRepeat(JSON.stringify(['SignIn', nameKey]))

/** What the password comes to, and the attempt to be stored when something stands between it and tokens. */
async function tryPassword(
  services: DomainServices,
  request: SignInRequest,
  user: User | undefined,
  decoy: DecoySignUp | undefined,
): Promise<{ outcome: SignInOutcome; attempt?: SignInAttempt }> {
  const { userPool, username: name, password, browserHash } = request
  const guess = await guessByName(services, userPool, 'password', { userSub: user?.sub, name, browserHash })
  const checked = await checkPassword(services, userPool, guess, password, {
    passwordHash: user?.passwordHash,
    decoyHash: decoy?.passwordHash,
    unconfirmed: user?.status === 'UNCONFIRMED',
  })
  if (checked.kind === 'refused') return { outcome: checked }
  if (checked.kind === 'decoy' && decoy !== undefined) {
    return { outcome: { kind: 'refused', reason: 'userNotConfirmed', decoy } }
  }
  if (user === undefined && !request.appClient.preventUserExistenceErrors) {
    return refuse('userNotFound')
  }
  if (user === undefined || checked.kind !== 'right') return refuse('incorrectCredentials')
  const now = services.clock.now()
  if (!user.enabled) return refuse('userDisabled')
  if (user.status === 'UNCONFIRMED') return { outcome: { kind: 'refused', reason: 'userNotConfirmed', user } }
  if (user.status === 'RESET_REQUIRED') return refuse('passwordResetRequired')
  if (user.temporaryPasswordExpiresAt !== undefined && user.temporaryPasswordExpiresAt <= now) {
    return refuse('temporaryPasswordExpired')
  }
  const amr = ['pwd']
  const challenge = nextChallenge(userPool, user)
  const startedAt = signInTime(user, now)
  if (challenge === undefined) return { outcome: { kind: 'done', user, amr, authTime: startedAt } }
  const handle = services.random.handle()
  const attempt = {
    idHash: sha256(handle),
    userPoolId: userPool.id,
    clientId: request.appClient.id,
    userSub: user.sub,
    challenge,
    amr,
    startedAt,
    expiresAt: addSeconds(now, request.appClient.authSessionValidityMinutes * 60),
  }
  const missing = missingAttributes(userPool, user.attributes)
  return { outcome: { kind: 'challenge', challenge, user, handle, missingAttributes: missing }, attempt }
}

const refuse = (
  reason: Exclude<
    Extract<SignInOutcome, { kind: 'refused' }>['reason'],
    'userNotConfirmed' | 'attemptsExceeded' | 'limitExceeded'
  >,
): { outcome: SignInOutcome } => ({ outcome: { kind: 'refused', reason } })
