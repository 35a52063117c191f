import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { decode, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { ana, callback, codeForm, configurationOf, createBrowser, password, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'

const app = 'com.example.app:/callback'
const local = 'http://localhost:4000/callback?tenant=a%20b'

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        several: { CallbackURLs: [callback, app, local] },
        preferred: { CallbackURLs: [app, callback], DefaultRedirectURI: callback },
        lax: { RequirePkce: false },
        narrow: { AllowedOAuthScopes: ['openid', 'email', 'api/read'] },
        implicit: { AllowedOAuthFlows: ['implicit'] },
      },
    }),
  })
})
afterAll(() => pool.stop())

const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWB2DBsGIHtcs'

/** A good request, with parameters added, changed or (undefined) taken away. */
function authorizeUrl(parameters: Record<string, string | undefined>, more: readonly [string, string][] = []): string {
  const all = {
    client_id: 'app',
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...parameters,
  }
  const pairs = [...Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined), ...more]
  return `${pool.base}/oauth2/authorize?${new URLSearchParams(pairs).toString()}`
}

const ask = (url: string): Promise<Response> => fetch(url, { redirect: 'manual' })

/** Refused with a page, and nothing sent anywhere. */
async function expectPage(response: Response, what: unknown): Promise<void> {
  expect([what, response.status, response.headers.get('location')]).toEqual([what, 400, null])
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(response.headers.get('cache-control')).toBe('no-store')
}

/** Refused at the callback, with `error`, the state and the issuer. */
function expectRefusal(response: Response, error: string, what: unknown): URLSearchParams {
  const location = new URL(response.headers.get('location') ?? 'https://nowhere.invalid')
  const answer = location.hash === '' ? location.searchParams : new URLSearchParams(location.hash.slice(1))
  expect([what, response.status, answer.get('error')]).toEqual([what, 303, error])
  expect(location.origin + location.pathname).toBe(callback)
  expect(answer.get('iss')).toBe(pool.issuer)
  expect(answer.get('code')).toBeNull()
  expect(answer.get('error_description')).not.toBe('')
  return answer
}

