import { levelOf } from '../assurance/levels.ts'
import type { AssuranceLevel } from '../assurance/levels.ts'
import { hasSecondFactor } from '../devices/recognise-device.ts'
import type { MfaType } from '../mfa/mfa-type.ts'
import { mfaTypesAfter } from '../mfa/usable-mfa-types.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { ChallengeName } from './sign-in-attempt.ts'

/**
 * What stands between what has been proved and tokens, in Cognito's order: a password of one's own, then the second factor,
 * then whatever leads to the level of assurance that a request asks for. Pure: same input, same answer. Every way in asks
 * this, the first sign-in after a sign-up or a reset included (threat rows B4, B11, B12).
 * @param amr what has been proved so far
 * @param asked where the user has nothing that leads there, it is as if it were not asked: whoever finishes the sign-in says so
 */
export function nextChallenge(
  userPool: UserPool,
  user: User,
  amr: readonly string[],
  asked: AssuranceLevel = 0,
): ChallengeName | undefined {
  if (user.status === 'FORCE_CHANGE_PASSWORD') return 'NEW_PASSWORD_REQUIRED'
  const types = asked > levelOf(amr) ? mfaTypesAfter(userPool, user, amr, asked) : []
  if (types.length > 0) return choiceOf(user, types)
  if (userPool.mfaConfiguration === 'OFF' || hasSecondFactor(userPool, amr)) return undefined
  const usable = mfaTypesAfter(userPool, user, amr)
  if (usable.length === 0) return userPool.mfaConfiguration === 'ON' ? 'MFA_SETUP' : undefined
  return choiceOf(user, usable)
}

const choiceOf = (user: User, [first, ...others]: readonly MfaType[]): ChallengeName | undefined =>
  others.length === 0 || first === user.preferredMfa ? first : 'SELECT_MFA_TYPE'
