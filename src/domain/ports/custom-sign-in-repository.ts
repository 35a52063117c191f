import type { CustomSignIn } from '../custom-auth/custom-sign-in.ts'

export interface CustomSignInRepository {
  add(signIn: CustomSignIn): Promise<void>
  find(userPoolId: string, idHash: string, at: Date): Promise<CustomSignIn | undefined>
  /** Removes it and says whether it was still there: a question is answered once. */
  spend(userPoolId: string, idHash: string, at: Date): Promise<boolean>
}
