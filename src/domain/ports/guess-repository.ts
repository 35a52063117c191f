import type { LockOut } from '../lock-out/lock-out.ts'

/** Counters of wrong guesses. A bucket is named by a digest; what it stands for is the domain's. */
export interface GuessRepository {
  /**
   * Counts a failure in each bucket that is not locked, and locks it where that is due, all in one statement: of many
   * guesses at once no more are counted, and looked at, than may be (threat row B6).
   * @returns the buckets in which it counted, with the lock that it began; the others are locked
   */
  count(request: {
    userPoolId: string
    buckets: readonly string[]
    lockOut: LockOut
    at: Date
  }): Promise<readonly { bucket: string; lockedUntil?: Date }[]>
  /** When the last of their locks ends; undefined where none is locked. */
  lockedUntil(userPoolId: string, buckets: readonly string[], at: Date): Promise<Date | undefined>
  /** Nothing has failed here: the guess was right. */
  clear(userPoolId: string, buckets: readonly string[]): Promise<void>
  /** What was counted last could not be looked at, and was no failure. */
  takeBack(request: { userPoolId: string; buckets: readonly string[]; lockOut: LockOut }): Promise<void>
}