describe('a good request', () => {
  test('leads to the login page', async () => {
    const response = await ask(authorizeUrl({}))
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toMatch(/^\/login\?client_id=app&flow=[\w-]{43}$/)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test.each([
    { display: 'popup', ui_locales: 'de en', acr_values: 'urn:cognito:loa:1', claims: '{"id_token":{}}' },
    { identity_provider: 'COGNITO', lang: 'fr', unknown: 'x', 'cognito:x': 'y' },
    { nonce: 'n', max_age: '10', login_hint: 'ana' },
    { resource: 'https://api.example.com/v1' },
    { state: undefined },
    { state: 'x'.repeat(2000) },
    { state: '"><script>alert(1)</script>' },
    { state: '{"a":["b"]}', nonce: '\u{1F600}\u0301' },
    { scope: undefined },
    { scope: '' },
  ])('may carry %o', async (parameters) => {
    const response = await ask(authorizeUrl(parameters))
    expect([response.status, response.headers.get('location')]).toEqual([303, expect.stringMatching(/^\/login\?/)])
  })

  test('is a GET or a POST', async () => {
    const response = await fetch(`${pool.base}/oauth2/authorize`, { method: 'PUT', redirect: 'manual' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'HEAD, GET, POST'])
  })
})

describe('a request that names no client or another redirect URI', () => {
  test.each([
    ['no client', { client_id: undefined }],
    ['an empty client', { client_id: '' }],
    ['an unknown client', { client_id: 'nobody' }],
    ['a client in other letters', { client_id: 'APP' }],
    ['a client with a blank', { client_id: 'app ' }],
    ['a client with a zero byte', { client_id: 'app\0' }],
    ['a client with a property of objects', { client_id: '__proto__' }],
    ['a huge client', { client_id: 'a'.repeat(9000) }],
    ['markup for a client', { client_id: '<script>alert(1)</script>' }],
    ['no redirect URI of several', { client_id: 'several', redirect_uri: undefined }],
    ['a client that speaks for itself', { client_id: 'machine', redirect_uri: callback }],
  ] as [string, Record<string, string | undefined>][])('%s: a page, never a redirect', async (what, parameters) => {
    const response = await ask(authorizeUrl(parameters))
    await expectPage(response, what)
    expect(await response.text()).not.toContain('<script>alert')
  })

  test.each(['client_id', 'redirect_uri'])('%s twice: a page, never a redirect', async (name) => {
    for (const value of [name === 'client_id' ? 'app' : callback, 'https://evil.example/']) {
      await expectPage(await ask(authorizeUrl({}, [[name, value]])), value)
    }
  })

  test('too long a query: a page', async () => {
    await expectPage(await ask(authorizeUrl({ state: 'x'.repeat(16_384) })), 'long')
  })
})

describe('the redirect URI', () => {
  /** Everything but the registered strings themselves (threat row C1). */
  const others = [
    ...['HTTPS://app.example.com/callback', 'https://APP.example.com/callback', 'https://app.example.com/Callback'],
    ...['http://app.example.com/callback', 'https:app.example.com/callback', 'https:/app.example.com/callback'],
    ...['https:///app.example.com/callback', '//app.example.com/callback', 'app.example.com/callback', '/callback'],
    ...['https://app.example.com:443/callback', 'https://app.example.com:8443/callback'],
    ...['https://app.example.com:/callback', 'https://app.example.com:0443/callback'],
    ...['https://app.example.com', 'https://app.example.com/', 'https://app.example.com/callback/'],
    ...['https://app.example.com/callback/..', 'https://app.example.com/callback/more'],
    ...['https://app.example.com/x/../callback', 'https://app.example.com/./callback'],
    ...['https://app.example.com//callback', 'https://app.example.com/callback//'],
    ...['https://app.example.com/%2e/callback', 'https://app.example.com/x/%2e%2e/callback'],
    ...['https://app.example.com/..;/callback', 'https://app.example.com/callback;x'],
    ...[
      'https://app.example.com/%63allback',
      'https://app.example.com/callback%00',
      'https://app.example.com/callback%20',
    ],
    ...['https://app.example.com/callback\0', 'https://app.example.com/callback ', ' https://app.example.com/callback'],
    ...[
      'https://app.example.com/call\tback',
      '\thttps://app.example.com/callback',
      'https://app.example.com/callback\n',
    ],
    ...['https://app.example.com/callback\r\nLocation: https://evil.example', 'https://app.example\u2028.com/callback'],
    ...[
      'https://app.example.com/callback?',
      'https://app.example.com/callback?x=1',
      'https://app.example.com/callback&x',
    ],
    ...[
      'https://app.example.com/callback#',
      'https://app.example.com/callback#x',
      'https://app.example.com/callback%23',
    ],
    ...['https://app.example.com@evil.example/callback', 'https://evil.example@app.example.com/callback'],
    ...['https://user:pass@app.example.com/callback', 'https://app.example.com:80@evil.example/callback'],
    ...['https://app.example.com\\@evil.example/callback', 'https://evil.example\\@app.example.com/callback'],
    ...[
      'https:\\\\app.example.com\\callback',
      'https://app.example.com\\callback',
      'https://evil.example\\.app.example.com',
    ],
    ...['https://app.example.com./callback', 'https://.app.example.com/callback', 'https://app..example.com/callback'],
    ...['https://appXexample.com/callback', 'https://app.exampleXcom/callback', 'https://xapp.example.com/callback'],
    ...['https://sub.app.example.com/callback', 'https://app.example.com.evil.example/callback'],
    ...['https://app.example.comevil.example/callback', 'https://evil.example/app.example.com/callback'],
    ...[
      'https://evil.example/?https://app.example.com/callback',
      'https://evil.example/#https://app.example.com/callback',
    ],
    ...['https://*.example.com/callback', 'https://app.example.com/*', '*', 'https://*/callback'],
    ...[
      'https://аpp.example.com/callback',
      'https://xn--pp-6cd.example.com/callback',
      'https://app。example.com/callback',
    ],
    ...[
      'https://ａpp.example.com/callback',
      'https://app.example.com/ｃallback',
      'https://app.exam\u00adple.com/callback',
    ],
    ...[
      'https://[::1]/callback',
      'https://[::ffff:127.0.0.1]/callback',
      'https://127.0.0.1/callback',
      'https://2130706433/',
    ],
    ...['javascript:alert(1)', 'javascript://app.example.com/callback', 'data:text/html,x', 'file:///callback'],
    ...['vbscript:x', 'blob:https://app.example.com/callback', 'view-source:https://app.example.com/callback'],
    ...[`${callback} ${callback}`, `${callback},https://evil.example`, '[object Object]', 'null', 'undefined', 'urn:x'],
    ...['com.example.app:/callback', 'http://localhost:4000/callback', `${callback}${'/'.repeat(2000)}`],
  ]

  test('has been given many shapes', () => {
    expect(new Set(others).size).toBe(others.length)
    expect(others.length).toBeGreaterThan(90)
  })

  test.each(others)('%j is not the registered one', async (redirectUri) => {
    await expectPage(await ask(authorizeUrl({ redirect_uri: redirectUri })), redirectUri)
    // Nor where something else is wrong too: an error may not travel there either.
    const worse = authorizeUrl({
      redirect_uri: redirectUri,
      response_type: undefined,
      scope: 'nonsense',
      prompt: 'none',
    })
    await expectPage(await ask(worse), redirectUri)
  })

  test.each([
    'http://localhost:4001/callback?tenant=a%20b',
    'http://127.0.0.1:4000/callback?tenant=a%20b',
    'http://localhost:4000/callback?tenant=a+b',
    'http://localhost:4000/callback?tenant=a b',
    'http://localhost:4000/callback',
    'http://localhost:4000/callback?tenant=a%20b&x=1',
    'http://[::1]:4000/callback?tenant=a%20b',
    'https://localhost:4000/callback?tenant=a%20b',
    'com.example.app:/callback/',
    'com.example.app://callback',
    'COM.example.app:/callback',
    'com.example.app.evil:/callback',
  ])('%j is none of those of a client with a loopback address and a scheme of its own', async (redirectUri) => {
    await expectPage(await ask(authorizeUrl({ client_id: 'several', redirect_uri: redirectUri })), redirectUri)
  })

  test.each([callback, app, local])('%s is taken as registered, to the letter, and its query survives', async (uri) => {
    const browser = createBrowser(pool.base)
    const { answer, request } = await browser.authorize({ client_id: 'several', redirect_uri: uri })
    expect(answer.href.startsWith(uri.split('?')[0] ?? '')).toBe(true)
    expect(answer.searchParams.get('tenant')).toBe(uri === local ? 'a b' : null)
    expect((await requestTokens(pool.base, codeForm(answer, request))).status).toBe(200)
    const refused = await ask(authorizeUrl({ client_id: 'several', redirect_uri: uri, scope: 'nonsense' }))
    const location = new URL(refused.headers.get('location') ?? '')
    expect(location.href.startsWith(uri.split('?')[0] ?? '')).toBe(true)
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      error: 'invalid_scope',
      ...(uri === local ? { tenant: 'a b' } : {}),
    })
  })

  test('may be left out where there is one, or a default one', async () => {
    for (const clientId of ['app', 'preferred']) {
      const { answer } = await createBrowser(pool.base).authorize({ client_id: clientId, redirect_uri: undefined })
      expect(answer.origin + answer.pathname).toBe(callback)
      expect(answer.searchParams.get('code')).not.toBeNull()
    }
  })
})

