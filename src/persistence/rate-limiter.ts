import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import type { RateBucket, RateLimiter } from '../domain/ports/rate-limiter.ts'
import type { RateLimitName, RateWindow } from '../domain/rate-limits/rate-limits.ts'
import { BoundedMap } from '../platform/bounded-map.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from './database.ts'

/** Full buckets that this process remembers. */
const maximumRemembered = 10_000

/**
 * Counts in the table `rate_limits`, so that all servers on one PostgreSQL count together, or in memory on the embedded
 * database, which has one server. A bucket that is full costs no query until it is empty again.
 */
export function createRateLimiter({ pool }: Pick<Database, 'pool'>, clock: Clock): RateLimiter {
  /** The library's limiters have one window each; there are as many as the user pools have settings. */
  const limiters = new Map<string, RateLimiterAbstract>()
  const full = new BoundedMap<Date>(maximumRemembered)
  const limiterFor = (limit: RateLimitName, { seconds, maximum }: RateWindow): RateLimiterAbstract => {
    const key = `${limit} ${seconds} ${maximum}`
    const known = limiters.get(key)
    if (known !== undefined) return known
    const window = { keyPrefix: `${limit}:${seconds}`, points: maximum, duration: seconds }
    const made = pool === undefined ? new RateLimiterMemory(window) : new RateLimiterPostgres(onPostgres(pool, window))
    limiters.set(key, made)
    return made
  }
  const secondsLeft = (bucket: RateBucket): number | undefined => {
    const until = full.get(nameOf(bucket))
    const seconds = until === undefined ? 0 : Math.ceil((until.getTime() - clock.now().getTime()) / 1000)
    return seconds > 0 ? seconds : undefined
  }
  return {
    secondsLeft,
    async consume(bucket) {
      const known = secondsLeft(bucket)
      if (known !== undefined) return known
      // The longer window is not asked once the shorter one is full.
      for (const window of bucket.windows) {
        const seconds = await consume(limiterFor(bucket.limit, window), bucket.bucket)
        if (seconds === undefined) continue
        full.set(nameOf(bucket), addSeconds(clock.now(), seconds))
        return seconds
      }
      return undefined
    },
  }
}

/** With other settings it is another one: what was full may have room. */
const nameOf = ({ limit, bucket, windows }: RateBucket): string =>
  [limit, bucket, ...windows.map(({ maximum }) => maximum)].join(' ')

interface LibraryWindow {
  keyPrefix: string
  points: number
  duration: number
}

/** Statements are named by the library itself; the table is ours, and so is sweeping it. */
const onPostgres = (pool: NonNullable<Database['pool']>, window: LibraryWindow) => ({
  ...window,
  storeClient: pool,
  storeType: 'pool',
  tableName: 'rate_limits',
  tableCreated: true,
  clearExpiredByTimeout: false,
  inMemoryBlockOnConsumed: window.points,
})

/** @returns how long to wait; a rejection that is no answer of the limiter is the database's failure */
async function consume(limiter: RateLimiterAbstract, bucket: string): Promise<number | undefined> {
  try {
    await limiter.consume(bucket)
    return undefined
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
  }
}
