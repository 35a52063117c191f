import { record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { checkPassword } from '../lock-out/check-password.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { migrateUser } from '../triggers/user-migration.ts'
import { preAuthentication } from '../triggers/user-triggers.ts'
import { hashAnew } from './hash-anew.ts'
import { findByName } from '../sign-up/find-by-name.ts'
import type { DecoySignUp } from '../sign-up/decoy-sign-up.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { continueSignIn } from './advance.ts'
import type { Challenged, Proved, SignedIn, SignInContext } from './advance.ts'
import { signInTime } from './sign-in-time.ts'

export interface SignInRequest extends SignInContext {
  username: string
  password: string
  /** As for `guessByName`. */
  browserHash?: string | undefined
}

export type SignInOutcome =
  | SignedIn
  | Challenged
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
  const found = await findByName(services.store, userPool.id, nameKey)
  const { decoy } = found
  const { password, browserHash } = request
  const source = { kind: 'Authentication', password, browserHash, holder: found.user } as const
  const migrated = decoy === undefined ? await migrateUser(services, request, username, source) : undefined
  const user = migrated ?? found.user
  await preAuthentication(services, request, user, username)
  // Whose password was right where they come from, and is not to be taken over.
  const isToReset = migrated?.status === 'RESET_REQUIRED'
  const checked = isToReset ? refuse('passwordResetRequired') : await tryPassword(services, request, user, decoy)
  const entryOf = (outcome: SignInOutcome): AuditEntry => ({
    userPoolId: userPool.id,
    eventType: 'SignIn',
    clientId: request.appClient.id,
    ...responseOf(outcome),
    ...(user === undefined ? { unknownName: nameKey, reason: 'userNotFound' } : { userSub: user.sub }),
    ...('decoy' in outcome ? { detail: { decoy: true } } : {}),
  })
  if (checked.kind === 'proved') {
    // Any challenge is put on record where it begins.
    const outcome = await continueSignIn(services, request, checked)
    if (outcome.kind === 'done') await record(services, services.store, entryOf(outcome))
    return outcome
  }
  if (!isRepeatedLock(services, checked, nameKey)) await record(services, services.store, entryOf(checked))
  return checked
}

/** Somebody who goes on knocking at a locked door is told of once a minute. */
const isRepeatedLock = (services: DomainServices, outcome: SignInOutcome, nameKey: string): boolean =>
  outcome.kind === 'refused' &&
  outcome.reason === 'attemptsExceeded' &&
  services.repeats.isRepeat(JSON.stringify(['SignIn', nameKey]))

/** What the password comes to, whatever else stands between it and tokens. */
export async function tryPassword(
  services: DomainServices,
  request: Pick<SignInRequest, 'userPool' | 'appClient' | 'username' | 'password' | 'browserHash'>,
  user: User | undefined,
  decoy: DecoySignUp | undefined,
): Promise<({ kind: 'proved' } & Proved) | Extract<SignInOutcome, { kind: 'refused' }>> {
  const { userPool, username: name, password, browserHash } = request
  const guess = await guessByName(services, userPool, 'password', { userSub: user?.sub, name, browserHash })
  const checked = await checkPassword(services, userPool, guess, password, {
    passwordHash: user?.passwordHash,
    decoyHash: decoy?.passwordHash,
    unconfirmed: user?.status === 'UNCONFIRMED',
  })
  if (checked.kind === 'refused') return checked
  if (checked.kind === 'decoy' && decoy !== undefined) return { kind: 'refused', reason: 'userNotConfirmed', decoy }
  if (user === undefined && !request.appClient.preventUserExistenceErrors) {
    return refuse('userNotFound')
  }
  if (user === undefined || checked.kind !== 'right') return refuse('incorrectCredentials')
  const now = services.clock.now()
  if (!user.enabled) return refuse('userDisabled')
  if (user.status === 'UNCONFIRMED') return { kind: 'refused', reason: 'userNotConfirmed', user }
  if (user.status === 'RESET_REQUIRED') return refuse('passwordResetRequired')
  if (user.temporaryPasswordExpiresAt !== undefined && user.temporaryPasswordExpiresAt <= now) {
    return refuse('temporaryPasswordExpired')
  }
  const known = checked.isImported ? await hashAnew(services, user, password) : user
  return { kind: 'proved', user: known, amr: ['pwd'], startedAt: signInTime(user, now) }
}

const refuse = (
  reason: Exclude<
    Extract<SignInOutcome, { kind: 'refused' }>['reason'],
    'userNotConfirmed' | 'attemptsExceeded' | 'limitExceeded'
  >,
): Extract<SignInOutcome, { kind: 'refused' }> => ({ kind: 'refused', reason })
