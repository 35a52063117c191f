import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, decode, requestTokens } from '../support/relying-party.ts'
import { createBrowser, refresh, secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

/*
 * Parameters of /oauth2/token, /oauth2/revoke and /oauth2/userInfo that decide nothing, or not alone: hints, secrets, and
 * whatever else is sent. What decides is in endpoint-errors.
 */

let pool: ConformancePool
let browser: Browser
beforeAll(async () => {
  pool = await startPool()
  browser = createBrowser(pool.base)
  await browser.authorize()
})
afterAll(() => pool.stop())

const hostile: Readonly<Record<string, string>> = {
  nothing: '',
  blanks: '   ',
  'a zero byte': 'a\0b',
  'line breaks': 'a\r\nSet-Cookie: stolen=1',
  markup: '<script>alert(1)</script>',
  'other letters': '\u202e\u{1F600}é\u0301',
  'half a letter': '\ud800',
  'an object': '{"a":1}',
  'a name of objects': '__proto__',
  'a long text': 'x'.repeat(20_000),
}

const twice = (value: string): [string, string] => [value, value]

const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(pool.base + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })

describe('the revocation endpoint', () => {
  const revoke = (form: Record<string, string>, headers?: Record<string, string>): Promise<Response> =>
    post('/oauth2/revoke', new URLSearchParams(form).toString(), headers)

  /** RFC 7009 §2.1: a hint that is wrong or unknown only makes the search longer. */
  test.each([...['refresh_token', 'access_token', 'id_token', 'nonsense'].map(twice), ...Object.entries(hostile)])(
    'with a token_type_hint of %s the refresh token is found and ended',
    async (_what, hint) => {
      const { refreshToken } = await browser.signIn()
      const response = await revoke({ client_id: 'app', token: refreshToken, token_type_hint: hint })
      expect([response.status, await response.text()]).toEqual([200, ''])
      expect((await refresh(pool.base, refreshToken)).body.error).toBe('invalid_grant')
    },
  )

  test('an access token is not supported, whatever it is called', async () => {
    const { accessToken } = await browser.signIn()
    for (const hint of ['access_token', 'refresh_token', '']) {
      const response = await revoke({ client_id: 'app', token: accessToken, token_type_hint: hint })
      expect([response.status, await response.json()]).toEqual([400, { error: 'unsupported_token_type' }])
    }
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
  })

  test.each(Object.entries(hostile))('a client_secret of %s is none', async (_what, value) => {
    const { refreshToken } = await browser.signIn({ client_id: 'backend' })
    for (const [form, headers] of [
      [{ client_id: 'backend', client_secret: value }, {}],
      [{ client_id: 'backend' }, { authorization: basic('backend', value.toWellFormed()) }],
    ] as const) {
      const response = await revoke({ token: refreshToken, ...form }, headers)
      expect([response.status, await response.json()]).toEqual([401, { error: 'invalid_client' }])
    }
    const credentials = { client_id: 'backend', client_secret: secret }
    expect((await refresh(pool.base, refreshToken, credentials)).status).toBe(200)
  })

  test('client_secret twice, or 100 kB of it, is an invalid_request', async () => {
    for (const body of [
      'client_id=backend&token=x&client_secret=a&client_secret=a',
      `client_id=backend&token=x&client_secret=${'x'.repeat(100_000)}`,
      `client_id=app&token=x&token_type_hint=${'x'.repeat(100_000)}`,
    ]) {
      const response = await post('/oauth2/revoke', body)
      expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_request' }])
    }
  })

  test('what is not known is passed over, and nothing in the address counts', async () => {
    const { refreshToken } = await browser.signIn()
    const inAddress = await post(`/oauth2/revoke?client_id=app&token=${refreshToken}`, '')
    expect(inAddress.status).toBe(401)
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
    for (const [what, value] of Object.entries(hostile)) {
      const response = await revoke({ client_id: 'app', token: 'x', whatever: value, [value.slice(0, 99)]: 'y' })
      expect([what, response.status]).toEqual([what, 200])
    }
  })
})

describe('the token endpoint', () => {
  const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: secret }

  test('what is not known is passed over, and nothing in the address counts', async () => {
    for (const [what, value] of Object.entries(hostile)) {
      const answer = await requestTokens(pool.base, { ...machine, whatever: value, [`x${value}`]: 'y' })
      expect([what, answer.status]).toEqual([what, 200])
    }
    const query = new URLSearchParams({ ...machine, scope: 'api/read' }).toString()
    expect((await post(`/oauth2/token?${query}`, '')).status).toBe(400)
    const body = new URLSearchParams(machine).toString()
    const both = await post('/oauth2/token?scope=api/read&client_id=app', body)
    expect([both.status, ((await both.json()) as { scope: string }).scope]).toEqual([200, 'api/read api/write'])
  })

  /** Cognito (reference: hosted UI §3): asked for at the authorization endpoint, kept over refreshes, not for machines. */
  test.each([...['https://other.example', 'nonsense'].map(twice), ...Object.entries(hostile)])(
    'a resource of %s changes nothing there',
    async (_what, resource) => {
      const { refreshToken } = await browser.signIn({ resource: 'https://api.example.com/v1' })
      const refreshed = await refresh(pool.base, refreshToken, { resource })
      expect(decode(refreshed.body.access_token)['aud']).toBe('https://api.example.com/v1')
      const bare = await browser.signIn()
      const plain = await refresh(pool.base, bare.refreshToken, { resource })
      expect(decode(plain.body.access_token)).not.toHaveProperty('aud')
      const { status, body } = await requestTokens(pool.base, { ...machine, resource })
      expect([status, decode(body.access_token)['aud']]).toEqual([200, undefined])
    },
  )

  test('the resource outlives rotation', async () => {
    const { refreshToken } = await browser.signIn({ client_id: 'rotating', resource: 'api://orders' })
    const first = await refresh(pool.base, refreshToken, { client_id: 'rotating' })
    const second = await refresh(pool.base, first.body.refresh_token ?? '', { client_id: 'rotating' })
    for (const { body } of [first, second]) expect(decode(body.access_token)['aud']).toBe('api://orders')
  })
})

describe('the userInfo endpoint', () => {
  test('reads the Authorization header alone: no address, no form, however large', async () => {
    const { accessToken } = await browser.signIn()
    const headers = { authorization: `Bearer ${accessToken}` }
    for (const [what, value] of Object.entries(hostile)) {
      const query = new URLSearchParams({ access_token: value, schema: value, [value]: 'x' }).toString()
      const get = await fetch(`${pool.base}/oauth2/userInfo?${query.slice(0, 8000)}`, { headers })
      expect([what, get.status]).toEqual([what, 200])
      expect(((await get.json()) as { username: string }).username).toBe('ana')
      const body = new URLSearchParams({ access_token: value }).toString()
      expect([what, (await post('/oauth2/userInfo', body, headers)).status]).toEqual([what, 200])
      expect([what, (await post('/oauth2/userInfo', body)).status]).toEqual([what, 400])
    }
  })

  test('refuses two Authorization headers: which of them counts would be chance', async () => {
    const { accessToken } = await browser.signIn()
    const host = new URL(pool.base).host
    const ask = (...authorization: string[]) =>
      rawRequest(pool.port, '/oauth2/userInfo', { headers: { host, Authorization: authorization } })
    expect((await ask(`Bearer ${accessToken}`)).status).toBe(200)
    expect((await ask(`Bearer ${accessToken}`, 'Bearer x')).status).toBe(400)
    expect((await ask('Bearer x', `Bearer ${accessToken}`)).status).toBe(400)
  })
})