describe('refused at the callback', () => {
  test.each([
    ['no response type', { response_type: undefined }, 'invalid_request'],
    ['an empty one', { response_type: '' }, 'invalid_request'],
    ['an unknown one', { response_type: 'cod' }, 'unsupported_response_type'],
    ['one in other letters', { response_type: 'CODE' }, 'unsupported_response_type'],
    ['a hybrid one', { response_type: 'code id_token', nonce: 'n' }, 'unsupported_response_type'],
    ['the implicit flow', { response_type: 'token' }, 'unauthorized_client'],
    ['response_type none', { response_type: 'none' }, 'unsupported_response_type'],
    ['an unknown scope', { scope: 'openid nonsense' }, 'invalid_scope'],
    ['a scope of no client', { scope: 'openid api/unused' }, 'invalid_scope'],
    ['offline_access', { scope: 'openid offline_access' }, 'invalid_scope'],
    ['a scope in other letters', { scope: 'OPENID' }, 'invalid_scope'],
    ['scopes with a tab', { scope: 'openid\temail' }, 'invalid_scope'],
    ['scopes with a comma', { scope: 'openid,email' }, 'invalid_scope'],
    ['a property of objects as scope', { scope: 'constructor' }, 'invalid_scope'],
    ['email without openid', { scope: 'email' }, 'invalid_scope'],
    ['phone without openid', { scope: 'phone api/read' }, 'invalid_scope'],
    ['profile without openid', { scope: 'profile' }, 'invalid_scope'],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['an empty challenge', { code_challenge: '' }, 'invalid_request'],
    ['a challenge without its method', { code_challenge_method: undefined }, 'invalid_request'],
    ['a method without challenge', { code_challenge: undefined }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a method in other letters', { code_challenge_method: 's256' }, 'invalid_request'],
    ['an unknown method', { code_challenge_method: 'S512' }, 'invalid_request'],
    ['a challenge too short', { code_challenge: challenge.slice(1) }, 'invalid_request'],
    ['a challenge too long', { code_challenge: 'a'.repeat(129) }, 'invalid_request'],
    ['a challenge in other characters', { code_challenge: `${challenge.slice(1)}+` }, 'invalid_request'],
    ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    ['a request URI', { request_uri: 'https://evil.example/request.jwt' }, 'request_uri_not_supported'],
    ['a registration', { registration: '{}' }, 'registration_not_supported'],
    ['an unknown prompt', { prompt: 'nonsense' }, 'invalid_request'],
    ['prompt none beside another', { prompt: 'none login' }, 'invalid_request'],
    ['a negative age', { max_age: '-1' }, 'invalid_request'],
    ['an age that is no number', { max_age: '1h' }, 'invalid_request'],
    ['an unknown response mode', { response_mode: 'pigeon' }, 'invalid_request'],
    ['somebody else’s token as a hint', { id_token_hint: 'e30.e30.e30' }, 'invalid_request'],
    ['a resource that is no URL', { resource: 'api' }, 'invalid_target'],
    ['a resource with a fragment', { resource: 'https://api.example.com/#x' }, 'invalid_target'],
    ['a zero byte in the state', { state: 'a\0b' }, 'invalid_request'],
    ['a zero byte in the nonce', { nonce: 'a\0b' }, 'invalid_request'],
    ['a zero byte in the hint', { login_hint: '\0' }, 'invalid_request'],
    ['a zero byte in the resource', { resource: 'https://api.example.com/\0' }, 'invalid_request'],
  ] as [string, Record<string, string | undefined>, string][])('%s', async (what, parameters, error) => {
    const answer = expectRefusal(await ask(authorizeUrl(parameters)), error, what)
    expect(answer.get('state')).toBe(parameters['state'] ?? 's')
  })

  test.each([
    'response_type',
    'scope',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'x',
    'resource',
  ])('%s twice', async (name) => {
    const url = authorizeUrl({ [name]: 'https://a.example' }, [[name, 'https://b.example']])
    const answer = expectRefusal(await ask(url), 'invalid_request', name)
    expect(answer.get('state')).toBe(name === 'state' ? null : 's')
  })

  test('a flow that is not the client’s', async () => {
    expectRefusal(await ask(authorizeUrl({ client_id: 'implicit' })), 'unauthorized_client', 'code')
  })

  test('in the fragment, where the client asked for that', async () => {
    for (const parameters of [{ scope: 'nonsense' }, { prompt: 'none' }, { code_challenge_method: 'plain' }]) {
      const fragment = await ask(authorizeUrl({ ...parameters, response_mode: 'fragment' }))
      const location = new URL(fragment.headers.get('location') ?? '')
      expect(location.search).toBe('')
      expect(Object.fromEntries(new URLSearchParams(location.hash.slice(1)))).toMatchObject({
        error: expect.any(String) as string,
        state: 's',
        iss: pool.issuer,
      })
    }
  })

  test('with the state as it was, however hostile', async () => {
    for (const state of [
      '"><script>alert(1)</script>',
      'a&error=x&code=y#z',
      '\r\nSet-Cookie: a=b',
      '\u{1F600}%00',
      ' ',
    ]) {
      for (const parameters of [{ scope: 'nonsense' }, { prompt: 'none' }]) {
        const response = await ask(authorizeUrl({ ...parameters, state }))
        const location = new URL(response.headers.get('location') ?? '')
        expect(location.searchParams.get('state')).toBe(state)
        expect(location.searchParams.get('code')).toBeNull()
        expect(response.headers.get('set-cookie') ?? '').not.toContain('a=b')
      }
    }
  })
})

describe('the answer', () => {
  test('carries a code, the state and the issuer, and nothing else', async () => {
    const { answer, request } = await createBrowser(pool.base).authorize()
    expect(Object.fromEntries(answer.searchParams)).toEqual({
      code: expect.stringMatching(/^[\w-]{43,}$/) as string,
      state: request.state,
      iss: pool.issuer,
    })
    expect(answer.hash).toBe('')
  })

  test('has no state where none was sent', async () => {
    const { answer } = await createBrowser(pool.base).authorize({ state: undefined })
    expect([...answer.searchParams.keys()].toSorted()).toEqual(['code', 'iss'])
  })

  test.each(['query.jwt', 'web_message', 'nonsense'])('says that response mode %s is not there', async (mode) => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const page = await browser.agent.visit(authorizeUrl({ response_mode: mode }))
    expect(page.url.searchParams.get('error')).toBe('invalid_request')
    expect(page.url.searchParams.get('error_description')).toBe('response_mode is not supported')
  })
})

