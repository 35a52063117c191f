import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { authorizationRequest, basic, decode, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, configurationOf, createBrowser, password, refresh, secret, startPool, userInfo } from './pool.ts'
import type { ConformancePool, Tokens } from './pool.ts'

/* What an app client's settings do to its tokens and pages (reference: hosted UI §11 and §13). */

const standard = { AccessTokenFormat: 'RFC9068' }
const legacy = { PreventUserExistenceErrors: 'LEGACY' }

const clients = {
  standard,
  standardMachine: {
    ...standard,
    ClientSecret: secret,
    AllowedOAuthFlows: ['client_credentials'],
    AllowedOAuthScopes: ['api/read', 'orders/place'],
  },
  standardIrrevocable: { ...standard, EnableTokenRevocation: false },
  legacy,
  writer: { WriteAttributes: ['email', 'given_name'] },
  quick: {
    AccessTokenValidity: 300,
    IdTokenValidity: 5,
    RefreshTokenValidity: 1,
    TokenValidityUnits: { AccessToken: 'seconds', IdToken: 'minutes', RefreshToken: 'hours' },
    AuthSessionValidity: 3,
  },
  slow: {
    AccessTokenValidity: 1,
    IdTokenValidity: 24,
    RefreshTokenValidity: 3650,
    TokenValidityUnits: { AccessToken: 'days', IdToken: 'hours', RefreshToken: 'days' },
    AuthSessionValidity: 15,
  },
  defaulted: {
    CallbackURLs: ['https://app.example.com/other', callback],
    DefaultRedirectURI: callback,
    RequirePkce: false,
  },
}

let pool: ConformancePool
beforeAll(async () => {
  const api = { Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }, { ScopeName: 'write' }] }
  const orders = { Identifier: 'orders', Name: 'Orders', Scopes: [{ ScopeName: 'place' }] }
  const file = configurationOf({
    clients,
    pool: {
      ResourceServers: [api, orders],
      AutoVerifiedAttributes: ['email'],
      AliasAttributes: ['preferred_username'],
      Schema: [
        { Name: 'tier' },
        { Name: 'email', Required: true },
        { Name: 'given_name', Required: true },
        { Name: 'phone_number' },
      ],
    },
  })
  const [main] = (JSON.parse(file) as { UserPools: object[] }).UserPools
  pool = await startPool({ configuration: JSON.stringify({ UserPools: [main] }) })
})
afterAll(() => pool.stop())
afterEach(() => {
  pool.clock.ahead = 0
})

const header = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

const signIn = (clientId: string, parameters: Record<string, string | undefined> = {}): Promise<Tokens> =>
  createBrowser(pool.base).signIn({ client_id: clientId, ...parameters })

