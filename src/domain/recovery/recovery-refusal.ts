import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import { recoveryChannel } from './recovery-channel.ts'

export type RecoveryRefusal = 'usernameNotFound' | 'userDisabled' | 'noRecovery'

/**
 * Why no reset code can go out, for an app client whose PreventUserExistenceErrors is LEGACY. For any other one nothing is
 * ever told: see `forgotPassword`, which answers the same for everybody (threat row B13).
 */
export async function recoveryRefusal(
  services: Pick<DomainServices, 'store'>,
  request: { userPool: UserPool; appClient: AppClient; username: string },
): Promise<RecoveryRefusal | undefined> {
  const { userPool, appClient, username } = request
  if (appClient.preventUserExistenceErrors) return undefined
  const user = await services.store.users.findByIdentifier(userPool.id, lookupKey(userPool, username))
  if (user === undefined) return 'usernameNotFound'
  if (!user.enabled) return 'userDisabled'
  return (await recoveryChannel(services.store, userPool, user)) === undefined ? 'noRecovery' : undefined
}
