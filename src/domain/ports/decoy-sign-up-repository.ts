import type { DecoyInForce, DecoySignUp } from '../sign-up/decoy-sign-up.ts'

export interface DecoySignUpRepository {
  /** In place of the earlier one with the same name. */
  replace(decoy: DecoySignUp): Promise<void>
  /** By the canonical name that it was made with. */
  find(userPoolId: string, key: string): Promise<DecoySignUp | undefined>
  /** With the account that has its name now. One query. */
  findBySub(userPoolId: string, sub: string): Promise<DecoyInForce | undefined>
  delete(userPoolId: string, sub: string): Promise<void>
  /** False when it is there no more. */
  setPassword(userPoolId: string, sub: string, passwordHash: string): Promise<boolean>
}
