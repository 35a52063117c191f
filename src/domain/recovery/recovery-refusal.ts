import type { AppClient } from '../app-clients/app-client.ts'
import { record } from '../audit/record.ts'
import type { AuditEntry, Recording } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { recoveryChannel } from './recovery-channel.ts'

export type RecoveryRefusal = 'usernameNotFound' | 'userDisabled' | 'noRecovery'

/**
 * Why no reset code can go out, for an app client whose PreventUserExistenceErrors is LEGACY. For any other one nothing is
 * ever told: see `forgotPassword`, which answers the same for everybody (threat row B13).
 */
export async function recoveryRefusal(
  services: Recording & Pick<DomainServices, 'store'>,
  request: { userPool: UserPool; appClient: AppClient; username: string },
): Promise<RecoveryRefusal | undefined> {
  const { userPool, appClient, username } = request
  if (appClient.preventUserExistenceErrors) return undefined
  const unknownName = lookupKey(userPool, username)
  const user = await services.store.users.findByIdentifier(userPool.id, unknownName)
  const reason = await refusalOf(services.store, userPool, user)
  if (reason === undefined) return undefined
  await record(services, services.store, refusedEntry(userPool, unknownName, user, reason))
  return reason
}

/** What is in the way, whether or not it may be told. */
export async function refusalOf(
  tx: Pick<Repositories, 'users'>,
  userPool: UserPool,
  user: User | undefined,
): Promise<RecoveryRefusal | undefined> {
  if (user === undefined) return 'usernameNotFound'
  if (!user.enabled) return 'userDisabled'
  return (await recoveryChannel(tx, userPool, user)) === undefined ? 'noRecovery' : undefined
}

export const refusedEntry = (
  { id: userPoolId }: UserPool,
  unknownName: string,
  user: User | undefined,
  refusal: RecoveryRefusal,
): AuditEntry => ({
  userPoolId,
  eventType: 'ForgotPassword',
  response: 'Fail',
  reason: refusal === 'usernameNotFound' ? 'userNotFound' : refusal,
  ...(user === undefined ? { unknownName } : { userSub: user.sub }),
})
