import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { checkPassword } from '../lock-out/check-password.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { missingAttributes } from '../users/validate-attributes.ts'
import { nextChallenge } from './next-challenge.ts'
import { signInTime } from './sign-in-time.ts'
import type { ChallengeName } from './sign-in-attempt.ts'

export interface SignInRequest {
  userPool: UserPool
  appClient: AppClient
  username: string
  password: string
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
  /** The password was right, the sign-up never finished. */
  | { kind: 'refused'; reason: 'userNotConfirmed'; user: User }

/**
 * First factor: a password (Cognito's USER_PASSWORD_AUTH). An unknown name costs the same hash, locks after as many
 * guesses and gets the same answer as a wrong password, unless the app client wants it told; what else is wrong with an
 * account is told only to somebody who knows its password.
 */
export async function signIn(services: DomainServices, request: SignInRequest): Promise<SignInOutcome> {
  const { userPool, username: name, password } = request
  const user = await services.store.users.findByIdentifier(userPool.id, lookupKey(userPool, name))
  const guess = guessByName(services, userPool, 'password', { userSub: user?.sub, name })
  const checked = await checkPassword(services, userPool, guess, password, user?.passwordHash)
  if (checked.kind === 'refused') return checked
  if (user === undefined && !request.appClient.preventUserExistenceErrors) {
    return { kind: 'refused', reason: 'userNotFound' }
  }
  if (user === undefined || checked.kind === 'wrong') return { kind: 'refused', reason: 'incorrectCredentials' }
  const now = services.clock.now()
  if (!user.enabled) return { kind: 'refused', reason: 'userDisabled' }
  if (user.status === 'UNCONFIRMED') return { kind: 'refused', reason: 'userNotConfirmed', user }
  if (user.status === 'RESET_REQUIRED') return { kind: 'refused', reason: 'passwordResetRequired' }
  if (user.temporaryPasswordExpiresAt !== undefined && user.temporaryPasswordExpiresAt <= now) {
    return { kind: 'refused', reason: 'temporaryPasswordExpired' }
  }
  const amr = ['pwd']
  const challenge = nextChallenge(userPool, user)
  const startedAt = signInTime(user, now)
  if (challenge === undefined) return { kind: 'done', user, amr, authTime: startedAt }
  const handle = services.random.handle()
  await services.store.signInAttempts.add({
    idHash: sha256(handle),
    userPoolId: userPool.id,
    clientId: request.appClient.id,
    userSub: user.sub,
    challenge,
    amr,
    startedAt,
    expiresAt: addSeconds(now, request.appClient.authSessionValidityMinutes * 60),
  })
  return { kind: 'challenge', challenge, user, handle, missingAttributes: missingAttributes(userPool, user.attributes) }
}
