import pino from 'pino'
import { startServer } from '../support/server.ts'
import type { DatabaseKind, TestServer } from '../support/server.ts'
import type { Clock } from '../../src/platform/clock.ts'

/*
 * The server that is fuzzed: its environment and its configuration, in one place. Whatever refuses a client for asking too
 * often has to be turned off here, since a refusal hides what lies behind it.
 */

const environment = {}

export const callback = 'https://app.example/callback'
export const signedOut = 'https://app.example/'
const customCallback = 'com.example.app:/callback'

export const clientSecret = 'b4ckend+secret/with:odd%characters'
export const goodPassword = 'Analytical-1843'

/** The default pool, reached at the public URL itself; the others by path, and by a domain of its own. */
export const poolIds = { codes: 'eu-west-1_codes', links: 'eu-west-1_links', domain: 'eu-west-1_domain' } as const
export type PoolName = keyof typeof poolIds
export const ownDomain = 'login.fuzz.example'

/** App clients that every pool has. `web` is public; `shop` and `machine` have a secret; `partner` is somebody else's. */
export const clients = {
  web: { RefreshTokenRotation: { Feature: 'ENABLED' } },
  shop: {
    ClientSecret: clientSecret,
    RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 60 },
    RequirePkce: false,
  },
  partner: { ThirdParty: true, CallbackURLs: [callback, customCallback] },
  page: { AllowedOAuthFlows: ['implicit'] },
  machine: {
    ClientSecret: clientSecret,
    CallbackURLs: [],
    LogoutURLs: [],
    AllowedOAuthFlows: ['client_credentials'],
    AllowedOAuthScopes: ['api/read'],
  },
} as const

/** Wherever an answer may redirect to, other than to a path of ours. */
export const registeredUris = [callback, signedOut, customCallback]

const poolOf = (name: PoolName, settings: object) => ({
  Id: poolIds[name],
  PoolName: name,
  UsernameAttributes: ['email'],
  AutoVerifiedAttributes: ['email'],
  ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }] }],
  Clients: Object.entries(clients).map(([ClientId, own]) => ({
    ClientId,
    CallbackURLs: [callback],
    LogoutURLs: [signedOut],
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email', 'phone', 'profile', 'aws.cognito.signin.user.admin'],
    ...own,
  })),
  ...settings,
})

/** The demo is there with its client; where that leads to does not matter here. */
const demoClient = { ClientId: 'demo', CallbackURLs: ['http://localhost/demo/callback'] }

function configuration(): string {
  const codes = poolOf('codes', { Default: true, RememberMe: { MaxValidityMinutes: 43_200 } })
  const links = poolOf('links', { VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' } })
  const domain = poolOf('domain', { Domains: [ownDomain] })
  return JSON.stringify({ UserPools: [{ ...codes, Clients: [...codes.Clients, demoClient] }, links, domain] })
}

export interface ServerUnderTest extends TestServer {
  /** What it has logged as an error, in order; nothing that comes from outside may lead to one. */
  errors: string[]
}

export async function startServerUnderTest(database: DatabaseKind, clock?: Clock): Promise<ServerUnderTest> {
  const errors: string[] = []
  const log = pino({ level: 'error', base: null }, { write: (line) => void errors.push(line) })
  const options = { database, configuration: configuration(), environment, log }
  const server = await startServer(clock === undefined ? options : { ...options, clock })
  return { ...server, errors }
}
