import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as client from 'openid-client'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'

/* openid-client 6 as relying parties use it: everything it needs to know comes from the issuer's address. */

const poolId = 'eu-west-1_Interop01'
const callback = 'https://app.example.com/callback'
const home = 'https://app.example.com/'
const secret = 'an-interop-secret:with/odd+characters%'
const password = 'Analytical-1843'

const shared = {
  CallbackURLs: [callback],
  LogoutURLs: [home],
  AllowedOAuthScopes: ['openid', 'email', 'profile', 'phone'],
}
const configuration = JSON.stringify({
  UserPools: [
    {
      Id: poolId,
      PoolName: 'interop',
      Default: true,
      UsernameAttributes: ['email'],
      ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }] }],
      Clients: [
        { ClientId: 'spa', ...shared },
        { ClientId: 'web', ClientSecret: secret, ...shared },
        { ClientId: 'rotating', ...shared, RefreshTokenRotation: { Feature: 'ENABLED' } },
        {
          ClientId: 'job',
          ClientSecret: secret,
          AllowedOAuthFlows: ['client_credentials'],
          AllowedOAuthScopes: ['api/read'],
        },
      ],
      Users: [
        { Username: 'ada@example.com', Password: password, Attributes: { email_verified: true, given_name: 'Ada' } },
      ],
    },
  ],
})

describe.each(databaseKinds)('openid-client on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ database, configuration })
  })
  afterAll(() => server.stop())

  const discover = (clientId: string, authentication?: client.ClientAuth): Promise<client.Configuration> =>
    client.discovery(new URL(`${server.publicUrl}/${poolId}`), clientId, undefined, authentication ?? client.None(), {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out: the server is on loopback
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    })

  /** The whole authorization code flow, with every check the library has. */
  async function signIn(config: client.Configuration, agent: UserAgent = createUserAgent(server.publicUrl)) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const expectedNonce = client.randomNonce()
    const expectedState = client.randomState()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid email profile',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      nonce: expectedNonce,
      state: expectedState,
      max_age: '3600',
    })
    const page = await agent.visit(url.href)
    const answer = page.heading === 'Sign in' ? await page.submit({ username: 'ada@example.com', password }) : page
    const checks = { pkceCodeVerifier, expectedNonce, expectedState, maxAge: 3600, idTokenExpected: true }
    return { answer: answer.url, checks, tokens: await client.authorizationCodeGrant(config, answer.url, checks) }
  }

  const authentications: [string, string, client.ClientAuth | undefined][] = [
    ['a public client', 'spa', undefined],
    ['a confidential client with Basic', 'web', client.ClientSecretBasic(secret)],
    ['a confidential client with its secret in the body', 'web', client.ClientSecretPost(secret)],
  ]

  test.each(authentications)(
    '%s signs in, asks who it is, refreshes, revokes and signs out',
    async (_what, id, how) => {
      const config = await discover(id, how)
      expect(config.serverMetadata().supportsPKCE()).toBe(true)
      const agent = createUserAgent(server.publicUrl)
      const { tokens } = await signIn(config, agent)
      const claims = tokens.claims()
      expect(claims).toMatchObject({ aud: id, email: 'ada@example.com', email_verified: true, given_name: 'Ada' })
      const sub = claims?.sub ?? ''
      const info = await client.fetchUserInfo(config, tokens.access_token, sub)
      expect(info).toMatchObject({ sub, email: 'ada@example.com', given_name: 'Ada' })

      const refreshToken = tokens.refresh_token ?? ''
      const refreshed = await client.refreshTokenGrant(config, refreshToken)
      expect(refreshed.claims()).toMatchObject({ sub, auth_time: claims?.auth_time })
      expect((await client.fetchUserInfo(config, refreshed.access_token, sub)).sub).toBe(sub)

      await client.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' })
      await expect(client.refreshTokenGrant(config, refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' })
      await expect(client.fetchUserInfo(config, refreshed.access_token, sub)).rejects.toMatchObject({ status: 401 })

      const out = client.buildEndSessionUrl(config, {
        post_logout_redirect_uri: home,
        id_token_hint: tokens.id_token ?? '',
        state: 'bye',
      })
      expect((await agent.visit(out.href)).url.href).toBe(`${home}?state=bye`)
      const silent = client.buildAuthorizationUrl(config, {
        redirect_uri: callback,
        scope: 'openid',
        prompt: 'none',
        code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
        code_challenge_method: 'S256',
      })
      const refused = client.authorizationCodeGrant(config, (await agent.visit(silent.href)).url)
      await expect(refused).rejects.toMatchObject({ error: 'login_required' })
    },
  )

  test('signing in again with the session alone', async () => {
    const config = await discover('spa')
    const agent = createUserAgent(server.publicUrl)
    const first = await signIn(config, agent)
    const second = await signIn(config, agent)
    expect(second.tokens.claims()?.sub).toBe(first.tokens.claims()?.sub)
  })

  test('refreshing with rotation', async () => {
    const config = await discover('rotating')
    const { tokens } = await signIn(config)
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    const after = await client.refreshTokenGrant(config, next.refresh_token ?? '')
    expect(after.claims()?.sub).toBe(tokens.claims()?.sub)
    const replay = client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    await expect(replay).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('the checks of the library bite: another state, nonce or verifier', async () => {
    const config = await discover('spa')
    const agent = createUserAgent(server.publicUrl)
    for (const wrong of [
      { expectedState: 'another' },
      { expectedNonce: 'another' },
      { pkceCodeVerifier: client.randomPKCECodeVerifier() },
    ]) {
      const { answer, checks } = await answerOf(config, agent)
      await expect(client.authorizationCodeGrant(config, answer, { ...checks, ...wrong })).rejects.toThrow()
    }
  })

  /** As `signIn`, with the code left to the caller. */
  async function answerOf(config: client.Configuration, agent: UserAgent) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      nonce: 'n',
      state: 's',
    })
    const page = await agent.visit(url.href)
    const answer = page.heading === 'Sign in' ? await page.submit({ username: 'ada@example.com', password }) : page
    return { answer: answer.url, checks: { pkceCodeVerifier, expectedNonce: 'n', expectedState: 's' } }
  }

  test.each([
    ['Basic', client.ClientSecretBasic(secret)],
    ['the secret in the body', client.ClientSecretPost(secret)],
  ])('client credentials with %s', async (_what, authentication) => {
    const config = await discover('job', authentication)
    const tokens = await client.clientCredentialsGrant(config, { scope: 'api/read' })
    expect([tokens.scope, tokens.expires_in]).toEqual(['api/read', 3600])
    const refused = client.clientCredentialsGrant(config, { scope: 'api/write' })
    await expect(refused).rejects.toMatchObject({ error: 'invalid_scope' })
  })

  test('a wrong secret', async () => {
    for (const [authentication, status] of [
      [client.ClientSecretBasic('wrong'), 401],
      [client.ClientSecretPost('wrong'), 400],
    ] as const) {
      const config = await discover('job', authentication)
      await expect(client.clientCredentialsGrant(config)).rejects.toThrow()
      const refused = client.clientCredentialsGrant(config, { scope: 'api/read' })
      await expect(refused).rejects.toMatchObject({ status })
    }
  })
})
