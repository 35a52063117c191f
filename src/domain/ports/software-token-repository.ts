import type { OwnedSoftwareToken, SoftwareToken } from '../mfa/software-token.ts'

export interface SoftwareTokenRepository {
  add(token: SoftwareToken, at: Date): Promise<void>
  /** Oldest first. */
  ofUser(userPoolId: string, userSub: string): Promise<readonly OwnedSoftwareToken[]>
  /** Uses up the code of a time step and those before it; false when they were (threat row B10). */
  useTimeStep(token: Pick<SoftwareToken, 'userPoolId' | 'userSub' | 'id'>, timeStep: number, at: Date): Promise<boolean>
  delete(userPoolId: string, userSub: string, ids: readonly string[]): Promise<void>
  deleteOfUser(userPoolId: string, userSub: string): Promise<void>
}
