import type { Clock } from '../../src/platform/clock.ts'
import type { DomainServices } from '../../src/domain/ports/services.ts'
import type { UserPoolSnapshot } from '../../src/domain/user-pools/user-pool-directory.ts'
import { startServer } from '../support/server.ts'
import type { TestServer, TestServerOptions } from '../support/server.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import type { AuthorizationRequest, TokenResponse } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'

/* One user pool with an app client of every kind, and a relying party that walks its protocol. */

export const poolId = 'eu-west-1_Conform01'
export const otherPoolId = 'eu-west-1_Conform02'
export const callback = 'https://app.example.com/callback'
export const password = 'Analytical-1843'
export const secret = 'b4ckend+secret/with:odd%characters'

/** Settings that every client of the configuration has unless it says otherwise. */
const clientDefaults = {
  CallbackURLs: [callback],
  LogoutURLs: ['https://app.example.com/'],
  AllowedOAuthFlows: ['code'],
  AllowedOAuthScopes: ['openid', 'email', 'phone', 'profile', 'aws.cognito.signin.user.admin', 'api/read', 'api/write'],
}

const resourceServers = [
  { Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }, { ScopeName: 'write' }, { ScopeName: 'unused' }] },
]

const machine = {
  CallbackURLs: [],
  LogoutURLs: [],
  AllowedOAuthFlows: ['client_credentials'],
  AllowedOAuthScopes: ['api/read', 'api/write'],
}

/** `app` is public, `backend` confidential, `machine` speaks for itself; the others differ from `app` by their names. */
export const clients: Readonly<Record<string, object>> = {
  app: {},
  backend: { ClientSecret: secret },
  machine: { ClientSecret: secret, ...machine },
  rotating: { RefreshTokenRotation: { Feature: 'ENABLED' } },
  graceful: { RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 60 } },
  irrevocable: { EnableTokenRevocation: false },
  reader: { ReadAttributes: ['email', 'email_verified', 'given_name', 'custom:tier'] },
}

export const ana = {
  Username: 'ana',
  Password: password,
  Attributes: {
    email: 'ana@example.org',
    email_verified: true,
    phone_number: '+15555550100',
    phone_number_verified: false,
    given_name: 'Ana',
    family_name: 'Example',
    address: '1 Main Street',
    updated_at: 1767225600,
    'custom:tier': 'gold',
  },
  Groups: ['users', 'admins'],
}

export const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`

const groups = [
  { GroupName: 'users', Precedence: 10, RoleArn: role('user') },
  { GroupName: 'admins', Precedence: 1, RoleArn: role('admin') },
]

/** JSON, which is YAML too. */
export function configurationOf(extra: { clients?: Readonly<Record<string, object>>; pool?: object } = {}): string {
  const appClients = Object.entries({ ...clients, ...extra.clients }).map(([ClientId, settings]) => ({
    ClientId,
    ...clientDefaults,
    ...settings,
  }))
  // Tables of hostile values are no attack on anybody: test/attacks shows what locks.
  const LockOut = { FirstLockingFailure: 100, MaximumSeconds: 60, FailuresPerDay: 10_000 }
  const base = { LockOut, Schema: [{ Name: 'tier' }], ResourceServers: resourceServers, Groups: groups, Users: [ana] }
  const main = { Id: poolId, PoolName: 'conformance', Default: true, ...base, Clients: appClients, ...extra.pool }
  const other = { Id: otherPoolId, PoolName: 'other', ...base, Clients: appClients }
  return JSON.stringify({ UserPools: [main, other] })
}

/** A clock that can be moved on; the server's database and tokens follow it. */
export interface MovableClock extends Clock {
  /** Seconds that it is ahead of the system's clock. */
  ahead: number
}

const createMovableClock = (): MovableClock => ({
  ahead: 0,
  now() {
    return new Date(Date.now() + this.ahead * 1000)
  },
})

export interface ConformancePool extends TestServer {
  clock: MovableClock
  /** Where the pool's endpoints are. */
  base: string
  issuer: string
  domain: DomainServices
  snapshot(): Promise<UserPoolSnapshot>
}

export async function startPool(options: TestServerOptions = {}): Promise<ConformancePool> {
  const clock = createMovableClock()
  const server = await startServer({ configuration: configurationOf(), clock, ...options })
  return {
    ...server,
    clock,
    base: server.publicUrl,
    issuer: `${server.publicUrl}/${poolId}`,
    domain: server.services.domain,
    async snapshot() {
      const snapshot = await server.services.directory.get(poolId)
      if (snapshot === undefined) throw new Error('the pool is gone')
      return snapshot
    },
  }
}

export interface Browser {
  agent: UserAgent
  /** Asks for a code, signing in where the login page comes, and returns the app's address with the answer. */
  authorize(parameters?: Record<string, string | undefined>): Promise<{ answer: URL; request: AuthorizationRequest }>
  /** The same, and redeems the code. */
  signIn(parameters?: Record<string, string | undefined>): Promise<Tokens>
}

export interface Tokens {
  accessToken: string
  idToken: string
  refreshToken: string
  request: AuthorizationRequest
  body: TokenResponse['body']
}

/** @param base where the endpoints are; a pool reached by path has its id there */
export function createBrowser(base: string, user: { username: string } = { username: ana.Username }): Browser {
  const agent = createUserAgent(new URL(base).origin)
  const logIn = (page: VisitedPage): Promise<VisitedPage> =>
    page.heading === 'Sign in' ? page.submit({ username: user.username, password }) : Promise.resolve(page)
  const authorize: Browser['authorize'] = async (parameters = {}) => {
    const request = authorizationRequest(base, { client_id: 'app', redirect_uri: callback, ...parameters })
    const page = await logIn(await agent.visit(request.url))
    if (page.status !== 0) throw new Error(`${page.url.href} answered ${page.status}: ${page.text}`)
    return { answer: page.url, request }
  }
  return {
    agent,
    authorize,
    async signIn(parameters) {
      const { answer, request } = await authorize(parameters)
      const form = codeForm(answer, request)
      const { status, body } = await requestTokens(base, form)
      if (status !== 200) throw new Error(`no tokens: ${JSON.stringify(body)}`)
      const { access_token: accessToken = '', id_token: idToken = '', refresh_token: refreshToken = '' } = body
      return { accessToken, idToken, refreshToken, request, body }
    },
  }
}

/** What the app sends to the token endpoint for the answer that it got. */
export function codeForm(answer: URL, request: AuthorizationRequest): Record<string, string> {
  const asked = new URL(request.url).searchParams
  const clientId = asked.get('client_id') ?? ''
  const code = answer.searchParams.get('code')
  if (code === null) throw new Error(`no code in ${answer.href}`)
  const settings = clients[clientId] as { ClientSecret?: string } | undefined
  return {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: asked.get('redirect_uri') ?? '',
    ...(asked.has('code_challenge') ? { code_verifier: request.codeVerifier } : {}),
    ...(settings?.ClientSecret === undefined ? {} : { client_secret: settings.ClientSecret }),
  }
}

export const refresh = (
  base: string,
  refreshToken: string,
  form: Record<string, string> = {},
): Promise<TokenResponse> =>
  requestTokens(base, { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'app', ...form })

export const userInfo = (
  base: string,
  accessToken: string,
  init: { method?: string; headers?: Record<string, string> } = {},
): Promise<Response> =>
  fetch(`${base}/oauth2/userInfo`, { ...init, headers: { authorization: `Bearer ${accessToken}`, ...init.headers } })
