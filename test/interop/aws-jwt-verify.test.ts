import { JwtVerifier } from 'aws-jwt-verify'
import { validateCognitoJwtFields } from 'aws-jwt-verify/cognito-verifier'
import type { JwtPayload } from 'aws-jwt-verify/jwt-model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { startTlsFront } from '../support/tls-front.ts'
import type { TlsFront } from '../support/tls-front.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'

/*
 * AWS's own verifier, with the checks that it makes of Cognito's tokens and our issuer (its CognitoJwtVerifier knows
 * AWS's issuers alone). It fetches keys over https only, so the server stands behind a TLS front, as in production.
 */

const poolId = 'eu-west-1_Verified1'
const callback = 'https://app.example.com/callback'
const password = 'Analytical-1843'

const configuration = JSON.stringify({
  UserPools: [
    {
      Id: poolId,
      PoolName: 'verified',
      Default: true,
      Groups: [{ GroupName: 'admins' }, { GroupName: 'users' }],
      Clients: [{ ClientId: 'app', CallbackURLs: [callback], LogoutURLs: ['https://app.example.com/'] }],
      Users: [{ Username: 'ana', Password: password, Groups: ['admins'] }],
    },
  ],
})

let front: TlsFront
let server: TestServer
let agent: UserAgent
beforeAll(async () => {
  front = await startTlsFront()
  server = await startServer({ configuration, environment: { publicUrl: front.origin } })
  front.forwardTo(server.port)
  agent = createUserAgent(front.origin)
})
afterAll(async () => {
  await front.stop()
  await server.stop()
})

interface SignedIn {
  idToken: string
  accessToken: string
  refreshToken: string
}

async function signIn(): Promise<SignedIn> {
  const request = authorizationRequest(front.origin, {
    client_id: 'app',
    redirect_uri: callback,
    scope: 'openid email',
  })
  const page = await agent.visit(request.url)
  const { url } = page.heading === 'Sign in' ? await page.submit({ username: 'ana', password }) : page
  const { status, body } = await requestTokens(front.origin, {
    grant_type: 'authorization_code',
    client_id: 'app',
    code: url.searchParams.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: request.codeVerifier,
  })
  expect(status).toBe(200)
  const { id_token: idToken = '', access_token: accessToken = '', refresh_token: refreshToken = '' } = body
  return { idToken, accessToken, refreshToken }
}

type CognitoChecks = Parameters<typeof validateCognitoJwtFields>[1]

/** What `CognitoJwtVerifier.create({ userPoolId, ...checks })` does, for our issuer. */
const verifier = (checks: CognitoChecks, issuer = `${front.origin}/${poolId}`) =>
  JwtVerifier.create({
    issuer,
    audience: null,
    customJwtCheck: ({ payload }: { payload: JwtPayload }) => validateCognitoJwtFields(payload, checks),
  })

