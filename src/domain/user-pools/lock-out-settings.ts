import { z } from 'zod'
import type { LockOut } from '../lock-out/lock-out.ts'

/** Cognito's numbers, and those of decision 14 beside them. There is no way to turn it off. */
export const lockOutSchema = z.strictObject({
  FirstLockingFailure: z.number().int().min(3).max(100).default(5),
  MaximumSeconds: z.number().int().min(60).max(86_400).default(900),
  FailuresPerDay: z.number().int().min(10).max(10_000).default(20),
})

export const lockOutOf = (written: z.output<typeof lockOutSchema>): LockOut => ({
  firstLockingFailure: written.FirstLockingFailure,
  maximumSeconds: written.MaximumSeconds,
  failuresPerDay: written.FailuresPerDay,
})
