import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, decode, requestTokens } from '../support/relying-party.ts'
import { configurationOf, createBrowser, poolId, secret, startPool, userInfo } from './pool.ts'
import type { ConformancePool } from './pool.ts'

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({ clients: { half: { ClientSecret: secret, AllowedOAuthFlows: ['implicit'] } } }),
  })
})
afterAll(() => pool.stop())

const post = (body: string | URLSearchParams, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${pool.base}/oauth2/token`, { method: 'POST', headers, body })

const form = 'application/x-www-form-urlencoded'

async function expectJsonError(response: Response, status: number, error: string): Promise<void> {
  const body = (await response.json()) as Record<string, string>
  expect([response.status, body['error']]).toEqual([status, error])
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(body['error_message']).toBe(body['error_description'])
  expect(Object.keys(body).filter((name) => !name.startsWith('error'))).toEqual([])
}

describe('a request for tokens', () => {
  test.each([
    ['JSON', '{"grant_type":"client_credentials"}', 'application/json'],
    ['plain text', 'grant_type=client_credentials', 'text/plain'],
    ['multipart', '--x--', 'multipart/form-data; boundary=x'],
    ['XML', '<a/>', 'application/xml'],
  ])('as %s is refused', async (_what, body, type) => {
    await expectJsonError(await post(body, { 'content-type': type }), 400, 'invalid_request')
  })

  test.each([
    ['nothing', ''],
    ['no grant type', 'client_id=app'],
    ['an empty grant type', 'client_id=app&grant_type='],
    ['no client', 'grant_type=authorization_code&code=x'],
    ['no code', 'client_id=app&grant_type=authorization_code'],
    ['an empty code', 'client_id=app&grant_type=authorization_code&code='],
    ['no refresh token', 'client_id=app&grant_type=refresh_token'],
    ['two grant types', 'client_id=app&grant_type=refresh_token&grant_type=authorization_code&code=x'],
    ['two clients', 'client_id=app&client_id=second&grant_type=authorization_code&code=x'],
    ['the same client twice', 'client_id=app&client_id=app&grant_type=authorization_code&code=x'],
    ['two codes', 'client_id=app&grant_type=authorization_code&code=x&code=y'],
    ['two verifiers', 'client_id=app&grant_type=authorization_code&code=x&code_verifier=x&code_verifier=y'],
    ['two redirect URIs', 'client_id=app&grant_type=authorization_code&code=x&redirect_uri=x&redirect_uri=y'],
    ['two refresh tokens', 'client_id=app&grant_type=refresh_token&refresh_token=x&refresh_token=y'],
    ['two scopes', 'client_id=app&grant_type=refresh_token&refresh_token=x&scope=openid&scope=openid'],
    ['parameters as an array', 'client_id[]=app&grant_type[]=authorization_code&code[]=x'],
    ['a body that is too large', `client_id=app&grant_type=authorization_code&code=${'x'.repeat(70_000)}`],
  ])('with %s is an invalid_request', async (_what, body) => {
    await expectJsonError(await post(body, { 'content-type': form }), 400, 'invalid_request')
  })

  test.each([
    'password',
    'implicit',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'AUTHORIZATION_CODE',
    'authorization_code ',
    '__proto__',
    'constructor',
    '<script>',
    'x'.repeat(10_000),
  ])('of the grant type %.60s is unsupported', async (grantType) => {
    const body = new URLSearchParams({ client_id: 'app', grant_type: grantType, username: 'ana', password: 'x' })
    await expectJsonError(await post(body), 400, 'unsupported_grant_type')
  })

  test.each([
    ['app', 'client_credentials'],
    ['backend', 'client_credentials'],
    ['machine', 'authorization_code'],
    ['machine', 'refresh_token'],
    ['half', 'authorization_code'],
    ['half', 'refresh_token'],
  ])('by %s of %s, which is not the client’s, is unauthorized_client', async (clientId, grantType) => {
    const body = { client_id: clientId, grant_type: grantType, code: 'x', refresh_token: 'x' }
    const form = new URLSearchParams(clientId === 'app' ? body : { ...body, client_secret: secret })
    await expectJsonError(await post(form), 400, 'unauthorized_client')
  })

  test('of a browser that prefers HTML is answered with JSON all the same', async () => {
    for (const path of ['/oauth2/token', '/oauth2/TOKEN', '/oauth2/token/']) {
      const headers = { 'content-type': form, accept: 'text/html' }
      const response = await fetch(pool.base + path, { method: 'POST', headers, body: 'client_id=app' })
      await expectJsonError(response, 400, 'invalid_request')
    }
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('by %s is refused', async (method) => {
    const response = await fetch(`${pool.base}/oauth2/token?grant_type=client_credentials`, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toContain('POST')
  })

  test('has no parameters in its address', async () => {
    const query = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'machine', client_secret: secret })
    const response = await fetch(`${pool.base}/oauth2/token?${query.toString()}`, { method: 'POST' })
    expect(response.status).toBe(400)
  })

  test('may say its charset', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials' }).toString()
    const headers = { 'content-type': `${form}; charset=UTF-8`, authorization: basic('machine', secret) }
    expect((await post(body, headers)).status).toBe(200)
  })
})

describe('CORS', () => {
  const paths = ['/oauth2/token', '/oauth2/userInfo', '/oauth2/revoke']

  test.each(paths)('%s answers the preflight of a registered origin only', async (path) => {
    const headers = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }
    const ask = (origin: string): Promise<Response> =>
      fetch(pool.base + path, { method: 'OPTIONS', headers: { ...headers, origin } })
    const ours = await ask('https://app.example.com')
    expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example.com'])
    expect(ours.headers.get('access-control-allow-headers')).toContain('authorization')
    for (const origin of [
      'https://evil.example',
      'https://app.example.com.evil.example',
      'null',
      'http://app.example.com',
    ]) {
      const theirs = await ask(origin)
      expect([origin, theirs.headers.get('access-control-allow-origin')]).toEqual([origin, null])
      expect(theirs.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })

  test('the answer is for the client’s own origins', async () => {
    const { accessToken, refreshToken } = await createBrowser(pool.base).signIn()
    const body = () =>
      new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken })
    const ours = await post(body(), { origin: 'https://app.example.com' })
    expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example.com'])
    expect(ours.headers.get('vary')).toMatch(/origin/i)
    for (const origin of ['https://evil.example', 'null']) {
      const theirs = await post(body(), { origin })
      expect([theirs.status, theirs.headers.get('access-control-allow-origin')]).toEqual([400, null])
      const info = await userInfo(pool.base, accessToken, { headers: { origin } })
      expect([info.status, info.headers.get('access-control-allow-origin')]).toEqual([403, null])
      const revoked = await fetch(`${pool.base}/oauth2/revoke`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({ client_id: 'app', token: refreshToken }),
      })
      expect([revoked.status, revoked.headers.get('access-control-allow-origin')]).toEqual([403, null])
    }
    expect((await post(body())).status).toBe(200)
  })

  test('an error can be read by the client’s own origin', async () => {
    const response = await post('client_id=app&grant_type=refresh_token&refresh_token=x', {
      'content-type': form,
      origin: 'https://app.example.com',
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    await expectJsonError(response, 400, 'invalid_grant')
  })
})

describe('client credentials', () => {
  const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: secret }

  test('give an access token of the client itself, and nothing else', async () => {
    const { status, body } = await requestTokens(pool.base, { ...machine, scope: 'api/read' })
    expect(status).toBe(200)
    const { access_token: token, ...rest } = body
    expect(rest).toEqual({ expires_in: 3600, token_type: 'Bearer', scope: 'api/read' })
    const now = Math.floor(Date.now() / 1000)
    const claims = decode(token)
    expect(claims).toEqual({
      sub: 'machine',
      token_use: 'access',
      scope: 'api/read',
      auth_time: claims['iat'],
      iss: pool.issuer,
      exp: Number(claims['iat']) + 3600,
      iat: expect.any(Number) as number,
      version: 2,
      jti: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      client_id: 'machine',
    })
    expect(Math.abs(Number(claims['iat']) - now)).toBeLessThan(5)
  })

  test('have all of the client’s scopes where none was asked for', async () => {
    expect((await requestTokens(pool.base, machine)).body.scope).toBe('api/read api/write')
  })

  test.each(['openid', 'email', 'api/nonsense', 'aws.cognito.signin.user.admin', 'api/read openid', '"'])(
    'have no scope %s',
    async (scope) => {
      const body = new URLSearchParams({ ...machine, scope })
      await expectJsonError(await post(body), 400, 'invalid_scope')
    },
  )

  test('do not speak for a person', async () => {
    const { body } = await requestTokens(pool.base, machine)
    expect((await userInfo(pool.base, body.access_token ?? '')).status).toBe(401)
  })

  test('of a client that is deleted are refused', async () => {
    const { store } = pool.domain
    await store.settings.saveAppClient(
      { userPoolId: poolId, id: 'short', name: 'short', settings: { AllowedOAuthFlows: ['code'] } },
      new Date(),
    )
    await pool.services.directory.refresh()
    const ask = () => requestTokens(pool.base, { grant_type: 'refresh_token', client_id: 'short', refresh_token: 'x' })
    expect((await ask()).body.error).toBe('invalid_grant')
    await store.settings.deleteAppClient(poolId, 'short')
    await pool.services.directory.refresh()
    expect((await ask()).body.error).toBe('invalid_client')
  })
})
