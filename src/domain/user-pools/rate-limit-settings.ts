import { z } from 'zod'
import type { RateLimits, RateWindow } from '../rate-limits/rate-limits.ts'

/* Defaults that a company of 500 behind one address lives with (decision 15). */

const count = z.number().int().min(1).max(1_000_000)

interface Windows {
  PerMinute?: number | undefined
  PerHour?: number | undefined
  PerDay?: number | undefined
}

/** A window that is not named keeps its default. */
const limit = ({ PerMinute, PerHour, PerDay }: Windows) =>
  z
    .strictObject({
      PerMinute: PerMinute === undefined ? count.optional() : count.default(PerMinute),
      PerHour: PerHour === undefined ? count.optional() : count.default(PerHour),
      PerDay: PerDay === undefined ? count.optional() : count.default(PerDay),
    })
    .prefault({})

export const rateLimitsSchema = z.strictObject({
  SignInsPerNetwork: limit({ PerMinute: 300, PerDay: 10_000 }),
  SignUpsPerNetwork: limit({ PerMinute: 60, PerDay: 2_000 }),
  CodesPerNetwork: limit({ PerMinute: 300, PerDay: 10_000 }),
  MessagesPerNetwork: limit({ PerMinute: 60, PerDay: 2_000 }),
  MessagesPerRecipient: limit({ PerHour: 6, PerDay: 20 }),
  MessagesPerClient: limit({ PerHour: 5_000 }),
  MessagesPerUserPool: limit({ PerHour: 10_000 }),
  TokenFailuresPerNetwork: limit({ PerMinute: 600 }),
})

export function rateLimitsOf(written: z.output<typeof rateLimitsSchema>): RateLimits {
  const windowsOf = ({ PerMinute, PerHour, PerDay }: Windows): readonly RateWindow[] =>
    [
      { seconds: 60, maximum: PerMinute },
      { seconds: 3600, maximum: PerHour },
      { seconds: 86_400, maximum: PerDay },
    ].flatMap(({ seconds, maximum }) => (maximum === undefined ? [] : [{ seconds, maximum }]))
  return {
    SignInsPerNetwork: windowsOf(written.SignInsPerNetwork),
    SignUpsPerNetwork: windowsOf(written.SignUpsPerNetwork),
    CodesPerNetwork: windowsOf(written.CodesPerNetwork),
    MessagesPerNetwork: windowsOf(written.MessagesPerNetwork),
    MessagesPerRecipient: windowsOf(written.MessagesPerRecipient),
    MessagesPerClient: windowsOf(written.MessagesPerClient),
    MessagesPerUserPool: windowsOf(written.MessagesPerUserPool),
    TokenFailuresPerNetwork: windowsOf(written.TokenFailuresPerNetwork),
  }
}
