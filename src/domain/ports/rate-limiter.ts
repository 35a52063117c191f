import type { RateLimitName, RateWindow } from '../rate-limits/rate-limits.ts'

/** What is counted in a bucket; its name is a digest, and differs between user pools. */
export interface RateBucket {
  limit: RateLimitName
  bucket: string
  windows: readonly RateWindow[]
}

/**
 * Counts across all servers of one database. Never to be asked inside a transaction: it has connections of its own, and
 * those could all be waiting for it.
 */
export interface RateLimiter {
  /**
   * Counts one.
   * @returns the seconds until there is room again; undefined: this one may go on
   */
  consume(bucket: RateBucket): Promise<number | undefined>
  /** The same as far as this process knows, at no cost: nothing is counted, nothing asked. */
  secondsLeft(bucket: RateBucket): number | undefined
}

/** LATCHKEY_RATE_LIMITS=off */
export const noRateLimits: RateLimiter = {
  consume: async () => undefined,
  secondsLeft: () => undefined,
}