describe('the scope', () => {
  const granted = async (parameters: Record<string, string | undefined>): Promise<string | undefined> =>
    (await createBrowser(pool.base).signIn(parameters)).body.scope

  test('is all that the client may have where none was asked for', async () => {
    const all = 'openid email phone profile aws.cognito.signin.user.admin api/read api/write'
    expect(await granted({ scope: undefined })).toBe(all)
    expect(await granted({ scope: '  ' })).toBe(all)
    expect(await granted({ scope: undefined, client_id: 'narrow' })).toBe('openid email api/read')
  })

  test('is what was asked for, once each', async () => {
    expect(await granted({ scope: 'openid  api/read openid' })).toBe('openid api/read')
  })

  test('without openid gives no ID token', async () => {
    const tokens = await createBrowser(pool.base).signIn({ scope: 'api/read', nonce: undefined })
    expect(tokens.body.id_token).toBeUndefined()
    expect(decode(tokens.accessToken)).toMatchObject({ scope: 'api/read', username: 'ana' })
    expect(tokens.refreshToken).not.toBe('')
  })
})

describe('PKCE', () => {
  const without = { code_challenge: undefined, code_challenge_method: undefined }

  test('may be left out by a confidential client, and by a public one that is told so', async () => {
    for (const clientId of ['backend', 'lax']) {
      const tokens = await createBrowser(pool.base).signIn({ client_id: clientId, ...without })
      expect(tokens.accessToken).not.toBe('')
    }
  })

  test('plain is refused of them too', async () => {
    for (const clientId of ['backend', 'lax']) {
      const url = authorizeUrl({ client_id: clientId, code_challenge_method: 'plain' })
      expectRefusal(await ask(url), 'invalid_request', clientId)
    }
  })
})

