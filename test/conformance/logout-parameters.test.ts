import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { callback, codeForm, createBrowser, password, startPool } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

/*
 * Every parameter of /logout (reference: hosted UI §8), good, missing, empty, twice, huge and hostile, by GET and by POST.
 * An answer is a redirect to a registered address, one to the next sign-in, or a page; and the session ends exactly when it
 * is not a refusal.
 */

const home = 'https://app.example.com/'

let pool: ConformancePool
let browser: Browser
let idToken: string
beforeAll(async () => {
  pool = await startPool()
  browser = createBrowser(pool.base)
  idToken = (await browser.signIn()).idToken
})
afterAll(() => pool.stop())

const methods = ['GET', 'POST'] as const
type Method = (typeof methods)[number]
type Parameters = Record<string, string | readonly string[] | undefined>

const pairsOf = (parameters: Parameters): [string, string][] =>
  Object.entries(parameters).flatMap(([name, value]) =>
    [value ?? []].flat().map((each): [string, string] => [name, each]),
  )

async function ask(method: Method, parameters: Parameters | string): Promise<Response> {
  const sent = typeof parameters === 'string' ? parameters : new URLSearchParams(pairsOf(parameters)).toString()
  const address = `${pool.base}/logout`
  if (method === 'GET') return browser.agent.request(`${address}?${sent}`)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return browser.agent.request(address, { method, body: sent, headers })
}

type Outcome = 'home' | 'sign-in' | 'page' | 'refused'

/** Which of the orderly answers it is; anything else fails. */
async function outcomeOf(response: Response): Promise<Outcome> {
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.getSetCookie().join()).not.toContain('stolen')
  const location = response.headers.get('location')
  if (location === null) {
    const html = await response.text()
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(html).not.toMatch(/<script>alert|evil\.example/)
    expect(load(html)('h1').text()).not.toBe('')
    expect([200, 400]).toContain(response.status)
    return response.status === 200 ? 'page' : 'refused'
  }
  expect(response.status).toBe(303)
  if (location === home || location.startsWith(`${home}?state=`)) return 'home'
  expect(location).toMatch(/^\/oauth2\/authorize\?/)
  expect(new URLSearchParams(location.split('?')[1]).get('client_id')).toBe('app')
  return 'sign-in'
}

const isSignedIn = async (): Promise<boolean> => {
  const { url } = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, prompt: 'none' })
  return (await browser.agent.visit(url)).url.searchParams.has('code')
}

/** Signed in before; afterwards exactly when it was refused. */
async function expectOutcome(method: Method, parameters: Parameters | string, expected: Outcome): Promise<void> {
  if (!(await isSignedIn())) await browser.signIn()
  const what = typeof parameters === 'string' ? parameters.slice(0, 200) : JSON.stringify(parameters).slice(0, 200)
  expect([what, await outcomeOf(await ask(method, parameters))]).toEqual([what, expected])
  expect([what, await isSignedIn()]).toEqual([what, expected === 'refused'])
}

const huge = 'x'.repeat(10_000)
const out = { client_id: 'app', logout_uri: home }
const oidc = () => ({ id_token_hint: idToken, post_logout_redirect_uri: home })
const again = { client_id: 'app', redirect_uri: callback, response_type: 'code' }

type Row = [what: string, parameters: () => Parameters, outcome: Outcome]
const row = (what: string, parameters: Parameters, outcome: Outcome): Row => [what, () => parameters, outcome]

