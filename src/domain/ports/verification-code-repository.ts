import type { CodeAttempt, CodePurpose, StoredLink, VerificationCode } from '../verification-codes/verification-code.ts'

export interface VerificationCodeRepository {
  /**
   * Replaces the code of the same user and purpose, in one statement.
   * @param unlessSentAfter keeps a live code to the same address that is younger; of many calls at once one replaces
   * @returns whether it did
   */
  replace(code: VerificationCode, unlessSentAfter?: Date): Promise<boolean>
  find(userPoolId: string, userSub: string, purpose: CodePurpose): Promise<VerificationCode | undefined>
  /** What is stored for a sign-up, also when it has been spent or has expired; changes nothing. */
  findLink(userPoolId: string, userSub: string): Promise<StoredLink | undefined>
  /** Codes of these purposes are none any more. */
  delete(userPoolId: string, userSub: string, purposes: readonly CodePurpose[]): Promise<void>
  /**
   * Spends the code when the hash is right, in one statement: of many parallel tries exactly one wins.
   */
  attempt(request: {
    userPoolId: string
    userSub: string
    purpose: CodePurpose
    codeHash: string
    at: Date
  }): Promise<CodeAttempt>
}
