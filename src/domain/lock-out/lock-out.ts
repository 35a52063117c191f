/** How wrong guesses are slowed: Cognito's formula, and a memory of a day (decision 14). */
export interface LockOut {
  /** This failure in a row locks for a second, and each further one for twice as long as the one before. */
  firstLockingFailure: number
  /** No lock is longer; after as long a silence behind it the next failure is a first one again. */
  maximumSeconds: number
  /** Beyond so many failures a day each one locks for the maximum, whatever silence lay before it. */
  failuresPerDay: number
}

/** What a locked door answers; nothing was looked at. */
export interface AttemptsExceeded {
  kind: 'refused'
  reason: 'attemptsExceeded'
  retryAfterSeconds: number
}
