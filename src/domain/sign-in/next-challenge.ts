import { multipleFactors } from '../mfa/mfa-type.ts'
import { usableMfaTypes } from '../mfa/usable-mfa-types.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { ChallengeName } from './sign-in-attempt.ts'

/**
 * What stands between what has been proved and tokens, in Cognito's order: a password of one's own, then the second factor.
 * Pure: same input, same answer. Every way in asks this, the first sign-in after a sign-up or a reset included (threat rows
 * B4, B11, B12).
 * @param amr what has been proved so far
 */
export function nextChallenge(userPool: UserPool, user: User, amr: readonly string[]): ChallengeName | undefined {
  if (user.status === 'FORCE_CHANGE_PASSWORD') return 'NEW_PASSWORD_REQUIRED'
  if (userPool.mfaConfiguration === 'OFF' || amr.includes(multipleFactors)) return undefined
  const [first, ...others] = usableMfaTypes(userPool, user)
  if (first === undefined) return userPool.mfaConfiguration === 'ON' ? 'MFA_SETUP' : undefined
  return others.length === 0 || first === user.preferredMfa ? first : 'SELECT_MFA_TYPE'
}
