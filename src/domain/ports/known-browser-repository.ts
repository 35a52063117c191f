/** Browsers in which a user has signed in before. Known by the SHA-256 of a handle of their own; they let nobody in. */
export interface KnownBrowserRepository {
  has(userPoolId: string, userSub: string, browserHash: string): Promise<boolean>
  /**
   * Adds it, or notes that it was used. Of one user no more than `maximum` are kept: those used last.
   */
  remember(request: {
    userPoolId: string
    userSub: string
    browserHash: string
    maximum: number
    at: Date
  }): Promise<void>
  /** Whether there is any at all. */
  any(userPoolId: string, userSub: string): Promise<boolean>
  forget(userPoolId: string, userSub: string): Promise<void>
  forgetAll(userPoolId: string): Promise<void>
}
