import { z } from 'zod'
import type { DeviceSettings } from './user-pool.ts'

const daySeconds = 86_400

/** Cognito's DeviceConfiguration, and for how long a device is remembered. */
export const deviceConfiguration = z
  .strictObject({
    ChallengeRequiredOnNewDevice: z.boolean().default(false),
    DeviceOnlyRememberedOnUserPrompt: z.boolean().default(false),
    // As long as browsers keep a cookie at most (RFC 6265bis §5.5).
    RememberedDays: z.number().int().min(1).max(400).default(30),
  })
  .nullish()

/** Absent: no device is remembered. */
export const deviceSettingsOf = (written: z.output<typeof deviceConfiguration>): { devices?: DeviceSettings } =>
  written === undefined || written === null
    ? {}
    : {
        devices: {
          replaceMfa: written.ChallengeRequiredOnNewDevice,
          onUserPrompt: written.DeviceOnlyRememberedOnUserPrompt,
          seconds: written.RememberedDays * daySeconds,
        },
      }
