import { z } from 'zod'
import type { AppClient } from '../domain/app-clients/app-client.ts'
import { accountUri, isRegisteredUri } from '../domain/app-clients/redirect-uri.ts'
import { decideScopes } from '../domain/app-clients/scopes.ts'
import { isAvailableProvider, mayOpenAccount } from '../domain/app-clients/sign-in-methods.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { defaultModes, engineResponse, isResponseMode } from './response-modes.ts'
import type { AuthorizationAnswer, ResponseMode, ResponseType } from './response-modes.ts'

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
  | { kind: 'answer'; answer: AuthorizationAnswer }

/** Room for a state of 4 kB with every byte percent-encoded. */
const maximumQueryLength = 16_384
/** The engine's query parser stops at a thousand. */
const maximumParameters = 100

/**
 * `max_age` under a name of ours: the engine refuses it without the scope `openid`, which Cognito does not, and reads the
 * system's clock. Whatever a request says under this name itself is dropped.
 */
export const maxAgeParameter = 'latchkey_max_age'

export function decideAuthorizationRequest(
  snapshot: UserPoolSnapshot,
  query: URLSearchParams,
): AuthorizationRequestDecision {
  if (query.size > maximumParameters || query.toString().length > maximumQueryLength) {
    return { kind: 'page', error: 'invalid_request' }
  }
  const clientIds = query.getAll('client_id')
  const [clientId] = clientIds
  if (clientId === undefined || clientIds.length > 1) return { kind: 'page', error: 'invalid_request' }
  const appClient = snapshot.appClients.get(clientId)
  if (appClient === undefined) return { kind: 'page', error: 'unknown_client' }
  const redirectUri = isForAccount(appClient, query)
    ? accountUri
    : chooseRedirectUri(appClient, query.getAll('redirect_uri'))
  if (redirectUri === undefined) return { kind: 'page', error: 'redirect_mismatch', clientId }

  const scopes = scopesOf(snapshot, appClient, redirectUri, query)
  const fault =
    formFault(query) ??
    responseFault(appClient, redirectUri, query) ??
    providerFault(snapshot, appClient, query) ??
    (scopes.ok ? undefined : { error: 'invalid_scope', description: scopes.reason }) ??
    resourceFault(query) ??
    maxAgeFault(query)
  // No app asked for it, so a person is told.
  if (fault !== undefined && redirectUri === accountUri) return { kind: 'page', error: 'invalid_request', clientId }
  if (fault !== undefined) return { kind: 'answer', answer: errorAnswer(snapshot, redirectUri, query, fault) }

  const parameters = new URLSearchParams(query)
  const maxAge = query.get('max_age') ?? ''
  parameters.delete('max_age')
  parameters.delete(maxAgeParameter)
  if (maxAge !== '') parameters.set(maxAgeParameter, maxAge)
  const acrValues = acrValuesOf(query)
  if (acrValues !== undefined) parameters.set('acr_values', acrValues)
  parameters.set('redirect_uri', redirectUri)
  parameters.set('scope', scopes.ok ? scopes.scopes.join(' ') : '')
  const { response_type: type, response_mode: mode } = engineResponse(
    typeOf(query) ?? 'code',
    modeOf(redirectUri, query),
  )
  parameters.set('response_type', type)
  parameters.set('response_mode', mode)
  return { kind: 'proceed', parameters }
}

/**
 * What `claims` asks of `acr` (OpenID Connect Core §5.5.1.1) counts as `acr_values` do; of the rest of it nothing is read, and
 * nothing that is not understood is an error.
 */
function acrValuesOf(query: URLSearchParams): string | undefined {
  const asked = acrOfClaims.safeParse(jsonOf(query.get('claims') ?? ''))
  if (!asked.success) return undefined
  const { value, values = [] } = asked.data.id_token.acr
  return [query.get('acr_values') ?? '', value ?? '', ...values].filter((name) => name !== '').join(' ') || undefined
}

const name = z.string().regex(/^[\x21-\x7e]{1,64}$/)
const acrOfClaims = z.object({
  id_token: z.object({ acr: z.object({ value: name.optional(), values: z.array(name).max(20).optional() }) }),
})

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Each of the two goes with the other only. */
const isForAccount = (appClient: AppClient, query: URLSearchParams): boolean =>
  single(query, 'redirect_uri') === accountUri && typeOf(query) === 'none' && mayOpenAccount(appClient)

/** The account's pages get no token, and so no scope; the engine refuses a request that is granted none. */
const scopesOf = (
  { resourceServers }: UserPoolSnapshot,
  appClient: AppClient,
  redirectUri: string,
  query: URLSearchParams,
): ReturnType<typeof decideScopes> =>
  redirectUri === accountUri
    ? { ok: true, scopes: ['openid'] }
    : decideScopes(appClient, resourceServers, query.get('scope') ?? undefined, 'code')

interface Fault {
  error: string
  description: string
}

