/** What is good once and has no row before it is used: challenges of passkeys, links to sign in. */
export interface OneTimeRepository {
  /**
   * Uses it up; false when it was: of two at once exactly one is answered true.
   * @param expiresAt until when it would have been good; nothing has to be remembered after that
   */
  spend(userPoolId: string, hash: string, expiresAt: Date): Promise<boolean>
}
