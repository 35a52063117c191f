import { authorizationRequest, requestTokens } from './relying-party.ts'
import type { AuthorizationRequest, TokenResponse } from './relying-party.ts'
import { startServer } from './server.ts'
import type { TestServer, TestServerOptions } from './server.ts'
import { createUserAgent } from './user-agent.ts'
import type { UserAgent, VisitedPage } from './user-agent.ts'

export const callback = 'https://app.example/callback'
export const goodPassword = 'Analytical-1843'

/** User pools of every kind, in one server. Each has one app client, named after it. */
const pools = {
  email: `
    Default: true
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]`,
  alias: `
    AliasAttributes: [email]
    AutoVerifiedAttributes: [email]`,
  phone: `
    UsernameAttributes: [phone_number]
    AutoVerifiedAttributes: [phone_number]`,
  profile: `
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Schema: [{ Name: given_name, Required: true }, { Name: birthdate, Required: true }, { Name: email, Required: true }]`,
  closed: `
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true }
    AccountRecoverySetting: { RecoveryMechanisms: [{ Name: admin_only, Priority: 1 }] }`,
}

export type PoolName = keyof typeof pools

export const userPoolId = (name: PoolName): string => `eu-west-1_${name}`

const configuration = `UserPools:${Object.entries(pools)
  .map(
    ([name, settings]) => `
  - Id: eu-west-1_${name}
    PoolName: ${name}${settings}
    Clients:
      - ClientId: ${name}
        CallbackURLs: ['${callback}']
        LogoutURLs: ['https://app.example/']
        AllowedOAuthFlows: [code]
        AllowedOAuthScopes: [openid, email, phone, profile]`,
  )
  .join('')}
`

export const startServerWithPools = (options: TestServerOptions): Promise<TestServer> =>
  startServer({ configuration, ...options })

/** A browser without script, sent to the sign-in page by the app of a user pool. */
export interface Visitor extends UserAgent {
  authorization: AuthorizationRequest
  /** The page that the app led to. */
  login: VisitedPage
  /** Where the pages of the user pool are: paths are appended to it. */
  base: string
  /** Exchanges the code that the app has been given. */
  tokensFrom(page: VisitedPage): Promise<TokenResponse>
}

export interface VisitOptions {
  parameters?: Record<string, string>
  browser?: UserAgent
}

export const visitorOf = (server: TestServer, pool: PoolName = 'email', options: VisitOptions = {}): Promise<Visitor> =>
  visitorAt(pool === 'email' ? server.publicUrl : `${server.publicUrl}/${userPoolId(pool)}`, pool, options)

/** @param base where the pages of the user pool are */
export async function visitorAt(base: string, clientId: string, options: VisitOptions = {}): Promise<Visitor> {
  const browser = options.browser ?? createUserAgent(new URL(base).origin)
  const parameters = { client_id: clientId, redirect_uri: callback, ...options.parameters }
  const authorization = authorizationRequest(base, parameters)
  return {
    ...browser,
    base,
    authorization,
    login: await browser.visit(authorization.url),
    tokensFrom: (page) =>
      requestTokens(base, {
        grant_type: 'authorization_code',
        client_id: clientId,
        code: page.url.searchParams.get('code') ?? '',
        redirect_uri: callback,
        code_verifier: authorization.codeVerifier,
      }),
  }
}

/** The browser has been sent to the app with a code, or to the app with an error, or it is still with us. */
export function whereItIs(page: VisitedPage): string {
  if (`${page.url.origin}${page.url.pathname}` !== callback) return page.heading
  return page.url.searchParams.has('code') ? 'the app' : `the app: ${page.url.searchParams.get('error')}`
}

/** A form's page as it would be for anybody: without what is random in it. */
export const withoutIds = (html: string): string =>
  html
    .replaceAll(/nonce="[^"]+"/g, 'nonce')
    .replaceAll(/name="(_csrf|flow)" value="[^"]+"/g, '$1')
    .replaceAll(/flow=[\w-]{43}/g, 'flow')
