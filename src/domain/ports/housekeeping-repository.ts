export interface HousekeepingRepository {
  /** Deletes what has expired, at most `limit` rows a table; says how many went. */
  deleteExpired(at: Date, limit: number): Promise<number>
  /** Deletes sign-ups that nobody confirmed in time, at most `limit`; says whose. */
  deleteUnconfirmed(at: Date, limit: number): Promise<readonly { userPoolId: string; userSub: string }[]>
}
