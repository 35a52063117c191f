import type { IdentityProvider } from '../identity-providers/identity-provider.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { AppClient } from './app-client.ts'

/** Cognito's name for the pool's own accounts among a client's SupportedIdentityProviders. */
const localProvider = 'COGNITO'

/** Whether the client's people may sign in with an account of the pool itself. */
export const mayUseLocalAccounts = (appClient: AppClient): boolean =>
  appClient.supportedIdentityProviders.includes(localProvider)

type Providers = Pick<UserPool, 'identityProviders'>

/** Where else the client's people may sign in: what it lists, and the pool has. */
export const availableProviders = (
  { identityProviders }: Providers,
  { supportedIdentityProviders }: AppClient,
): readonly IdentityProvider[] => identityProviders.filter(({ name }) => supportedIdentityProviders.includes(name))

/** Whether there is any way to sign in. */
export const hasSignInMethod = (userPool: Providers, appClient: AppClient): boolean =>
  mayUseLocalAccounts(appClient) || availableProviders(userPool, appClient).length > 0

/** What of an authorization request names a provider. */
export interface ProviderParameters {
  identity_provider?: string | undefined
  idp_identifier?: string | undefined
}

/** Whether a request may name what it names: the client lists it, and the pool has it. */
export function isAvailableProvider(userPool: Providers, appClient: AppClient, asked: ProviderParameters): boolean {
  const { identity_provider: name = '', idp_identifier: identifier = '' } = asked
  if (name === localProvider && identifier === '') return mayUseLocalAccounts(appClient)
  return (name === '' && identifier === '') || namedProvider(userPool, appClient, asked) !== undefined
}

function namedProvider(
  userPool: Providers,
  appClient: AppClient,
  { identity_provider: name = '', idp_identifier: identifier = '' }: ProviderParameters,
): IdentityProvider | undefined {
  return availableProviders(userPool, appClient).find(
    (provider) =>
      (name === '' || provider.name === name) && (identifier === '' || provider.identifiers.includes(identifier)),
  )
}

/**
 * Where a request leads past the sign-in page (reference: hosted UI §3): to the provider that it names, or to the only one that the client
 * has.
 */
export function directProvider(
  userPool: Providers,
  appClient: AppClient,
  asked: ProviderParameters,
): IdentityProvider | undefined {
  const { identity_provider: name = '', idp_identifier: identifier = '' } = asked
  if (name === localProvider) return undefined
  if (name !== '' || identifier !== '') return namedProvider(userPool, appClient, asked)
  const providers = availableProviders(userPool, appClient)
  return mayUseLocalAccounts(appClient) || providers.length > 1 ? undefined : providers[0]
}

/** Whether people may come through this client to the pages of their account: it is one of the operator's own, and signs in. */
export const mayOpenAccount = (appClient: AppClient): boolean =>
  appClient.supportedIdentityProviders.length > 0 &&
  !appClient.thirdParty &&
  appClient.allowedOAuthFlows.some((flow) => flow === 'code' || flow === 'implicit')