describe('a browser that is signed in', () => {
  test('gets another code without a page, for another client too', async () => {
    const browser = createBrowser(pool.base)
    const first = await browser.signIn()
    for (const clientId of ['app', 'backend']) {
      const page = await browser.agent.visit(authorizeUrl({ client_id: clientId }))
      expect([page.status, page.url.origin + page.url.pathname]).toEqual([0, callback])
      expect(page.url.searchParams.get('code')).not.toBeNull()
    }
    const second = await browser.signIn({ client_id: 'backend' })
    expect(decode(second.idToken)['auth_time']).toBe(decode(first.idToken)['auth_time'])
    // A second grant of the same session leaves the first one alone.
    const refreshed = await requestTokens(pool.base, {
      grant_type: 'refresh_token',
      client_id: 'app',
      refresh_token: first.refreshToken,
    })
    expect(refreshed.status).toBe(200)
  })

  test('prompt=none: a code in silence; without a session login_required', async () => {
    const browser = createBrowser(pool.base)
    const early = await browser.agent.visit(authorizeUrl({ prompt: 'none' }))
    expect(Object.fromEntries(early.url.searchParams)).toMatchObject({
      error: 'login_required',
      state: 's',
      iss: pool.issuer,
    })
    expect([...browser.agent.cookies.keys()].filter((name) => name.includes('_session_'))).toEqual([])
    await browser.authorize()
    const response = await browser.agent.request(authorizeUrl({ prompt: 'none' }))
    expect(response.status).toBe(303)
    expect(new URL(response.headers.get('location') ?? '').searchParams.get('code')).not.toBeNull()
  })

  test('prompt=login asks again and tells a new time of authentication', async () => {
    const browser = createBrowser(pool.base)
    const before = await browser.signIn()
    pool.clock.ahead = 30
    try {
      const page = await browser.agent.visit(authorizeUrl({ prompt: 'login' }))
      expect(page.heading).toBe('Sign in')
      const after = await browser.signIn({ prompt: 'login' })
      const age = (token: string): number => Number(decode(token)['auth_time'])
      expect(age(after.idToken) - age(before.idToken)).toBeGreaterThanOrEqual(29)
    } finally {
      pool.clock.ahead = 0
    }
  })

  test('max_age asks again once the sign-in is older, and not before', async () => {
    const browser = createBrowser(pool.base)
    pool.clock.ahead = -100
    await browser.authorize()
    pool.clock.ahead = 0
    expect((await browser.agent.visit(authorizeUrl({ max_age: '1000' }))).url.searchParams.has('code')).toBe(true)
    const silent = await browser.agent.visit(authorizeUrl({ max_age: '50', prompt: 'none' }))
    expect(silent.url.searchParams.get('error')).toBe('login_required')
    const page = await browser.agent.visit(authorizeUrl({ max_age: '50' }))
    expect(page.heading).toBe('Sign in')
    const answer = await page.submit({ username: ana.Username, password })
    expect(answer.url.searchParams.has('code')).toBe(true)
  })

  test('max_age=0 asks again at once', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    expect((await browser.agent.visit(authorizeUrl({ max_age: '0' }))).heading).toBe('Sign in')
  })

  test('id_token_hint of the same user is silent, of another one is login_required', async () => {
    const browser = createBrowser(pool.base)
    const { idToken } = await browser.signIn()
    const same = await browser.agent.visit(authorizeUrl({ prompt: 'none', id_token_hint: idToken }))
    expect(same.url.searchParams.has('code')).toBe(true)
    const { userPool } = await pool.snapshot()
    await createUser(pool.domain, { userPool, username: 'bob', attributes: {}, password, permanent: true })
    const bob = createBrowser(pool.base, { username: 'bob' })
    await bob.authorize()
    const other = await bob.agent.visit(authorizeUrl({ prompt: 'none', id_token_hint: idToken }))
    expect(other.url.searchParams.get('error')).toBe('login_required')
  })

  test('signing in as somebody else shows no page of the engine', async () => {
    const browser = createBrowser(pool.base)
    const first = await browser.signIn()
    const { userPool } = await pool.snapshot()
    await createUser(pool.domain, { userPool, username: 'eve', attributes: {}, password, permanent: true })
    const choice = await browser.agent.visit(authorizeUrl({ prompt: 'select_account' }))
    const page = await choice.follow('Use another account')
    expect([page.heading, page.field('username')]).toEqual(['Sign in', ''])
    const answer = await page.submit({ username: 'eve', password })
    expect(answer.url.origin + answer.url.pathname).toBe(callback)
    const again = await browser.signIn()
    expect(decode(again.idToken)).toMatchObject({ 'cognito:username': 'eve' })
    expect(decode(again.idToken)['sub']).not.toBe(decode(first.idToken)['sub'])
  })
})