describe('the verifier', () => {
  test('finds the keys at the issuer and takes both tokens for what they are', async () => {
    const { idToken, accessToken } = await signIn()
    const id = await verifier({ tokenUse: 'id', clientId: 'app', groups: 'admins' }).verify(idToken)
    expect(id).toMatchObject({ 'cognito:username': 'ana', aud: 'app', token_use: 'id', 'cognito:groups': ['admins'] })
    const access = await verifier({ tokenUse: 'access', clientId: ['other', 'app'] }).verify(accessToken)
    expect(access).toMatchObject({ client_id: 'app', username: 'ana', token_use: 'access' })
    for (const claims of [id, access]) {
      expect([typeof claims.jti, typeof claims['auth_time'], typeof claims['origin_jti']]).toEqual([
        'string',
        'number',
        'string',
      ])
    }
  })

  test('refuses one token for the other, another client, a group that is missing, another issuer', async () => {
    const { idToken, accessToken } = await signIn()
    const refused: [string, CognitoChecks, RegExp][] = [
      [idToken, { tokenUse: 'access', clientId: 'app' }, /Token use not allowed/],
      [accessToken, { tokenUse: 'id', clientId: 'app' }, /Token use not allowed/],
      [idToken, { tokenUse: 'id', clientId: 'other' }, /Client ID \(audience\) not allowed|audience/i],
      [accessToken, { tokenUse: 'access', clientId: 'other' }, /Client ID not allowed/],
      [accessToken, { tokenUse: 'access', clientId: 'app', groups: 'users' }, /group/i],
    ]
    for (const [token, checks, message] of refused) {
      await expect(verifier(checks).verify(token)).rejects.toThrow(message)
    }
    const elsewhere = verifier({ tokenUse: 'id', clientId: 'app' }, `${front.origin}/eu-west-1_Another01`)
    await expect(elsewhere.verify(idToken)).rejects.toThrow()
  })

  test('refuses a token that was changed', async () => {
    const { accessToken } = await signIn()
    const [head, , signature] = accessToken.split('.')
    const payload = Buffer.from(JSON.stringify({ ...decode(accessToken), username: 'eve' })).toString('base64url')
    const checks = { tokenUse: 'access', clientId: 'app' } as const
    await expect(verifier(checks).verify(`${head}.${payload}.${signature}`)).rejects.toThrow(/signature/i)
  })

  test('takes the tokens of a refresh', async () => {
    const { refreshToken } = await signIn()
    const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken }
    const { body } = await requestTokens(front.origin, form)
    await verifier({ tokenUse: 'id', clientId: 'app' }).verify(body.id_token ?? '')
    await verifier({ tokenUse: 'access', clientId: 'app' }).verify(body.access_token ?? '')
  })
})

describe('behind a TLS front', () => {
  test('the documents name https addresses that answer', async () => {
    const issuer = `${front.origin}/${poolId}`
    const response = await fetch(`${issuer}/.well-known/openid-configuration`)
    const document = (await response.json()) as Record<string, string>
    expect(document['issuer']).toBe(issuer)
    expect(document['jwks_uri']).toBe(`${issuer}/.well-known/jwks.json`)
    expect((await fetch(document['jwks_uri'] ?? '')).status).toBe(200)
    for (const name of ['authorization', 'token', 'userinfo', 'revocation', 'end_session']) {
      expect(document[`${name}_endpoint`]).toMatch(`${front.origin}/`)
    }
  })

  test('every answer tells browsers to stay on https', async () => {
    const tokens = await signIn()
    const paths = [
      `/${poolId}/.well-known/openid-configuration`,
      '/login',
      '/logout',
      '/oauth2/userInfo',
      '/oauth2/token',
    ]
    for (const path of paths) {
      const headers = { authorization: `Bearer ${tokens.accessToken}` }
      const response = await fetch(front.origin + path, path.endsWith('token') ? { method: 'POST' } : { headers })
      expect([path, response.headers.get('strict-transport-security')]).toEqual([path, 'max-age=31536000'])
    }
  })

  test('the cookies of a login are Secure, bound to the host, HttpOnly and SameSite', async () => {
    const { request } = createUserAgent(front.origin)
    const { url } = authorizationRequest(front.origin, { client_id: 'app', redirect_uri: callback })
    const setCookies = (await request(url)).headers.getSetCookie()
    const fresh = createUserAgent(front.origin)
    const page = await fresh.visit(url)
    await page.submit({ username: 'ana', password })
    const kinds = [...fresh.cookies.keys()]
    expect(kinds.every((name) => name.startsWith('__Host-lk_'))).toBe(true)
    expect(kinds.some((name) => name.startsWith('__Host-lk_session_'))).toBe(true)
    expect(setCookies.length).toBeGreaterThan(1)
    for (const line of setCookies) {
      expect(line).toMatch(/^__(Host|Secure)-lk_/)
      expect(line).toMatch(/; secure/i)
      expect(line).toMatch(/; httponly/i)
      expect(line).toMatch(/; samesite=lax/i)
      expect(line).not.toMatch(/domain=/i)
      if (line.startsWith('__Host-')) expect(line).toMatch(/; path=\/;/i)
    }
  })
})
