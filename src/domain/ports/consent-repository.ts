import type { Consent } from '../consents/consent.ts'

export interface ConsentRepository {
  find(userPoolId: string, userSub: string, clientId: string): Promise<Consent | undefined>
  /** By client id. */
  ofUser(userPoolId: string, userSub: string): Promise<readonly Consent[]>
  /** Adds scopes to what the user has allowed the client; nothing when one of them is gone. */
  add(consent: Pick<Consent, 'userPoolId' | 'userSub' | 'clientId' | 'scopes'>, at: Date): Promise<void>
  /**
   * Takes the consent back and, in the same statement, ends what the client holds of the user: grants and unspent codes.
   * False when there was none.
   */
  withdraw(userPoolId: string, userSub: string, clientId: string, at: Date): Promise<boolean>
}
