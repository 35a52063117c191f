import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { ChallengeName } from './sign-in-attempt.ts'

/** What stands between a proved first factor and tokens. Pure: same input, same answer. */
export function nextChallenge(_userPool: UserPool, user: User): ChallengeName | undefined {
  return user.status === 'FORCE_CHANGE_PASSWORD' ? 'NEW_PASSWORD_REQUIRED' : undefined
}
