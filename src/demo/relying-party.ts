import * as openid from 'openid-client'
import { addSeconds, type Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { decodeToken } from './decode-token.ts'
import { UntrustedAnswerError } from './relying-party-failure.ts'

/** What the relying party must remember between its authorization request and the answer. */
export interface PendingSignIn {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface TokenSet {
  readonly accessToken: string
  readonly accessTokenExpiresAt?: Date
  readonly idToken: string
  /** The validated claims of the ID token. */
  readonly claims: openid.IDToken
  readonly refreshToken?: string
}

/**
 * An OpenID Connect relying party: a public app client with PKCE. Every method throws openid-client's errors, or
 * `UntrustedAnswerError`; `attempt` turns both into something to show.
 */
export interface RelyingParty {
  /** A new authorization request (OpenID Connect Core §3.1.2.1). */
  start(prompt?: string): Promise<{ url: URL; pending: PendingSignIn }>
  /** Takes the authorization response's query, checks it, and exchanges the code (§3.1.2.5 to §3.1.3.7). */
  finish(query: string, pending: PendingSignIn): Promise<TokenSet>
  /** New tokens for the refresh token (§12). Throws when there is none. */
  refresh(tokens: TokenSet): Promise<TokenSet>
  /** The userInfo endpoint's answer, checked to speak of the same `sub` (§5.3). */
  userInfo(tokens: TokenSet): Promise<openid.UserInfoResponse>
  /** Where the browser goes to sign out at the server as well (OpenID Connect RP-Initiated Logout §2). */
  endSessionUrl(idToken: string): Promise<URL>
}

export interface RelyingPartyOptions {
  /** Asked at each use: the issuer of a pool made on localhost can still move. */
  readonly issuer: () => string
  readonly clientId: string
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
  readonly fetch: typeof fetch
  readonly random: Random
  readonly clock: Clock
}

const scope = 'openid email profile'

// Short enough that a domain given to the pool while someone tries the demo shows up soon.
const discoveryLifetimeSeconds = 60

// The server is this very process, or a neighbour of it.
const timeoutSeconds = 10

export function createRelyingParty(options: RelyingPartyOptions): RelyingParty {
  const { random, clock } = options
  const configuration = rememberedDiscovery(options)
  return {
    async start(prompt) {
      const config = await configuration()
      // 43 base64url characters: what RFC 7636 §4.1 asks of a verifier, and more than enough for the others.
      const pending = { state: random.handle(), nonce: random.handle(), codeVerifier: random.handle() }
      const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: options.redirectUri,
        scope,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: 'S256',
        ...(prompt === undefined ? {} : { prompt }),
      })
      return { url, pending }
    },
    async finish(query, pending) {
      // Built from the registered redirect URI, never from the request's Host header.
      const response = await openid.authorizationCodeGrant(
        await configuration(),
        new URL(`${options.redirectUri}?${query}`),
        {
          pkceCodeVerifier: pending.codeVerifier,
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          idTokenExpected: true,
        },
      )
      return tokenSet(response, clock)
    },
    async refresh(tokens) {
      if (tokens.refreshToken === undefined) throw new TypeError('There is no refresh token to use.')
      const response = await openid.refreshTokenGrant(await configuration(), tokens.refreshToken)
      return tokenSet(response, clock, tokens)
    },
    userInfo: async (tokens) => openid.fetchUserInfo(await configuration(), tokens.accessToken, tokens.claims.sub),
    async endSessionUrl(idToken) {
      return openid.buildEndSessionUrl(await configuration(), {
        post_logout_redirect_uri: options.postLogoutRedirectUri,
        id_token_hint: idToken,
      })
    },
  }
}

/** Discovery, remembered for a short time; a failed one is not remembered. */
function rememberedDiscovery(options: RelyingPartyOptions): () => Promise<openid.Configuration> {
  let known: { issuer: string; until: Date; config: Promise<openid.Configuration> } | undefined
  return () => {
    const issuer = options.issuer()
    const now = options.clock.now()
    if (known?.issuer === issuer && known.until > now) return known.config
    const config = discover(new URL(issuer), options)
    const entry = { issuer, until: addSeconds(now, discoveryLifetimeSeconds), config }
    known = entry
    config.catch(() => {
      if (known === entry) known = undefined
    })
    return config
  }
}

function discover(issuer: URL, options: RelyingPartyOptions): Promise<openid.Configuration> {
  // Without it, openid-client trusts TLS to the token endpoint and leaves the ID token's signature unread.
  const execute = [openid.enableNonRepudiationChecks]
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to warn; it stays on this machine
  if (isPlainLoopback(issuer)) execute.push(openid.allowInsecureRequests)
  return openid.discovery(issuer, options.clientId, undefined, openid.None(), {
    execute,
    timeout: timeoutSeconds,
    [openid.customFetch]: (url, init) => options.fetch(url, init as RequestInit),
  })
}

/** Plain http is for a server on this machine only: nobody listens in between. */
export function isPlainLoopback(url: URL): boolean {
  if (url.protocol !== 'http:') return false
  const host = url.hostname
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
  )
}

type TokenResponse = openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers

function tokenSet(response: TokenResponse, clock: Clock, earlier?: TokenSet): TokenSet {
  const claims = response.claims() ?? earlier?.claims
  const idToken = response.id_token ?? earlier?.idToken
  if (claims === undefined || idToken === undefined) {
    throw new UntrustedAnswerError('the answer has no ID token')
  }
  // OpenID Connect Core §12.2: a refreshed ID token must speak of the same user; openid-client does not compare them.
  if (earlier !== undefined && claims.sub !== earlier.claims.sub) {
    throw new UntrustedAnswerError('the refreshed ID token has another sub')
  }
  const expiresAt = accessTokenExpiry(response, clock)
  // RFC 6749 §6: the server may keep the refresh token as it is, and then need not send it again.
  const refreshToken = response.refresh_token ?? earlier?.refreshToken
  return {
    accessToken: response.access_token,
    ...(expiresAt === undefined ? {} : { accessTokenExpiresAt: expiresAt }),
    idToken,
    claims,
    ...(refreshToken === undefined ? {} : { refreshToken }),
  }
}

function accessTokenExpiry(response: TokenResponse, clock: Clock): Date | undefined {
  if (response.expires_in !== undefined) return addSeconds(clock.now(), response.expires_in)
  const exp = decodeToken(response.access_token)?.payload.exp
  return exp === undefined ? undefined : new Date(exp * 1000)
}
