import * as client from 'openid-client'
import { providerSecretPurpose } from '../domain/identity-providers/identity-provider.ts'
import type { IdentityProvider } from '../domain/identity-providers/identity-provider.ts'
import { ProviderFailure } from '../domain/ports/identity-provider-connector.ts'
import type {
  IdentityProviderConnector,
  ProviderAnswer,
  ProviderRequest,
} from '../domain/ports/identity-provider-connector.ts'
import { BoundedMap } from '../platform/bounded-map.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { guardedFetch } from './guarded-fetch.ts'

/*
 * Sign-in at OpenID Connect providers (Core §3.1, RFC 7636, RFC 9207). The protocol is openid-client's: issuer, audience, signature, time,
 * nonce and code challenge are checked there, the ID token's signature against the provider's keys even though it came by TLS.
 */

/** Cognito waits as long for each answer. */
const timeoutSeconds = 5
/** What a provider says of itself is asked for anew after this. */
const configurationSeconds = 600
const toleranceSeconds = 30
const maximumProviders = 500

interface Known {
  configuration: Promise<client.Configuration>
  until: Date
}

export function createOidcConnector(parts: {
  sealedBox: Pick<SealedBox, 'open'>
  clock: Clock
}): IdentityProviderConnector {
  const known = new BoundedMap<Known>(maximumProviders)
  const configurationOf = (provider: IdentityProvider): Promise<client.Configuration> => {
    // The sealed secret as well: a new one makes another client.
    const key = JSON.stringify(provider)
    const now = parts.clock.now()
    const found = known.get(key)
    if (found !== undefined && found.until > now) return found.configuration
    const configuration = configure(parts, provider)
    known.set(key, { configuration, until: new Date(now.getTime() + configurationSeconds * 1000) })
    configuration.catch(() => known.delete(key))
    return configuration
  }
  return {
    async begin(provider, request, { prompt, loginHint }) {
      const configuration = await translated(provider, configurationOf(provider))
      return client.buildAuthorizationUrl(configuration, {
        redirect_uri: request.redirectUri,
        scope: provider.scopes,
        state: request.state,
        nonce: request.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(request.codeVerifier),
        code_challenge_method: 'S256',
        ...(request.maxAge === undefined ? {} : { max_age: String(request.maxAge) }),
        ...(prompt === undefined ? {} : { prompt }),
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      }).href
    },
    async finish(provider, request, query) {
      const configuration = await translated(provider, configurationOf(provider))
      return translated(provider, exchange(provider, configuration, request, query))
    },
  }
}

async function configure(
  { sealedBox }: { sealedBox: Pick<SealedBox, 'open'> },
  provider: IdentityProvider,
): Promise<client.Configuration> {
  const { issuer, clientId, sealedClientSecret: sealed, endpoints, allowPrivateAddresses } = provider
  const metadata = { [client.clockTolerance]: toleranceSeconds }
  const secret = sealed === undefined ? undefined : sealedBox.open(sealed, providerSecretPurpose)
  const fetch = guardedFetch(allowPrivateAddresses)
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to warn; the operator has said so (AllowPrivateAddresses)
  const insecure = allowPrivateAddresses ? [client.allowInsecureRequests] : []
  const execute = [client.enableNonRepudiationChecks, ...insecure]
  if (endpoints === undefined) {
    const options = { [client.customFetch]: fetch, timeout: timeoutSeconds, execute }
    return client.discovery(new URL(issuer), clientId, metadata, authentication(secret), options)
  }
  const server = {
    issuer,
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
    jwks_uri: endpoints.jwks,
    ...(endpoints.userInfo === undefined ? {} : { userinfo_endpoint: endpoints.userInfo }),
  }
  const configuration = new client.Configuration(server, clientId, metadata, authentication(secret))
  configuration[client.customFetch] = fetch
  configuration.timeout = timeoutSeconds
  for (const apply of execute) apply(configuration)
  return configuration
}

/** As Cognito authenticates; a provider that says that it takes the other form only gets that. */
const authentication =
  (secret: string | undefined): client.ClientAuth =>
  (server, ...rest) => {
    if (secret === undefined) return client.None()(server, ...rest)
    const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_post']
    const form = supported.includes('client_secret_post') ? client.ClientSecretPost : client.ClientSecretBasic
    form(secret)(server, ...rest)
  }

async function exchange(
  provider: IdentityProvider,
  configuration: client.Configuration,
  request: ProviderRequest,
  query: URLSearchParams,
): Promise<ProviderAnswer> {
  const answered = new URL(`${request.redirectUri}?${query.toString()}`)
  const tokens = await client.authorizationCodeGrant(configuration, answered, {
    expectedState: request.state,
    expectedNonce: request.nonce,
    pkceCodeVerifier: request.codeVerifier,
    idTokenExpected: true,
    ...(request.maxAge === undefined ? {} : { maxAge: request.maxAge }),
  })
  const idToken = tokens.claims()
  if (idToken === undefined) throw new ProviderFailure('invalid', `${provider.name} has sent no ID token`)
  const { sub } = idToken
  // OpenID Connect Core §2: 255 ASCII characters at most.
  if (!/^[\x21-\x7e]{1,255}$/.test(sub))
    throw new ProviderFailure('invalid', `${provider.name} has sent a sub of no use`)
  const { access_token: accessToken, token_type, expires_in, scope } = tokens
  return {
    subject: sub,
    idToken: { ...idToken },
    userInfo: await userInfo(provider, configuration, accessToken, sub),
    tokenResponse: { token_type, expires_in, scope },
  }
}

async function userInfo(
  { userInfoMethod }: IdentityProvider,
  configuration: client.Configuration,
  accessToken: string,
  subject: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { userinfo_endpoint: endpoint } = configuration.serverMetadata()
  if (endpoint === undefined) return {}
  if (userInfoMethod === 'GET') return { ...(await client.fetchUserInfo(configuration, accessToken, subject)) }
  const response = await client.fetchProtectedResource(configuration, accessToken, new URL(endpoint), 'POST')
  const claims = (await response.json()) as Record<string, unknown>
  if (response.status !== 200 || claims['sub'] !== subject) {
    throw new ProviderFailure('invalid', 'the userInfo endpoint has answered about somebody else')
  }
  return claims
}

/** @throws ProviderFailure in place of whatever openid-client, or the connection below it, throws */
async function translated<Result>({ name }: IdentityProvider, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ProviderFailure) throw error
    if (error instanceof client.AuthorizationResponseError) {
      throw new ProviderFailure('denied', `${name} says ${printable(error.error)}`)
    }
    if (error instanceof client.ResponseBodyError) {
      throw new ProviderFailure(
        'away',
        `${name} Error - ${error.status} error getting token (${printable(error.error)})`,
      )
    }
    const { code, message, cause } = error as Error & { code?: string }
    // Of a connection that did not come about openid-client says no more than that.
    const reason = code ?? printable(cause instanceof Error ? cause.message : message)
    const kind = code !== undefined && invalidAnswers.test(code) ? 'invalid' : 'away'
    // What a library quotes may hold tokens: its code says enough.
    throw new ProviderFailure(kind, `${name}: ${reason}`, { cause: error })
  }
}

/** Of openid-client's errors; all others say that no answer came which could be read. */
const invalidAnswers = /^OAUTH_(?!TIMEOUT|ABORT|PARSE_ERROR|RESPONSE_IS_NOT|HTTP_REQUEST)/

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)
