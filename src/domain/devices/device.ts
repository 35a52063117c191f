/**
 * A browser in which somebody has shown a second factor, and is not asked for one again for a while (Cognito: a remembered
 * device). It is known by a secret of its own; a password is asked for as anywhere else.
 */
export interface Device {
  userPoolId: string
  userSub: string
  /** Cognito's DeviceKey: names it, opens nothing. */
  deviceKey: string
  /** SHA-256 of what the browser holds. */
  secretHash: string
  /** As the browser called itself when it was remembered. */
  userAgent?: string
  /** Where it was last used from. */
  address?: string
  createdAt: Date
  lastUsedAt: Date
  expiresAt: Date
}

/** Of one user; the one that was not used for longest makes room. */
export const maximumDevices = 20

/** What `amr` says where a remembered device stood in for the second factor: nothing that RFC 8176 has a word for. */
export const rememberedDevice = 'device'
