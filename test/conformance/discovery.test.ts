import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configurationOf, otherPoolId, poolId, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool()
})
afterAll(() => pool.stop())

const discovery = '/.well-known/openid-configuration'
const jwks = '/.well-known/jwks.json'

describe('the discovery document', () => {
  test('names the endpoints and abilities of its pool, member by member', async () => {
    const response = await fetch(pool.issuer + discovery)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    const { claims_supported: claims, ...document } = (await response.json()) as Record<string, unknown>
    expect(document).toEqual({
      issuer: pool.issuer,
      acr_values_supported: [1, 2, 3, 4].map((level) => `urn:cognito:loa:${level}`),
      authorization_endpoint: `${pool.base}/oauth2/authorize`,
      token_endpoint: `${pool.base}/oauth2/token`,
      userinfo_endpoint: `${pool.base}/oauth2/userInfo`,
      revocation_endpoint: `${pool.base}/oauth2/revoke`,
      end_session_endpoint: `${pool.base}/logout`,
      jwks_uri: `${pool.issuer}/.well-known/jwks.json`,
      response_types_supported: ['code', 'token'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      grant_types_supported: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: [
        'openid',
        'email',
        'phone',
        'profile',
        'aws.cognito.signin.user.admin',
        'api/read',
        'api/write',
        'api/unused',
      ],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: ['none', 'login', 'create', 'select_account', 'consent'],
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      claims_parameter_supported: false,
    })
    expect(claims).toEqual(expect.arrayContaining(['sub', 'email', 'cognito:groups', 'auth_time', 'at_hash']))
  })

  test('of a pool that is not the default one has its endpoints below its id', async () => {
    const issuer = `${pool.base}/${otherPoolId}`
    const document = (await (await fetch(issuer + discovery)).json()) as Record<string, unknown>
    expect(document).toMatchObject({
      issuer,
      token_endpoint: `${issuer}/oauth2/token`,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      jwks_uri: issuer + jwks,
    })
  })

  test('is the same at the address of RFC 8414', async () => {
    const [oidc, oauth] = await Promise.all(
      [pool.issuer + discovery, `${pool.base}/.well-known/oauth-authorization-server/${poolId}`].map(async (url) =>
        (await fetch(url)).text(),
      ),
    )
    expect(oauth).toBe(oidc)
  })
})

describe('the key set', () => {
  test('has one key for each kind of token, in the form of Cognito, and no private member', async () => {
    const { keys } = (await (await fetch(pool.issuer + jwks)).json()) as { keys: Record<string, string>[] }
    expect(keys).toHaveLength(2)
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2)
    for (const key of keys) {
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
      expect(key).toMatchObject({ alg: 'RS256', e: 'AQAB', kty: 'RSA', use: 'sig' })
      expect(key['kid']).toMatch(/^[A-Za-z0-9+/]{43}=$/)
      expect(Buffer.from(key['n'] ?? '', 'base64url')).toHaveLength(256)
    }
  })

  test('is the own one of each pool', async () => {
    const [ours, theirs] = await Promise.all(
      [poolId, otherPoolId].map(async (id) => (await fetch(`${pool.base}/${id}${jwks}`)).text()),
    )
    expect(ours).not.toBe(theirs)
  })
})

