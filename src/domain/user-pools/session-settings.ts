import { z } from 'zod'
import type { SessionLimits } from './user-pool.ts'

/* How long a browser's sign-in lasts, as it is written (decision 9). */

const upToNinetyDays = z.number().int().max(129_600)

/** Cognito's SSOSession, and how long a session may lie unused; what is absent is the pool's. */
export const ssoSessionSchema = z.strictObject({
  MaxValidityMinutes: upToNinetyDays.min(0).optional(),
  IdleMinutes: upToNinetyDays.min(1).optional(),
})

export const rememberMeSchema = z.strictObject({
  MaxValidityMinutes: upToNinetyDays.min(1),
  IdleMinutes: upToNinetyDays.min(1).optional(),
})

/** In seconds. */
export function sessionLimitsOf(written: z.output<typeof ssoSessionSchema>): Partial<SessionLimits> {
  const { MaxValidityMinutes: max, IdleMinutes: idle } = written
  return {
    ...(max === undefined ? {} : { maxSeconds: max * 60 }),
    ...(idle === undefined ? {} : { idleSeconds: idle * 60 }),
  }
}

export const rememberMeOf = (written: z.output<typeof rememberMeSchema>): SessionLimits => ({
  maxSeconds: written.MaxValidityMinutes * 60,
  ...sessionLimitsOf(written),
})
