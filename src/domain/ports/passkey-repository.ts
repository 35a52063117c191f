import type { OwnedPasskey, Passkey } from '../passkeys/passkey.ts'

export interface PasskeyRepository {
  /** False when there is one of this id in the user pool already. */
  add(passkey: Passkey, at: Date): Promise<boolean>
  find(userPoolId: string, id: string): Promise<OwnedPasskey | undefined>
  /** Oldest first. */
  ofUser(userPoolId: string, userSub: string): Promise<readonly OwnedPasskey[]>
  /** Notes a use; false when the counter has not grown (WebAuthn §6.1.1), or the passkey is gone. */
  use(passkey: Pick<Passkey, 'userPoolId' | 'userSub' | 'id'>, counter: number, at: Date): Promise<boolean>
  rename(passkey: Pick<Passkey, 'userPoolId' | 'userSub' | 'id' | 'name'>): Promise<boolean>
  delete(passkey: Pick<Passkey, 'userPoolId' | 'userSub' | 'id'>): Promise<boolean>
  deleteOfUser(userPoolId: string, userSub: string): Promise<void>
}
