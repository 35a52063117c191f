import { startServer } from '../../support/server.ts'
import type { TestServer, TestServerOptions } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { authorizationRequest, requestTokens } from '../../support/relying-party.ts'
import type { AuthorizationRequest, TokenResponse } from '../../support/relying-party.ts'
import { callback, goodPassword } from '../../support/visitor.ts'

/* A user pool with an app client of every kind, and what stands for an app and its users in the attacks. */

export const poolId = 'eu-west-1_email'
export const machineSecret = 'Machine-7Zp4Kq9Xw2Vn8Lr5'
export const home = 'https://app.example/'

const scopes = ['openid', 'email', 'phone', 'profile']
const client = (ClientId: string, more: object = {}): object => ({
  ClientId,
  CallbackURLs: [callback],
  LogoutURLs: [home],
  AllowedOAuthFlows: ['code'],
  AllowedOAuthScopes: scopes,
  ...more,
})

/** The client `email` is the one that `visitorOf` takes. */
export const attackedPool = (more: object = {}): object => ({
  Id: poolId,
  PoolName: 'email',
  Default: true,
  UsernameAttributes: ['email'],
  AutoVerifiedAttributes: ['email'],
  ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read', ScopeDescription: 'Read' }] }],
  Clients: [
    client('email'),
    client('partner', { ThirdParty: true }),
    client('implicit', { AllowedOAuthFlows: ['implicit', 'code'] }),
    client('machine', {
      ClientSecret: machineSecret,
      CallbackURLs: [],
      LogoutURLs: [],
      AllowedOAuthFlows: ['client_credentials'],
      AllowedOAuthScopes: ['api/read'],
    }),
  ],
  ...more,
})

export const startAttackedServer = (options: TestServerOptions = {}): Promise<TestServer> =>
  startServer({ configuration: JSON.stringify({ UserPools: [attackedPool()] }), ...options })

/** A browser that an app has sent to sign in. */
export interface Caller {
  agent: UserAgent
  request: AuthorizationRequest
  page: VisitedPage
}

export async function callerAt(
  base: string,
  parameters: Record<string, string | undefined> = {},
  agent = createUserAgent(new URL(base).origin),
): Promise<Caller> {
  const request = authorizationRequest(base, { client_id: 'email', redirect_uri: callback, ...parameters })
  return { agent, request, page: await agent.visit(request.url) }
}

export const signIn = (page: VisitedPage, username: string, password = goodPassword): Promise<VisitedPage> =>
  page.submit({ username, password })

/** The app redeems the code that it has been given. */
export const redeem = (base: string, { request }: Caller, app: VisitedPage): Promise<TokenResponse> =>
  requestTokens(base, {
    grant_type: 'authorization_code',
    client_id: new URL(request.url).searchParams.get('client_id') ?? '',
    code: app.url.searchParams.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: request.codeVerifier,
  })
