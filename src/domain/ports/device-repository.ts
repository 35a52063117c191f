import type { Device } from '../devices/device.ts'

/** Browsers that stand in for a second factor. What has expired is as if it were not there. */
export interface DeviceRepository {
  /**
   * Adds it, and deletes this user's devices with one of the hashes in `replacing`. Of one user no more than `maximum` are
   * kept: those used last.
   * @returns the hashes of those that it has replaced
   */
  remember(device: Device, options: { replacing: readonly string[]; maximum: number }): Promise<readonly string[]>
  /** Notes that it was used. False: the user has none with one of these hashes. */
  use(request: {
    userPoolId: string
    userSub: string
    secretHashes: readonly string[]
    address: string | undefined
    at: Date
  }): Promise<boolean>
  /** Those used last first. */
  ofUser(userPoolId: string, userSub: string, at: Date): Promise<readonly Device[]>
  forget(device: Pick<Device, 'userPoolId' | 'userSub' | 'deviceKey'>): Promise<boolean>
  /** @returns how many there were */
  forgetOfUser(userPoolId: string, userSub: string): Promise<number>
  forgetAll(userPoolId: string): Promise<void>
}
