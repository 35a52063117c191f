import type { AppClient } from './app-client.ts'

/** Cognito's name for the pool's own accounts among a client's SupportedIdentityProviders. */
const localProvider = 'COGNITO'

/** Whether the client's people may sign in with an account of the pool itself. */
export const mayUseLocalAccounts = (appClient: AppClient): boolean =>
  appClient.supportedIdentityProviders.includes(localProvider)

/** Whether a request may name this identity provider: the client lists it, and the pool has it. */
export const isAvailableProvider = (appClient: AppClient, name: string): boolean =>
  name === localProvider && mayUseLocalAccounts(appClient)

/** Whether people may come through this client to the pages of their account: it is one of the operator's own, and signs in. */
export const mayOpenAccount = (appClient: AppClient): boolean =>
  mayUseLocalAccounts(appClient) &&
  !appClient.thirdParty &&
  appClient.allowedOAuthFlows.some((flow) => flow === 'code' || flow === 'implicit')
