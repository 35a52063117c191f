import type { AssuranceLevel } from '../assurance/levels.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { SignInAttempt } from './sign-in-attempt.ts'

export interface AttemptRequest {
  userPool: UserPool
  appClient: AppClient
  attemptIdHash: string
  /** What the request asks for. */
  asked?: AssuranceLevel
}

export interface OpenAttempt {
  attempt: SignInAttempt
  user: User
}

export const attemptExpired = { kind: 'refused', reason: 'attemptExpired' } as const

/**
 * A sign-in that waits for its challenge, if it still may go on: it is this client's, and its user has not been disabled,
 * signed out or given another password (which signs out as well) since it began.
 */
export async function openAttempt(
  services: Pick<DomainServices, 'clock'> & { store: Pick<Repositories, 'signInAttempts' | 'users'> },
  { userPool, appClient, attemptIdHash }: AttemptRequest,
): Promise<OpenAttempt | undefined> {
  const { signInAttempts, users } = services.store
  const attempt = await signInAttempts.find(userPool.id, attemptIdHash, services.clock.now())
  if (attempt?.clientId !== appClient.id) return undefined
  const user = await users.findBySub(userPool.id, attempt.userSub)
  if (user?.enabled !== true) return undefined
  const replaced = user.signedOutAt !== undefined && user.signedOutAt > attempt.startedAt
  return replaced ? undefined : { attempt, user }
}