function formFault(query: URLSearchParams): Fault | undefined {
  const repeated = [...query.keys()].some((name) => query.getAll(name).length > 1)
  if (repeated) return { error: 'invalid_request', description: 'a parameter is repeated' }
  // PostgreSQL can store none in text or JSON.
  if ([...query].flat().some((text) => text.includes('\0'))) {
    return { error: 'invalid_request', description: 'a parameter holds a zero byte' }
  }
  return undefined
}

function responseFault(appClient: AppClient, redirectUri: string, query: URLSearchParams): Fault | undefined {
  if ((query.get('response_type') ?? '') === '') {
    return { error: 'invalid_request', description: 'response_type is missing' }
  }
  const type = typeOf(query)
  if (type === undefined || (type === 'none') !== (redirectUri === accountUri)) {
    return { error: 'unsupported_response_type', description: 'response_type is neither code nor token' }
  }
  if (type !== 'none' && !appClient.allowedOAuthFlows.includes(type === 'code' ? 'code' : 'implicit')) {
    const flow = type === 'code' ? 'authorization code' : 'implicit'
    return { error: 'unauthorized_client', description: `the ${flow} flow is not enabled for this client` }
  }
  const mode = query.get('response_mode') ?? ''
  if (mode === '' || modeOf(redirectUri, query) === mode) return undefined
  return {
    error: 'invalid_request',
    description: isResponseMode(mode)
      ? 'response_mode does not suit the response_type or the redirect_uri'
      : 'response_mode is not supported',
  }
}

/** Cognito skips its page for a named provider; one that is not there cannot be skipped to. */
function providerFault(
  { userPool }: UserPoolSnapshot,
  appClient: AppClient,
  query: URLSearchParams,
): Fault | undefined {
  const { identity_provider, idp_identifier } = Object.fromEntries(query)
  if (isAvailableProvider(userPool, appClient, { identity_provider, idp_identifier })) return undefined
  const named = (idp_identifier ?? '') === '' ? 'identity_provider' : 'idp_identifier'
  return { error: 'invalid_request', description: `${named} is not one of this client` }
}

function resourceFault(query: URLSearchParams): Fault | undefined {
  const resource = query.get('resource') ?? ''
  if (resource === '' || isResource(resource)) return undefined
  return { error: 'invalid_target', description: 'resource must be an absolute URL' }
}

/** OIDC Core §3.1.2.1 */
const maxAgeFault = (query: URLSearchParams): Fault | undefined =>
  /^\d*$/.test(query.get('max_age') ?? '')
    ? undefined
    : { error: 'invalid_request', description: 'max_age must be a whole number of seconds' }

/** As sent, if registered; left out, the client's default or its only one. */
function chooseRedirectUri(appClient: AppClient, sent: readonly string[]): string | undefined {
  const [redirectUri] = sent
  if (sent.length > 1) return undefined
  if (redirectUri !== undefined && redirectUri !== '') {
    return isRegisteredUri(appClient.callbackUrls, redirectUri) ? redirectUri : undefined
  }
  return appClient.defaultRedirectUri ?? (appClient.callbackUrls.length === 1 ? appClient.callbackUrls[0] : undefined)
}

/** RFC 8707 §2 and Cognito: an absolute URL without a fragment; it becomes the access token's `aud`, as it stands. */
const isResource = (resource: string): boolean =>
  /^[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/.test(resource) && (URL.parse(resource)?.host ?? '') !== ''

/** Cognito knows these two; what is asked for in other letters or twice is not one of them. */
function typeOf(query: URLSearchParams): ResponseType | undefined {
  const type = single(query, 'response_type')
  return type === 'code' || type === 'token' || type === 'none' ? type : undefined
}

/** The mode asked for where it is one and fits; otherwise the one that goes with the response type. */
function modeOf(redirectUri: string, query: URLSearchParams): ResponseMode {
  if (typeOf(query) === 'none') return defaultModes.none
  const inFragment = (single(query, 'response_type') ?? '').split(' ').some((type) => /^(id_)?token$/.test(type))
  const usual = defaultModes[inFragment ? 'token' : 'code']
  const mode = single(query, 'response_mode') ?? ''
  if (!isResponseMode(mode)) return usual
  if (mode === 'query' && inFragment) return usual
  // No browser posts a form to an app's own scheme.
  return mode === 'form_post' && !/^https?:/.test(redirectUri) ? usual : mode
}

/** RFC 6749 §4.1.2.1, with `iss` (RFC 9207). */
function errorAnswer(
  snapshot: UserPoolSnapshot,
  redirectUri: string,
  query: URLSearchParams,
  { error, description }: Fault,
): AuthorizationAnswer {
  const state = single(query, 'state') ?? ''
  const parameters = {
    error,
    error_description: description,
    ...(state === '' ? {} : { state }),
    iss: snapshot.userPool.issuer,
  }
  return { mode: modeOf(redirectUri, query), redirectUri, parameters }
}

const single = (query: URLSearchParams, name: string): string | undefined => {
  const [value, ...more] = query.getAll(name)
  return more.length === 0 ? value : undefined
}
