import type { AppClient } from '../domain/app-clients/app-client.ts'
import { isRegisteredUri } from '../domain/app-clients/redirect-uri.ts'
import { decideScopes } from '../domain/app-clients/scopes.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'

/*
 * What Cognito's authorize endpoint does beyond the engine, decided before the engine sees the request (reference: hosted
 * UI §3): an untrusted redirect URI never redirects, a missing scope means all of the client's, an unknown one is an
 * error. Pure.
 */

export type AuthorizationRequestDecision =
  | { kind: 'proceed'; parameters: URLSearchParams }
  /** Told to the person, on our own page. */
  | { kind: 'page'; error: 'invalid_request' | 'unknown_client' | 'redirect_mismatch'; clientId?: string }
  /** Told to the client, at a registered URI. */
  | { kind: 'redirect'; location: string }

const maximumQueryLength = 8192

export function decideAuthorizationRequest(
  snapshot: UserPoolSnapshot,
  query: URLSearchParams,
): AuthorizationRequestDecision {
  if (query.toString().length > maximumQueryLength) return { kind: 'page', error: 'invalid_request' }
  const clientIds = query.getAll('client_id')
  const [clientId] = clientIds
  if (clientId === undefined || clientIds.length > 1) return { kind: 'page', error: 'invalid_request' }
  const appClient = snapshot.appClients.get(clientId)
  if (appClient === undefined) return { kind: 'page', error: 'unknown_client' }
  const redirectUri = chooseRedirectUri(appClient, query.getAll('redirect_uri'))
  if (redirectUri === undefined) return { kind: 'page', error: 'redirect_mismatch', clientId }

  const refuse = (error: string, description: string): AuthorizationRequestDecision => ({
    kind: 'redirect',
    location: errorLocation(snapshot, redirectUri, query, error, description),
  })
  const repeated = [...new Set(query.keys())].find((name) => query.getAll(name).length > 1)
  if (repeated !== undefined) return refuse('invalid_request', 'a parameter is repeated')
  // PostgreSQL can store none in text or JSON.
  if ([...query.values()].some((value) => value.includes('\0'))) {
    return refuse('invalid_request', 'a parameter holds a zero byte')
  }
  const responseType = query.get('response_type') ?? ''
  if (responseType === '') return refuse('invalid_request', 'response_type is missing')
  if (responseType === 'code' && !appClient.allowedOAuthFlows.includes('code')) {
    return refuse('unauthorized_client', 'the authorization code flow is not enabled for this client')
  }
  // form_post would answer with a page of the engine's own, without our headers.
  if (!['', 'query', 'fragment'].includes(query.get('response_mode') ?? '')) {
    return refuse('invalid_request', 'response_mode is not supported')
  }
  const decision = decideScopes(appClient, snapshot.resourceServers, query.get('scope') ?? undefined, 'code')
  if (!decision.ok) return refuse('invalid_scope', decision.reason)
  const resource = query.get('resource') ?? ''
  if (resource !== '' && !isResource(resource)) return refuse('invalid_target', 'resource must be an absolute URL')

  const parameters = new URLSearchParams(query)
  parameters.set('redirect_uri', redirectUri)
  parameters.set('scope', decision.scopes.join(' '))
  return { kind: 'proceed', parameters }
}

/** As sent, if registered; left out, the client's default or its only one. */
function chooseRedirectUri(appClient: AppClient, sent: readonly string[]): string | undefined {
  const [redirectUri] = sent
  if (sent.length > 1) return undefined
  if (redirectUri !== undefined && redirectUri !== '') {
    return isRegisteredUri(appClient.callbackUrls, redirectUri) ? redirectUri : undefined
  }
  return appClient.defaultRedirectUri ?? (appClient.callbackUrls.length === 1 ? appClient.callbackUrls[0] : undefined)
}

/** RFC 8707 §2: an absolute URI without a fragment; it becomes the access token's `aud`. */
const isResource = (resource: string): boolean => URL.canParse(resource) && !resource.includes('#')

/** RFC 6749 §4.1.2.1, with `iss` (RFC 9207). */
function errorLocation(
  snapshot: UserPoolSnapshot,
  redirectUri: string,
  query: URLSearchParams,
  error: string,
  description: string,
): string {
  const location = new URL(redirectUri)
  const answer = new URLSearchParams({ error, error_description: description })
  const state = single(query, 'state')
  if (state !== undefined) answer.set('state', state)
  answer.set('iss', snapshot.userPool.issuer)
  if (answersInFragment(query)) location.hash = answer.toString()
  else for (const [name, value] of answer) location.searchParams.set(name, value)
  return location.href
}

/** OAuth 2.0 Multiple Response Types §2.1 and §5, as the engine does it. */
function answersInFragment(query: URLSearchParams): boolean {
  const mode = single(query, 'response_mode') ?? ''
  if (mode !== '') return mode === 'fragment'
  return (single(query, 'response_type') ?? '').split(' ').some((type) => type === 'token' || type === 'id_token')
}

const single = (query: URLSearchParams, name: string): string | undefined => {
  const [value, ...more] = query.getAll(name)
  return more.length === 0 ? value : undefined
}
