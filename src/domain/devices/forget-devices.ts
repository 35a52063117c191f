import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'

interface Owner {
  userPoolId: string
  userSub: string
}

/** Cognito's ForgetDevice and AdminForgetDevice. False: there is no such device of theirs. */
export const forgetDevice = (services: DomainServices, device: Owner & { deviceKey: string }): Promise<boolean> =>
  onRecord(
    services,
    (tx) => tx.devices.forget(device),
    (forgotten) =>
      forgotten
        ? {
            userPoolId: device.userPoolId,
            eventType: 'DeviceForget',
            userSub: device.userSub,
            detail: { deviceKey: device.deviceKey },
          }
        : undefined,
  )

/** All of them. @returns how many there were */
export const forgetDevices = (services: DomainServices, owner: Owner): Promise<number> =>
  onRecord(
    services,
    (tx) => tx.devices.forgetOfUser(owner.userPoolId, owner.userSub),
    (devices) => (devices > 0 ? { ...owner, eventType: 'DeviceForget', detail: { devices } } : undefined),
  )

/** What browsers are known by, whether it lets them do more or not: after a sign-out of everything each begins anew. */
export async function forgetBrowsers(
  tx: Pick<Repositories, 'knownBrowsers' | 'devices'>,
  userPoolId: string,
  userSub: string,
): Promise<void> {
  await tx.knownBrowsers.forget(userPoolId, userSub)
  await tx.devices.forgetOfUser(userPoolId, userSub)
}