describe('the first page', () => {
  test('prompt=create is the sign-up page', async () => {
    const page = await createUserAgent(pool.base).visit(authorizeUrl({ prompt: 'create' }))
    expect(page.url.pathname).toBe('/signup')
  })

  test('login_hint fills in the name, escaped', async () => {
    const page = await createUserAgent(pool.base).visit(authorizeUrl({ login_hint: '"><b>ana' }))
    expect(page.field('username')).toBe('"><b>ana')
    expect(page.html).not.toContain('<b>ana')
  })

  test.each([
    ['/login', '/login'],
    ['/signup', '/signup'],
    ['/forgotPassword', '/forgotPassword'],
  ])('%s may be linked to with the parameters of a request', async (link, path) => {
    const page = await createUserAgent(pool.base).visit(authorizeUrl({}).replace('/oauth2/authorize', link))
    expect([page.url.pathname, page.status]).toEqual([path, 200])
    expect(page.url.searchParams.has('flow')).toBe(true)
  })

  test('a deep link checks the request as the endpoint does', async () => {
    const hostile = authorizeUrl({ redirect_uri: 'https://evil.example/' }).replace('/oauth2/authorize', '/login')
    const page = await createUserAgent(pool.base).visit(hostile)
    expect([page.status, page.url.origin]).toEqual([400, pool.base])
  })
})
