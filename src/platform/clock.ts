/** The only place that reads the system's time; lint bans `Date.now()` and `new Date()` elsewhere. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

/** Whole seconds since 1970, as JWT's NumericDate (RFC 7519 §2) wants them. */
export const epochSeconds = (date: Date): number => Math.floor(date.getTime() / 1000)

export const addSeconds = (date: Date, seconds: number): Date => new Date(date.getTime() + seconds * 1000)
