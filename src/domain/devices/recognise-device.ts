import { federatedEnough } from '../identity-providers/identity-provider.ts'
import { multipleFactors } from '../mfa/mfa-type.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { rememberedDevice } from './device.ts'

type Devices = Pick<UserPool, 'devices'>

/** Whether a device can stand in for the second factor (Cognito: ChallengeRequiredOnNewDevice). */
export const devicesReplaceMfa = ({ devices }: Devices): boolean => devices?.replaceMfa === true

/**
 * Whether a second factor has been shown: in this sign-in, or in an earlier one, for which the pool has let the browser be remembered; or
 * the pool takes the word of the provider that they signed in at (threat row B12).
 */
export const hasSecondFactor = (userPool: Devices, amr: readonly string[]): boolean =>
  amr.includes(multipleFactors) ||
  amr.includes(federatedEnough) ||
  (devicesReplaceMfa(userPool) && amr.includes(rememberedDevice))

/**
 * Whether this very user's device asks, by any of the secrets that the browser holds; notes that it was used.
 * @param secretHashes SHA-256 each
 */
export async function recogniseDevice(
  { store, clock, caller }: Pick<DomainServices, 'store' | 'clock' | 'caller'>,
  userPool: UserPool,
  { sub: userSub }: User,
  secretHashes: readonly string[],
): Promise<boolean> {
  if (!devicesReplaceMfa(userPool) || secretHashes.length === 0) return false
  const { address } = caller
  return store.devices.use({ userPoolId: userPool.id, userSub, secretHashes, address, at: clock.now() })
}
