import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'

type Stored = Pick<DomainServices, 'store'>

/** Which scopes the user has allowed a third-party client so far. */
export async function allowedScopes(
  { store }: Stored,
  appClient: AppClient,
  userSub: string,
): Promise<readonly string[]> {
  const consent = await store.consents.find(appClient.userPoolId, userSub, appClient.id)
  return consent?.scopes ?? []
}

/**
 * Whether the client may have these scopes of the user: a first-party client always, another one what the user has
 * allowed. Asked at every door, since a consent may be withdrawn at any time (threat row A10).
 */
export async function hasConsent(
  services: Stored,
  appClient: AppClient,
  userSub: string,
  scopes: readonly string[],
): Promise<boolean> {
  if (!appClient.thirdParty) return true
  const { userPoolId, id } = appClient
  const consent = await services.store.consents.find(userPoolId, userSub, id)
  return consent !== undefined && scopes.every((scope) => consent.scopes.includes(scope))
}

/**
 * Whether an authorization request has to go by the consent page: something is not allowed yet, or the client wants the
 * user to be asked again (OIDC Core §3.1.2.1, `prompt=consent`).
 */
export async function needsConsent(
  services: Stored,
  appClient: AppClient,
  userSub: string,
  request: Readonly<Record<string, string>>,
): Promise<boolean> {
  if (!appClient.thirdParty) return false
  if (words(request['prompt']).includes('consent')) return true
  return !(await hasConsent(services, appClient, userSub, words(request['scope'])))
}

const words = (text: string | undefined): readonly string[] => (text ?? '').split(' ').filter((word) => word !== '')
