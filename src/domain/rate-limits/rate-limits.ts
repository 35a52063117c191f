/** What is counted, by whose name (decision 15). */
export type RateLimitName =
  | 'SignInsPerNetwork'
  | 'SignUpsPerNetwork'
  | 'CodesPerNetwork'
  | 'MessagesPerNetwork'
  | 'MessagesPerRecipient'
  | 'MessagesPerClient'
  | 'MessagesPerUserPool'
  | 'TokenFailuresPerNetwork'

/** So many in so many seconds, from the first one on. */
export interface RateWindow {
  seconds: number
  maximum: number
}

/** The shortest window first; none: as many as may come. */
export type RateLimits = Readonly<Record<RateLimitName, readonly RateWindow[]>>

/** Too many of late: nothing was looked at, nothing sent. */
export interface LimitExceeded {
  kind: 'refused'
  reason: 'limitExceeded'
  limit: RateLimitName
  retryAfterSeconds: number
}
