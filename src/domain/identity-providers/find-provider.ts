import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { Identity, IdentityProvider } from './identity-provider.ts'

type Providers = Pick<UserPool, 'identityProviders'>

export const providerNamed = ({ identityProviders }: Providers, name: string): IdentityProvider | undefined =>
  identityProviders.find((provider) => provider.name === name)

/** Undefined: the pool has it no more, or under this name another one stands now. */
export const providerOf = (userPool: Providers, identity: Identity): IdentityProvider | undefined => {
  const provider = providerNamed(userPool, identity.providerName)
  return provider?.issuer === identity.issuer ? provider : undefined
}

/**
 * Whether somebody of this standing may come in, once it is proved who they are: with an account of the pool's own, or with one of a
 * provider that the pool still has (threat row A10).
 */
export const mayComeIn = (userPool: Providers, { status, identities = [] }: Pick<User, 'status' | 'identities'>) =>
  status === 'CONFIRMED' ||
  (status === 'EXTERNAL_PROVIDER' && identities.some((identity) => providerOf(userPool, identity) !== undefined))