describe('AccessTokenFormat RFC9068', () => {
  /** As a resource server does it that knows nothing of Cognito. */
  const verify = async (token: string, audience: string) => {
    const keys = createRemoteJWKSet(new URL(`${pool.issuer}/.well-known/jwks.json`))
    const options = { issuer: pool.issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] }
    const required = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']
    return (await jwtVerify(token, keys, { ...options, requiredClaims: required })).payload
  }

  test('gives access tokens of the standard form, with Cognito’s claims beside it', async () => {
    const { accessToken, idToken } = await signIn('standard', { scope: 'openid email' })
    expect(header(accessToken)).toEqual({ typ: 'at+jwt', alg: 'RS256', kid: expect.any(String) as string })
    const claims = await verify(accessToken, pool.issuer)
    expect(claims).toMatchObject({
      aud: pool.issuer,
      client_id: 'standard',
      scope: 'openid email',
      sub: decode(idToken)['sub'],
      auth_time: decode(idToken)['auth_time'],
      token_use: 'access',
      username: 'ana',
      'cognito:groups': ['admins', 'users'],
      origin_jti: decode(idToken)['origin_jti'],
    })
    expect(header(idToken)).toEqual({ alg: 'RS256', kid: expect.any(String) as string })
    expect(decode(idToken)['aud']).toBe('standard')
  })

  test.each([
    ['openid api/read', 'https://issuer', 'api'],
    ['api/read api/write', 'api'],
    ['openid aws.cognito.signin.user.admin', 'https://issuer'],
  ])('whom the token is for follows from the scope %s', async (scope, ...audiences) => {
    const nonce = scope.includes('openid') ? {} : { nonce: undefined }
    const { accessToken } = await signIn('standard', { scope, ...nonce })
    const wanted = audiences.map((audience) => (audience === 'https://issuer' ? pool.issuer : audience))
    expect(decode(accessToken)['aud']).toEqual(wanted.length === 1 ? wanted[0] : wanted)
  })

  test('or it is the resource that was asked for, alone', async () => {
    const resource = 'https://api.example.com/v1'
    const { accessToken } = await signIn('standard', { resource })
    expect((await verify(accessToken, resource))['aud']).toBe(resource)
  })

  test('the client’s own tokens have it too', async () => {
    const { body } = await requestTokens(
      pool.base,
      { grant_type: 'client_credentials' },
      { authorization: basic('standardMachine', secret) },
    )
    const claims = await verify(body.access_token ?? '', 'orders')
    expect(claims).toMatchObject({ aud: ['api', 'orders'], sub: 'standardMachine', scope: 'api/read orders/place' })
  })

  test('lasts over a refresh, opens userInfo, and ends with its family', async () => {
    const { refreshToken, accessToken } = await signIn('standard')
    const { body } = await refresh(pool.base, refreshToken, { client_id: 'standard' })
    expect(header(body.access_token ?? '')).toMatchObject({ typ: 'at+jwt' })
    const info = () => Promise.all([accessToken, body.access_token ?? ''].map((token) => userInfo(pool.base, token)))
    expect((await info()).map(({ status }) => status)).toEqual([200, 200])
    const revoke = (token: string) =>
      fetch(`${pool.base}/oauth2/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'standard', token }),
      })
    expect(await (await revoke(accessToken)).json()).toEqual({ error: 'unsupported_token_type' })
    expect((await revoke(refreshToken)).status).toBe(200)
    expect((await info()).map(({ status }) => status)).toEqual([401, 401])
  })

  test('is not the default', async () => {
    const { accessToken } = await signIn('app')
    expect(header(accessToken)).not.toHaveProperty('typ')
    expect(decode(accessToken)).not.toHaveProperty('aud')
    await expect(verify(accessToken, pool.issuer)).rejects.toThrow('typ')
  })
})

describe('EnableTokenRevocation false', () => {
  test('leaves out the claims by which a token could be revoked', async () => {
    const { accessToken, idToken } = await signIn('irrevocable')
    for (const token of [accessToken, idToken]) {
      expect(decode(token)).not.toHaveProperty('origin_jti')
      expect(decode(token)).not.toHaveProperty('jti')
    }
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
  })

  test('but for the jti that RFC 9068 wants', async () => {
    const { accessToken, idToken } = await signIn('standardIrrevocable')
    expect(decode(accessToken)).toHaveProperty('jti')
    expect(decode(accessToken)).not.toHaveProperty('origin_jti')
    expect(decode(idToken)).not.toHaveProperty('jti')
  })
})

describe('validities', () => {
  const life = (token: string): number => Number(decode(token)['exp']) - Number(decode(token)['iat'])

  test.each([
    ['quick', 300, 300, 3600],
    ['slow', 86_400, 86_400, 3650 * 86_400],
  ])('of the client %s are those of its units', async (clientId, access, id, refreshable) => {
    const { accessToken, idToken, refreshToken, body } = await signIn(clientId)
    expect([life(accessToken), life(idToken), body.expires_in]).toEqual([access, id, access])
    pool.clock.ahead = access - 10
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    pool.clock.ahead = access + 2
    expect((await userInfo(pool.base, accessToken)).status).toBe(401)
    pool.clock.ahead = refreshable - 10
    expect((await refresh(pool.base, refreshToken, { client_id: clientId })).status).toBe(200)
    pool.clock.ahead = refreshable + 2
    expect((await refresh(pool.base, refreshToken, { client_id: clientId })).body.error).toBe('invalid_grant')
  })

  test.each([
    ['quick', 170, 'done'],
    ['quick', 185, 'expired'],
    ['slow', 890, 'done'],
    ['slow', 905, 'expired'],
  ])('AuthSessionValidity of %s: the temporary password’s page after %i s is %s', async (clientId, seconds, fate) => {
    const { userPool } = await pool.snapshot()
    const username = `temp${clientId}${seconds}`
    const attributes = { email: `${username}@example.org`, given_name: 'Temp' }
    const made = await createUser(pool.domain, { userPool, username, attributes, password, permanent: false })
    expect(made.kind).toBe('done')
    const agent = createUserAgent(pool.base)
    const request = authorizationRequest(pool.base, { client_id: clientId, redirect_uri: callback })
    const page = await (await agent.visit(request.url)).submit({ username, password })
    expect(page.url.pathname).toMatch(/newPassword|changePassword/i)
    pool.clock.ahead = seconds
    const after = await page.submit({ password: 'Another-1853' })
    expect(after.url.searchParams.has('code')).toBe(fate === 'done')
  })
})

describe('PreventUserExistenceErrors', () => {
  const loginPage = (clientId: string): Promise<VisitedPage> => {
    const request = authorizationRequest(pool.base, { client_id: clientId, redirect_uri: callback })
    return createUserAgent(pool.base).visit(request.url)
  }
  const enter = async (clientId: string, username: string, typed = 'Wrong-1852') =>
    (await loginPage(clientId)).submit({ username, password: typed })
  const forget = async (clientId: string, username: string) =>
    (await (await loginPage(clientId)).follow('Forgot')).submit({ username })

  test('LEGACY tells on the login page who does not exist', async () => {
    const unknown = await enter('legacy', 'nobody')
    expect(unknown.text).toContain('User does not exist.')
    expect(unknown.field('username')).toBe('nobody')
    expect((await enter('legacy', 'ana')).text).toContain('Incorrect username or password.')
    expect((await enter('legacy', 'ana', password)).url.searchParams.has('code')).toBe(true)
  })

  test('LEGACY tells who has no account to recover, or no address', async () => {
    const unknown = await forget('legacy', 'nobody')
    expect(unknown.text).toContain('Username/client id combination not found.')
    const { userPool } = await pool.snapshot()
    // An address that nobody has proved is none to send to.
    const attributes = { email: 'mute@example.org', given_name: 'Mute' }
    const made = await createUser(pool.domain, { userPool, username: 'mute', attributes, password, permanent: true })
    expect(made.kind).toBe('done')
    expect((await forget('legacy', 'mute')).text).toContain('We can’t send a code for this account.')
    expect((await forget('legacy', 'ana')).field('code')).toBeDefined()
  })

  test('ENABLED tells neither', async () => {
    for (const username of ['nobody', 'ana']) {
      expect((await enter('app', username)).text).toContain('Incorrect username or password.')
      const page = await forget('app', username)
      expect(page.text).not.toContain('not found')
      expect(page.field('code')).toBeDefined()
    }
  })
})

describe('WriteAttributes', () => {
  const signUpPage = async (clientId: string): Promise<VisitedPage> => {
    const request = authorizationRequest(pool.base, { client_id: clientId, redirect_uri: callback })
    return (await createUserAgent(pool.base).visit(request.url)).follow('Create')
  }
  const fields = (page: VisitedPage): string[] =>
    ['email', 'given_name', 'preferred_username', 'phone_number', 'custom:tier'].filter(
      (name) => page.field(name) !== undefined,
    )

  test('are the fields of the sign-up page', async () => {
    expect(fields(await signUpPage('app'))).toEqual(['email', 'given_name', 'preferred_username'])
    expect(fields(await signUpPage('writer'))).toEqual(['email', 'given_name'])
  })

  test('what is sent beside them is not stored', async () => {
    const form = { username: 'crafty', password, email: 'crafty@example.org', given_name: 'Crafty' }
    const page = await (
      await signUpPage('writer')
    ).submit({
      ...form,
      preferred_username: 'boss',
      'custom:tier': 'gold',
      email_verified: 'true',
    })
    expect(page.heading).not.toContain('Create')
    const { userPool } = await pool.snapshot()
    const user = await pool.domain.store.users.findByIdentifier(userPool.id, 'crafty')
    expect(user?.attributes).toEqual({ email: 'crafty@example.org', given_name: 'Crafty' })
  })
})

test('DefaultRedirectURI is where a request leads that names none', async () => {
  const { answer, request } = await createBrowser(pool.base).authorize({
    client_id: 'defaulted',
    redirect_uri: undefined,
    code_challenge: undefined,
    code_challenge_method: undefined,
  })
  expect(answer.href.startsWith(`${callback}?`)).toBe(true)
  expect(answer.searchParams.get('state')).toBe(request.state)
  const form = { grant_type: 'authorization_code', client_id: 'defaulted', code: answer.searchParams.get('code') ?? '' }
  expect((await requestTokens(pool.base, { ...form, redirect_uri: callback })).status).toBe(200)
})
