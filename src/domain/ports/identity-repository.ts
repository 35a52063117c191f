import type { Identity } from '../identity-providers/identity-provider.ts'

/** An account at a provider: what makes it one and the same. */
export type IdentityKey = Pick<Identity, 'providerName' | 'issuer' | 'userId'>

/** Whom an account at a provider leads to. What a user has linked stands in the user's own `identities`. */
export interface IdentityRepository {
  /** `sub` of the user. One indexed query. */
  find(userPoolId: string, identity: IdentityKey): Promise<string | undefined>
  /** False when it leads to somebody already. */
  claim(userPoolId: string, userSub: string, identity: IdentityKey): Promise<boolean>
  /** It leads to this user no more; another user's stays. */
  release(userPoolId: string, userSub: string, identity: IdentityKey): Promise<void>
}
