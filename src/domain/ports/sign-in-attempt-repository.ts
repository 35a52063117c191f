import type { AttemptChange, ChallengeName, SignInAttempt } from '../sign-in/sign-in-attempt.ts'

export interface SignInAttemptRepository {
  add(attempt: SignInAttempt): Promise<void>
  find(userPoolId: string, idHash: string, at: Date): Promise<SignInAttempt | undefined>
  /** Changes it while it waits for `from`; false when another request has led it on, or it has ended. */
  change(request: {
    userPoolId: string
    idHash: string
    from: ChallengeName
    change: AttemptChange
    at: Date
  }): Promise<boolean>
  /** Removes it and says whether it was still there: a challenge is answered once. */
  spend(userPoolId: string, idHash: string, at: Date): Promise<boolean>
}