const table: Record<string, readonly Row[]> = {
  client_id: [
    row('good', out, 'home'),
    row('missing', { logout_uri: home }, 'refused'),
    row('missing, and nothing else either', {}, 'page'),
    row('alone', { client_id: 'app' }, 'page'),
    row('empty', { ...out, client_id: '' }, 'refused'),
    row('empty, and alone', { client_id: '' }, 'refused'),
    row('unknown', { ...out, client_id: 'nobody' }, 'refused'),
    row('in other letters', { ...out, client_id: 'APP' }, 'refused'),
    row('twice the same', { ...out, client_id: ['app', 'app'] }, 'refused'),
    row('of objects', { ...out, client_id: '__proto__' }, 'refused'),
    row('huge', { ...out, client_id: huge }, 'refused'),
    ['another than the hint’s', () => ({ ...oidc(), client_id: 'backend' }), 'refused'],
  ],
  logout_uri: [
    row('good', out, 'home'),
    row('empty', { ...out, logout_uri: '' }, 'refused'),
    row('twice the same', { ...out, logout_uri: [home, home] }, 'refused'),
    row('that is a callback', { ...out, logout_uri: callback }, 'refused'),
    row('huge', { ...out, logout_uri: home + huge }, 'refused'),
    row('beside a redirect_uri, which it outweighs', { ...again, ...out }, 'home'),
  ],
  redirect_uri: [
    row('good', again, 'sign-in'),
    row('empty', { ...again, redirect_uri: '' }, 'refused'),
    row('twice the same', { ...again, redirect_uri: [callback, callback] }, 'refused'),
    row('that is a logout URL', { ...again, redirect_uri: home }, 'refused'),
    row('huge', { ...again, redirect_uri: callback + huge }, 'refused'),
    row('without a response_type', { client_id: 'app', redirect_uri: callback }, 'sign-in'),
  ],
  response_type: [
    row('empty', { ...again, response_type: '' }, 'sign-in'),
    row('of no use here', { ...out, response_type: 'nonsense' }, 'home'),
    row('twice', { ...again, response_type: ['code', 'code'] }, 'refused'),
    row('huge', { ...again, response_type: huge }, 'sign-in'),
  ],
  post_logout_redirect_uri: [
    ['good', oidc, 'home'],
    row('with a client_id', { client_id: 'app', post_logout_redirect_uri: home }, 'home'),
    row('without either', { post_logout_redirect_uri: home }, 'refused'),
    ['empty', () => ({ ...oidc(), post_logout_redirect_uri: '' }), 'refused'],
    ['twice', () => ({ ...oidc(), post_logout_redirect_uri: [home, home] }), 'refused'],
    ['huge', () => ({ ...oidc(), post_logout_redirect_uri: home + huge }), 'refused'],
  ],
  id_token_hint: [
    ['good, and alone', () => ({ id_token_hint: idToken }), 'page'],
    row('empty', { ...out, id_token_hint: '' }, 'refused'),
    ['twice', () => ({ ...oidc(), id_token_hint: [idToken, idToken] }), 'refused'],
    ['cut short', () => ({ ...oidc(), id_token_hint: idToken.slice(0, -5) }), 'refused'],
    row('huge', { ...out, id_token_hint: huge }, 'refused'),
  ],
  state: [
    row('good', { ...out, state: 's' }, 'home'),
    row('empty', { ...out, state: '' }, 'home'),
    row('twice', { ...out, state: ['a', 'b'] }, 'refused'),
    row('huge', { ...out, state: huge }, 'home'),
  ],
  global_sign_out: [
    row('false', { ...out, global_sign_out: 'false' }, 'home'),
    row('true, without a hint', { ...out, global_sign_out: 'true' }, 'refused'),
    row('empty', { ...out, global_sign_out: '' }, 'refused'),
    row('twice', { ...out, global_sign_out: ['false', 'false'] }, 'refused'),
    row('huge', { ...out, global_sign_out: huge }, 'refused'),
  ],
}

const hostile: Readonly<Record<string, string>> = {
  blanks: '   ',
  'a zero byte': 'a\0b',
  'line breaks': 'a\r\nSet-Cookie: stolen=1\r\n\r\n<script>alert(1)</script>',
  markup: '"><script>alert(1)</script>',
  'a template': '{{ constructor }}{% assign x = 1 %}',
  'an address elsewhere': 'https://evil.example/',
  'an address without scheme': '//evil.example/\\@x',
  script: 'javascript:alert(1)',
  'percent signs': '%00%0d%0a%252e%',
  SQL: "' OR 1=1; --",
  'other letters': '\u202e\u{1F600}é\u0301ﬀ\u2028\ufeff',
  'half a letter': '\ud800',
  'a name of objects': '__proto__',
}

/** Passed on to the next sign-in, and of no use without one. */
const passedOn = ['scope', 'nonce', 'code_challenge', 'code_challenge_method', 'lang', 'ui_locales', 'login_hint']