describe.each([discovery, jwks])('%s', (document) => {
  test('is cached with a validator and open to every origin', async () => {
    const { headers } = await fetch(pool.issuer + document, { headers: { origin: 'https://anything.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cache-control')).toBe('public, max-age=300')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    const etag = headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    for (const sent of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await fetch(pool.issuer + document, { headers: { 'if-none-match': sent } })
      expect([sent, again.status]).toEqual([sent, 304])
      expect(await again.text()).toBe('')
    }
    expect((await fetch(pool.issuer + document, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })

  test('answers HEAD as GET without a body, a preflight with leave, and nothing else', async () => {
    const get = await rawRequest(pool.port, `/${poolId}${document}`, { headers: { host: new URL(pool.base).host } })
    const head = await fetch(pool.issuer + document, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(get.body)))
    expect(await head.text()).toBe('')
    const preflight = await fetch(pool.issuer + document, {
      method: 'OPTIONS',
      headers: { origin: 'https://anything.example', 'access-control-request-method': 'GET' },
    })
    expect(preflight.ok).toBe(true)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const refused = await fetch(pool.issuer + document, { method })
      expect(refused.status).toBe(405)
      expect(refused.headers.get('allow')).toContain('GET, HEAD')
    }
  })

  test('is nowhere but under an issuer; elsewhere the answer names the right address', async () => {
    for (const path of ['', '/oauth2', '/eu-west-1_Nobody000', `/${poolId}/`, `/${poolId.toLowerCase()}`]) {
      const response = await fetch(`${pool.base}${path}${document}`)
      expect([path, response.status]).toEqual([path, 404])
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(await response.json()).toMatchObject({ see: pool.issuer + document })
    }
  })
})

const hostileHeaders: Record<string, string>[] = [
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-proto': 'https' },
  { 'x-forwarded-proto': 'javascript', 'x-forwarded-port': '1' },
  { 'x-forwarded-server': 'evil.example', 'x-original-host': 'evil.example', 'x-host': 'evil.example' },
  { forwarded: 'host=evil.example;proto=https;for=127.0.0.1' },
  { 'x-original-url': '/evil', 'x-rewrite-url': '/evil', 'x-forwarded-prefix': '/evil' },
  { 'front-end-https': 'on', 'x-url-scheme': 'https' },
]

describe.each(hostileHeaders)('the headers %o', (headers) => {
  const host = () => ({ host: new URL(pool.base).host })

  test('change neither document', async () => {
    for (const path of [discovery, jwks]) {
      const plain = await rawRequest(pool.port, `/${poolId}${path}`, { headers: host() })
      const hostile = await rawRequest(pool.port, `/${poolId}${path}`, { headers: { ...host(), ...headers } })
      expect(hostile.status).toBe(200)
      expect(hostile.body).toBe(plain.body)
    }
  })

  test('change neither where a login goes nor its cookies', async () => {
    const target = '/oauth2/authorize?client_id=backend&response_type=code'
    const answer = await rawRequest(pool.port, target, { headers: { ...host(), ...headers } })
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toMatch(/^\/login\?/)
    expect(JSON.stringify(answer.headers)).not.toMatch(/evil|javascript/)
    expect(answer.headers['set-cookie']?.join()).not.toMatch(/secure|domain/i)
    const page = await rawRequest(pool.port, answer.headers.location ?? '', {
      headers: {
        ...host(),
        ...headers,
        cookie: answer.headers['set-cookie']?.map((line) => line.split(';')[0]).join('; '),
      },
    })
    expect(page.status).toBe(200)
    expect(page.body).not.toContain('evil')
  })
})

const hostileHosts = [
  'evil.example',
  'evil.example:3000',
  'localhost',
  'localhost:1',
  'localhost.:PORT',
  'localhost:PORT.evil.example',
  'evil.example:fake@localhost:PORT',
  'user@localhost:PORT',
  '127.0.0.1:PORT',
  '[::1]:PORT',
  'localhost:PORT/..',
  'localhost:PORT?x',
  'localhost:PORT#x',
  'localhost%00:PORT',
  'localhost:PORT, evil.example',
  '*',
]

describe('an unknown host', () => {
  const hosts = () => hostileHosts.map((host) => host.replace('PORT', String(pool.port)))

  test('while developing leads a GET to where the server is known, and nothing else', async () => {
    for (const host of hosts()) {
      const answer = await rawRequest(pool.port, '/login?client_id=app', { headers: { host } })
      expect([host, answer.status, answer.headers.location]).toEqual([host, 307, `${pool.base}/login?client_id=app`])
      expect((await rawRequest(pool.port, '/oauth2/token', { method: 'POST', headers: { host } })).status).toBe(421)
      const document = await rawRequest(pool.port, `/${poolId}${discovery}`, { headers: { host } })
      expect([host, document.status]).toEqual([host, 404])
      expect(document.body).not.toContain('evil')
    }
  })

  test('cannot make the redirect leave', async () => {
    for (const target of ['//evil.example/', '/\\evil.example', '/%2f/evil.example', '/@evil.example']) {
      const answer = await rawRequest(pool.port, target, { headers: { host: 'evil.example' } })
      expect(new URL(answer.headers.location ?? '').origin).toBe(pool.base)
    }
    const absolute = await rawRequest(pool.port, 'http://evil.example/', { headers: { host: 'evil.example' } })
    expect(absolute.status).toBe(400)
  })
})

describe('in production', () => {
  let production: ConformancePool
  beforeAll(async () => {
    production = await startPool({
      environment: { development: false, production: true, publicUrl: 'https://id.example.com' },
      configuration: configurationOf({ pool: { Domains: ['login.example.com'] } }),
    })
  })
  afterAll(() => production.stop())

  test('an unknown host is misdirected, with a link to where the server is known', async () => {
    for (const host of hostileHosts.map((text) => text.replace('PORT', String(production.port)))) {
      for (const method of ['GET', 'POST']) {
        const answer = await rawRequest(production.port, '/login', { method, headers: { host } })
        expect([host, answer.status]).toEqual([host, 421])
        expect(answer.body).toContain('href="https://id.example.com"')
        expect(answer.body).not.toContain('evil')
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
    }
  })

  test('health is told on any host', async () => {
    for (const path of ['/healthz', '/readyz']) {
      expect((await rawRequest(production.port, path, { headers: { host: 'evil.example' } })).status).toBe(200)
    }
  })

  test('the documents are on the issuer, the endpoints on the domain of the pool', async () => {
    const target = `/${poolId}${discovery}`
    const answer = await rawRequest(production.port, target, { headers: { host: 'id.example.com' } })
    expect(JSON.parse(answer.body)).toMatchObject({
      issuer: `https://id.example.com/${poolId}`,
      jwks_uri: `https://id.example.com/${poolId}${jwks}`,
      authorization_endpoint: 'https://login.example.com/oauth2/authorize',
      end_session_endpoint: 'https://login.example.com/logout',
    })
    const elsewhere = await rawRequest(production.port, discovery, { headers: { host: 'login.example.com' } })
    expect(elsewhere.status).toBe(404)
    expect(JSON.parse(elsewhere.body)).toMatchObject({ see: `https://id.example.com/${poolId}${discovery}` })
  })

  test('the pool is at its domain, and its cookies are bound to https and to that host', async () => {
    const target = '/oauth2/authorize?client_id=backend&response_type=code'
    const answer = await rawRequest(production.port, target, { headers: { host: 'LOGIN.example.com' } })
    expect(answer.headers.location).toMatch(/^\/login\?/)
    const cookies = answer.headers['set-cookie'] ?? []
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; secure/i)
      expect(cookie).toMatch(/^__(Host|Secure)-/)
      if (cookie.startsWith('__Host-')) expect(cookie).toMatch(/path=\/;/i)
    }
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000')
    // Below PUBLIC_URL the pool has no pages, once it has a domain of its own.
    const below = await rawRequest(production.port, `/${poolId}/login?client_id=app`, {
      headers: { host: 'id.example.com' },
    })
    expect(below.status).toBe(404)
  })

  test('there are no development pages', async () => {
    for (const path of ['/dev/mail', '/demo']) {
      expect((await rawRequest(production.port, path, { headers: { host: 'id.example.com' } })).status).toBe(404)
    }
  })
})
