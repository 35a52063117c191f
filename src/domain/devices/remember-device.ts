import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import { onRecord } from '../audit/record.ts'
import { multipleFactors } from '../mfa/mfa-type.ts'
import type { DomainServices } from '../ports/services.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { maximumDevices } from './device.ts'

interface Remember {
  userPool: UserPool
  user: User
  /** What has been proved in this sign-in. */
  amr: readonly string[]
  /** Said on a page. */
  wanted: boolean
  /** SHA-256 of the secrets that this browser holds: whichever are this user's make room for the new one. */
  secretHashes: readonly string[]
}

/**
 * Remembers the browser of a sign-in in which a second factor was shown (Cognito: ConfirmDevice, UpdateDeviceStatus): always, or
 * where the person has asked for it. The secret is new each time: nobody can have left it in the browser beforehand (threat row B16).
 * @returns the secret that the browser is to keep, and the hashes of those that it replaces; undefined: nothing is remembered
 */
export async function rememberDevice(
  services: DomainServices,
  { userPool, user, amr, wanted, secretHashes }: Remember,
): Promise<{ secret: string; replaced: readonly string[] } | undefined> {
  const { devices } = userPool
  if (devices?.replaceMfa !== true || !amr.includes(multipleFactors)) return undefined
  if (devices.onUserPrompt && !wanted) return undefined
  const { clock, random, caller } = services
  const at = clock.now()
  const secret = random.handle()
  const deviceKey = `${regionOf(userPool)}_${random.uuid()}`
  const device = {
    userPoolId: userPool.id,
    userSub: user.sub,
    deviceKey,
    secretHash: sha256(secret),
    ...(caller.userAgent === undefined ? {} : { userAgent: caller.userAgent }),
    ...(caller.address === undefined ? {} : { address: caller.address }),
    createdAt: at,
    lastUsedAt: at,
    expiresAt: addSeconds(at, devices.seconds),
  }
  const replaced = await onRecord(
    services,
    (tx) => tx.devices.remember(device, { replacing: secretHashes, maximum: maximumDevices }),
    () => ({ userPoolId: userPool.id, eventType: 'DeviceRemember', userSub: user.sub, detail: { deviceKey } }),
  )
  return { secret, replaced }
}