describe.each(methods)('by %s', (method) => {
  describe.each(Object.entries(table))('%s', (_name, rows) => {
    test.each(rows)('%s', (_what, parameters, outcome) => expectOutcome(method, parameters(), outcome))
  })

  test.each(Object.entries(hostile))('%s in a parameter that decides is refused', async (_what, value) => {
    for (const parameters of [
      { ...out, client_id: value },
      { ...out, logout_uri: value },
      { ...again, redirect_uri: value },
      { ...oidc(), post_logout_redirect_uri: value },
      { ...out, id_token_hint: value },
      { ...out, global_sign_out: value },
    ]) {
      await expectOutcome(method, parameters, 'refused')
    }
  })

  test.each(Object.entries(hostile))('%s in any other one changes nothing', async (_what, value) => {
    for (const name of [...passedOn, 'response_type', 'state', 'identity_provider', 'x']) {
      expect(await outcomeOf(await ask(method, { ...out, [name]: value }))).toBe('home')
      expect(await outcomeOf(await ask(method, { ...again, [name]: value }))).toBe('sign-in')
    }
  })

  test('bytes that are no text are no trouble', async () => {
    for (const name of ['client_id', 'logout_uri', 'redirect_uri', 'id_token_hint', 'state', 'lang', 'x']) {
      for (const bytes of ['%ff', '%c0%ae', '%ed%a0%80', '%', '%zz', '%u0041', '+']) {
        const outcome = await outcomeOf(await ask(method, `client_id=app&${name}=${bytes}`))
        expect(['refused', 'page']).toContain(outcome)
      }
    }
  })

  test.each([...passedOn, 'x'])('%s of the next sign-in may stand once', async (name) => {
    await expectOutcome(method, { ...again, [name]: 'a' }, 'sign-in')
    await expectOutcome(method, { ...again, [name]: ['a', 'a'] }, 'refused')
  })
})

test('what stands beside redirect_uri reaches the next sign-in as it was, and what is ours does not', async () => {
  const beside = {
    scope: 'openid email',
    state: 'a&b=c#d"\r\n',
    nonce: '\u{1F600}',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWB2DBsGIHtcs',
    code_challenge_method: 'S256',
    lang: 'de',
    resource: 'https://api.example.com/v1',
    login_hint: 'somebody',
  }
  const response = await ask('GET', { ...again, ...beside, global_sign_out: 'false', id_token_hint: idToken })
  const target = new URL(response.headers.get('location') ?? '', pool.base)
  expect(Object.fromEntries(target.searchParams)).toEqual({ ...again, ...beside })
  const login = await browser.agent.visit(target.href)
  expect([login.heading, login.field('username')]).toEqual(['Anmelden', 'somebody'])
  const answer = await login.submit({ username: 'ana', password })
  expect(answer.url.searchParams.get('state')).toBe(beside.state)
})

test('without a scope the next sign-in asks for all that the client may have', async () => {
  const asked = authorizationRequest(pool.base, again)
  const { agent } = createBrowser(pool.base)
  const login = await agent.visit(asked.url.replace('/oauth2/authorize', '/logout'))
  const { url } = await login.submit({ username: 'ana', password })
  const { body } = await requestTokens(pool.base, codeForm(url, asked))
  expect(body.scope).toBe('openid email phone profile aws.cognito.signin.user.admin api/read api/write')
})

describe('what is far too long', () => {
  test.each(['client_id', 'logout_uri', 'redirect_uri', 'id_token_hint', 'state', 'x'])('%s', async (name) => {
    const value = 'x'.repeat(100_000)
    const host = new URL(pool.base).host
    const answer = await rawRequest(pool.port, `/logout?client_id=app&${name}=${value}`, { headers: { host } }).catch(
      (error: unknown) => {
        // Told while still sending, a client may find the connection closed.
        expect(['ECONNRESET', 'EPIPE']).toContain((error as NodeJS.ErrnoException).code)
        return undefined
      },
    )
    if (answer !== undefined) expect(answer.status).toBe(431)
    expect(await outcomeOf(await ask('POST', { client_id: 'app', [name]: value }))).toBe('refused')
  })

  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'nonsense'])(
    'a form of the type %s is none',
    async (type) => {
      const body = new URLSearchParams(out).toString()
      const headers = { 'content-type': type }
      const response = await browser.agent.request(`${pool.base}/logout`, { method: 'POST', body, headers })
      expect(await outcomeOf(response)).toBe('refused')
    },
  )
})
