import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic } from '../support/relying-party.ts'
import { codeForm, configurationOf, createBrowser, secret, startPool } from './pool.ts'
import type { ConformancePool, Tokens } from './pool.ts'

/* Which browser origins may call the endpoints and read their answers: those of the client's own registered URLs. */

const registered = 'https://app.example.com'
const byLogout = 'https://bye.example.com:8443'
const ofAnother = 'https://other.example.com'

const foreign = [
  'null',
  'https://evil.example',
  'https://app.example.com.evil.example',
  'https://evil.example/https://app.example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com:443',
  'https://APP.example.com',
  'https://app.example.com/',
  'https://bye.example.com',
  'com.example.app:',
  'com.example.app://',
  'file://',
  '*',
  `${registered}, https://evil.example`,
]

let pool: ConformancePool
let tokens: Tokens
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        app: { CallbackURLs: [`${registered}/callback`, 'com.example.app:/callback'], LogoutURLs: [`${byLogout}/`] },
        other: { CallbackURLs: [`${ofAnother}/callback`], LogoutURLs: [] },
        backend: { CallbackURLs: [`${registered}/callback`], LogoutURLs: [], ClientSecret: secret },
      },
    }),
  })
  tokens = await createBrowser(pool.base).signIn()
})
afterAll(() => pool.stop())

interface Call {
  path: string
  method: string
  headers?: Record<string, string>
  body?: Record<string, string>
}

const endpoints: Record<string, { methods: string; good(): Promise<Call>; refused: Call }> = {
  token: {
    methods: 'POST',
    async good() {
      const { answer, request } = await createBrowser(pool.base).authorize()
      return { path: '/oauth2/token', method: 'POST', body: codeForm(answer, request) }
    },
    refused: {
      path: '/oauth2/token',
      method: 'POST',
      body: { grant_type: 'authorization_code', client_id: 'app', code: 'x' },
    },
  },
  userInfo: {
    methods: 'GET, POST',
    good: () =>
      Promise.resolve({
        path: '/oauth2/userInfo',
        method: 'GET',
        headers: { authorization: `Bearer ${tokens.accessToken}` },
      }),
    refused: { path: '/oauth2/userInfo', method: 'GET', headers: { authorization: 'Bearer x' } },
  },
  revoke: {
    methods: 'POST',
    good: () =>
      Promise.resolve({ path: '/oauth2/revoke', method: 'POST', body: { client_id: 'app', token: 'unknown' } }),
    refused: { path: '/oauth2/revoke', method: 'POST', body: { client_id: 'backend', token: 'unknown' } },
  },
}

const send = ({ path, method, headers, body }: Call, origin: string | undefined): Promise<Response> =>
  fetch(pool.base + path, {
    method,
    headers: { ...headers, ...(origin === undefined ? {} : { origin }) },
    ...(body === undefined ? {} : { body: new URLSearchParams(body) }),
  })

const preflight = (path: string, origin: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(pool.base + path, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', ...headers },
  })

const allowedOrigin = (response: Response): string | null => response.headers.get('access-control-allow-origin')

describe.each(Object.entries(endpoints))('%s', (_name, { methods, good, refused }) => {
  test.each([registered, byLogout])('answers a page at %s, which the client has registered', async (origin) => {
    const response = await send(await good(), origin)
    expect([response.status, allowedOrigin(response)]).toEqual([200, origin])
    expect(response.headers.get('vary')).toMatch(/origin/i)
    // Nothing here is about cookies, so no page may send them.
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('lets it read a refusal as well', async () => {
    const response = await send(refused, registered)
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.status).toBeLessThan(500)
    expect(allowedOrigin(response)).toBe(registered)
    expect(await response.json()).toHaveProperty('error')
  })

  test.each([...foreign, ofAnother])('has no answer for a page at %s', async (origin) => {
    const call = await good()
    const response = await send(call, origin)
    expect([origin, response.status < 500, response.ok]).toEqual([origin, true, false])
    expect(allowedOrigin(response)).toBeNull()
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    expect(await response.text()).not.toMatch(/access_token|ana@example/)
    // It was the origin alone.
    expect((await send(call, undefined)).status).toBe(200)
  })

  test('answers whoever is no browser page, without leave for one', async () => {
    const response = await send(await good(), undefined)
    expect(response.status).toBe(200)
    expect([null, '*']).toContain(allowedOrigin(response))
  })

  test.each([registered, byLogout, ofAnother])('a preflight from %s has leave', async (origin) => {
    const { path } = await good()
    const response = await preflight(path, origin, {
      'access-control-request-headers': 'Authorization, content-type,x-amz-user-agent',
    })
    expect([response.status, allowedOrigin(response)]).toEqual([204, origin])
    expect(response.headers.get('access-control-allow-methods')).toBe(methods)
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization, content-type, x-amz-user-agent')
    expect(response.headers.get('access-control-max-age')).toBe('3600')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    expect(response.headers.get('vary')).toMatch(/origin/i)
    expect(await response.text()).toBe('')
  })

  test.each(foreign)('a preflight from %s has none', async (origin) => {
    const response = await preflight((await good()).path, origin)
    expect([response.status, allowedOrigin(response)]).toEqual([204, null])
    expect(response.headers.get('access-control-allow-methods')).toBeNull()
    expect(response.headers.get('access-control-allow-headers')).toBeNull()
  })

  test.each(['*', 'a\tb', 'x'.repeat(100), '<script>', ', ,,', 'authorization,authorization', 'x,'.repeat(2000)])(
    'a preflight that asks for the headers %j is given only what can be a name',
    async (headers) => {
      const response = await preflight((await good()).path, registered, { 'access-control-request-headers': headers })
      expect(response.status).toBe(204)
      const allowed = response.headers.get('access-control-allow-headers') ?? ''
      expect(allowed.length).toBeLessThan(200)
      expect(allowed).toMatch(/^authorization, content-type(, [\w-]+)*$/)
    },
  )
})

test('a confidential client is read by its own origins too', async () => {
  const body = { grant_type: 'refresh_token', refresh_token: 'x' }
  const headers = { authorization: basic('backend', secret) }
  for (const [origin, allowed] of [
    [registered, registered],
    [byLogout, null],
  ] as const) {
    const response = await send({ path: '/oauth2/token', method: 'POST', headers, body }, origin)
    expect([response.status, allowedOrigin(response)]).toEqual([400, allowed])
  }
})

test.each(['/.well-known/openid-configuration', '/.well-known/jwks.json'])(
  '%s is for every origin, without cookies',
  async (document) => {
    for (const origin of [registered, ...foreign]) {
      const response = await fetch(pool.issuer + document, { headers: { origin } })
      expect([response.status, allowedOrigin(response)]).toEqual([200, '*'])
      expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    }
  },
)

test.each(['/login', '/oauth2/authorize', '/logout', '/signup', '/error'])(
  '%s is for no script at all',
  async (path) => {
    for (const method of ['GET', 'OPTIONS']) {
      const response = await fetch(`${pool.base}${path}?client_id=app`, {
        method,
        redirect: 'manual',
        headers: { origin: registered, 'access-control-request-method': 'GET' },
      })
      expect([method, response.status < 500, allowedOrigin(response)]).toEqual([method, true, null])
    }
  },
)
