/** Recovery codes by their keyed hash; none is ever stored in clear. */
export interface RecoveryCodeRepository {
  /** In place of all that were there. */
  replace(userPoolId: string, userSub: string, codeHashes: readonly string[], at: Date): Promise<void>
  count(userPoolId: string, userSub: string): Promise<number>
  /** Deletes the code; false when it was not there: of two at once exactly one is answered true. */
  spend(userPoolId: string, userSub: string, codeHash: string): Promise<boolean>
}
