import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { cookieName } from '../../src/security/cookies.ts'
import {
  callback,
  configurationOf,
  createBrowser,
  otherPoolId,
  password,
  poolId,
  refresh,
  startPool,
  userInfo,
} from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'

const home = 'https://app.example.com/'
const special = 'com.example.app:/out?x=a%20b'

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        several: { LogoutURLs: ['http://localhost:4000/out', special] },
        none: { LogoutURLs: [] },
      },
    }),
  })
})
afterAll(() => pool.stop())

const address = (parameters: Record<string, string>, base = pool.base): string =>
  `${base}/logout?${new URLSearchParams(parameters).toString()}`

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  (await browser.authorize({ prompt: 'none' })).answer.searchParams.has('code')

const location = (response: Response): string | null => {
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect([302, 303]).toContain(response.status)
  return response.headers.get('location')
}

describe('Cognito’s way out', () => {
  test('client_id and logout_uri: the session ends, the tokens live on', async () => {
    const browser = createBrowser(pool.base)
    const { accessToken, refreshToken } = await browser.signIn()
    const [name = '', handle = ''] = [...browser.agent.cookies].find(([key]) => key.startsWith('lk_session_')) ?? []
    const response = await browser.agent.request(address({ client_id: 'app', logout_uri: home }))
    expect(location(response)).toBe(home)
    expect(browser.agent.cookies.has(name)).toBe(false)
    expect(await isSignedIn(browser)).toBe(false)
    // Not only the cookie is gone: its value is worth nothing.
    browser.agent.cookies.set(name, handle)
    expect(await isSignedIn(browser)).toBe(false)
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })

  test('another browser of the same user stays signed in', async () => {
    const [one, two] = [createBrowser(pool.base), createBrowser(pool.base)]
    await one.authorize()
    await two.authorize()
    await one.agent.request(address({ client_id: 'app', logout_uri: home }))
    expect(await isSignedIn(two)).toBe(true)
  })

  test('redirect_uri: the session ends, and the login page of the next sign-in comes', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize({ client_id: 'backend' })
    const parameters = {
      client_id: 'backend',
      redirect_uri: callback,
      response_type: 'code',
      state: 's',
      scope: 'openid email',
    }
    const page = await browser.agent.visit(address(parameters))
    expect([page.heading, page.url.pathname]).toEqual(['Sign in', '/login'])
    const answer = await page.submit({ username: 'ana', password })
    expect(answer.url.origin + answer.url.pathname).toBe(callback)
    expect(answer.url.searchParams.get('state')).toBe('s')
    expect(answer.url.searchParams.has('code')).toBe(true)
  })

  test('logout_uri wins over redirect_uri', async () => {
    const response = await createBrowser(pool.base).agent.request(
      address({ client_id: 'app', logout_uri: home, redirect_uri: callback }),
    )
    expect(location(response)).toBe(home)
  })

  test('a registered address is taken to the letter', async () => {
    const { agent } = createBrowser(pool.base)
    const out = await agent.request(address({ client_id: 'several', logout_uri: special }))
    expect(location(out)).toBe(special)
  })
})

describe('OpenID Connect’s way out', () => {
  test('id_token_hint, post_logout_redirect_uri and state', async () => {
    const browser = createBrowser(pool.base)
    const { idToken } = await browser.signIn()
    const state = 'a&b=c#d"\r\n'
    const response = await browser.agent.request(
      address({ id_token_hint: idToken, post_logout_redirect_uri: home, state }),
    )
    const target = new URL(location(response) ?? '')
    expect(target.origin + target.pathname).toBe(home)
    expect(Object.fromEntries(target.searchParams)).toEqual({ state })
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('client_id may name the client instead, or say the same', async () => {
    const browser = createBrowser(pool.base)
    const { idToken } = await browser.signIn()
    for (const parameters of [{ client_id: 'app' }, { client_id: 'app', id_token_hint: idToken }] as object[]) {
      const url = address({ ...parameters, post_logout_redirect_uri: home })
      expect(location(await browser.agent.request(url))).toBe(home)
    }
  })

  test('by POST', async () => {
    const browser = createBrowser(pool.base)
    const { idToken } = await browser.signIn()
    const body = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: home, state: 's' })
    const response = await browser.agent.request(`${pool.base}/logout`, { method: 'POST', body })
    expect(location(response)).toBe(`${home}?state=s`)
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('an expired hint is as good', async () => {
    const browser = createBrowser(pool.base)
    const { idToken } = await browser.signIn()
    const url = address({ id_token_hint: idToken, post_logout_redirect_uri: home })
    try {
      pool.clock.ahead = 7200
      expect(location(await browser.agent.request(url))).toBe(home)
    } finally {
      pool.clock.ahead = 0
    }
  })

  test('a hint is enough to sign in again', async () => {
    const browser = createBrowser(pool.base)
    const { idToken } = await browser.signIn({ client_id: 'backend' })
    const page = await browser.agent.visit(address({ id_token_hint: idToken, redirect_uri: callback }))
    expect(page.heading).toBe('Sign in')
  })

  test('with nothing at all ends the session on a page', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const page = await browser.agent.visit(`${pool.base}/logout`)
    expect([page.status, page.url.pathname]).toEqual([200, '/logout'])
    expect(await isSignedIn(browser)).toBe(false)
  })
})

describe('global_sign_out=true', () => {
  const everywhere = (idToken: string, more: Record<string, string> = {}): string =>
    address({ id_token_hint: idToken, post_logout_redirect_uri: home, global_sign_out: 'true', ...more })
  /** Somebody of their own, so that the others stay as they are. */
  async function joined(username: string): Promise<Browser> {
    const { userPool } = await pool.snapshot()
    await createUser(pool.domain, { userPool, username, attributes: {}, password, permanent: true })
    return createBrowser(pool.base, { username })
  }

  test('ends all sessions and refresh tokens of whoever is signed in', async () => {
    const browser = await joined('gus')
    const { idToken, refreshToken, accessToken } = await browser.signIn()
    const other = createBrowser(pool.base, { username: 'gus' })
    await other.authorize()
    expect(location(await browser.agent.request(everywhere(idToken, { state: 'bye' })))).toBe(`${home}?state=bye`)
    expect(await isSignedIn(browser)).toBe(false)
    expect(await isSignedIn(other)).toBe(false)
    expect((await refresh(pool.base, refreshToken)).status).toBe(400)
    expect((await userInfo(pool.base, accessToken)).status).toBe(401)
  })

  test('leads to the next sign-in as well, which knows nothing of it', async () => {
    const browser = await joined('una')
    const { idToken } = await browser.signIn({ client_id: 'backend' })
    const parameters = { id_token_hint: idToken, redirect_uri: callback, global_sign_out: 'true', state: 's' }
    const response = await browser.agent.request(address(parameters))
    const target = new URL(location(response) ?? '', pool.base)
    expect(Object.fromEntries(target.searchParams)).toEqual({
      client_id: 'backend',
      redirect_uri: callback,
      response_type: 'code',
      state: 's',
    })
  })

  test('is refused of anybody else, and then nothing ends', async () => {
    const [browser, stranger] = [await joined('ida'), await joined('max')]
    const [{ idToken, refreshToken }] = [await browser.signIn(), await stranger.authorize()]
    const nobody = createBrowser(pool.base)
    for (const asking of [stranger, nobody]) {
      const page = await asking.agent.visit(everywhere(idToken))
      expect([page.status, page.heading]).toEqual([400, 'We couldn’t sign you out everywhere'])
    }
    // Without an ID token there is no proof that the app means this person.
    const hintless = address({ client_id: 'app', logout_uri: home, global_sign_out: 'true' })
    expect((await browser.agent.visit(hintless)).status).toBe(400)
    expect([await isSignedIn(browser), await isSignedIn(stranger)]).toEqual([true, true])
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })

  test('with a wrong address ends nothing', async () => {
    const browser = await joined('liv')
    const { idToken, refreshToken } = await browser.signIn()
    const page = await browser.agent.visit(everywhere(idToken, { post_logout_redirect_uri: 'https://evil.example/' }))
    expect(page.status).toBe(400)
    expect(await isSignedIn(browser)).toBe(true)
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })

  test('false is as good as left out; anything else is refused', async () => {
    const browser = await joined('kit')
    const { idToken, refreshToken } = await browser.signIn()
    for (const value of ['', 'TRUE', 'True', '1', 'yes', 'true ', 'null', 'x'.repeat(1000)]) {
      expect((await browser.agent.visit(everywhere(idToken, { global_sign_out: value }))).status).toBe(400)
    }
    expect(await isSignedIn(browser)).toBe(true)
    expect(location(await browser.agent.request(everywhere(idToken, { global_sign_out: 'false' })))).toBe(home)
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })
})

describe('values that nobody would send', () => {
  const out = { client_id: 'app', logout_uri: home }
  const states = [
    '',
    ' ',
    '\0',
    '\r\nSet-Cookie: a=b',
    '"><script>alert(1)</script>',
    '\u{1F600}\u0301',
    '\ud800',
    '#&?=+%',
  ]

  test.each([...states, 'x'.repeat(6000)])('the state %.20j comes back as it was', async (state) => {
    const response = await createBrowser(pool.base).agent.request(address({ ...out, state }))
    const target = new URL(location(response) ?? '')
    expect(target.origin + target.pathname).toBe(home)
    expect([...target.searchParams]).toEqual([['state', state.toWellFormed()]])
    expect(response.headers.getSetCookie()).toEqual([])
  })

  test('parameters that are not ours are left alone', async () => {
    const more = { scope: 'x', nonce: '\0', response_type: 'token', constructor: 'y', __proto__: 'z', '': 'w' }
    expect(location(await createBrowser(pool.base).agent.request(address({ ...more, ...out })))).toBe(home)
  })

  test('a cookie that is no session’s is taken away all the same', async () => {
    const { agent } = createBrowser(pool.base)
    const name = cookieName('session', poolId, false)
    for (const value of ['x', 'A'.repeat(4000), '../..', '%00']) {
      agent.cookies.set(name, value)
      const response = await agent.request(address(out))
      expect(location(response)).toBe(home)
      expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(`^${name}=; Path=/; Max-Age=0; `)])
    }
  })
})

describe('a wrong way out is a page, leaves the session, and leads nowhere:', () => {
  let browser: Browser
  let idToken: string
  let accessToken: string
  let foreign: string
  beforeAll(async () => {
    browser = createBrowser(pool.base)
    ;({ idToken, accessToken } = await browser.signIn())
    foreign = (await createBrowser(`${pool.base}/${otherPoolId}`).signIn()).idToken
  })

  async function expectPage(parameters: Record<string, string>): Promise<void> {
    const body = new URLSearchParams(parameters)
    for (const response of [
      await browser.agent.request(address(parameters)),
      await browser.agent.request(`${pool.base}/logout`, { method: 'POST', body }),
    ]) {
      expect([response.status, response.headers.get('location')]).toEqual([400, null])
      const html = await response.text()
      expect(html).not.toMatch(/evil\.example|javascript:|http-equiv="refresh"/i)
    }
    expect(await isSignedIn(browser)).toBe(true)
  }

  const targets = [
    ...[
      'javascript:alert(1)',
      'JAVASCRIPT:alert(1)',
      'java\tscript:alert(1)',
      ' javascript:alert(1)',
      'data:text/html,x',
    ],
    ...['vbscript:x', 'file:///etc/passwd', 'https://evil.example/', '//evil.example', '/\\evil.example', '/', ''],
    ...[
      'https://app.example.com',
      'https://app.example.com//',
      'https://app.example.com/?',
      'https://app.example.com/#x',
    ],
    ...[
      'https://app.example.com/x',
      'http://app.example.com/',
      'https://APP.example.com/',
      'https://app.example.com:443/',
    ],
    ...[
      'https://app.example.com@evil.example/',
      'https://app.example.com\\.evil.example/',
      'https://app.example.com./',
    ],
    ...['https://app.example.com/\r\nSet-Cookie: a=b', callback, '*', 'http://localhost:4000/out'],
  ]

  test.each(targets)('logout_uri %j', async (target) => {
    await expectPage({ client_id: 'app', logout_uri: target })
    await expectPage({ id_token_hint: idToken, post_logout_redirect_uri: target })
  })

  test.each(['javascript:alert(1)', 'https://evil.example/', home, `${callback}/`, ''])(
    'redirect_uri %j',
    async (target) => {
      await expectPage({ client_id: 'app', response_type: 'code', redirect_uri: target })
    },
  )

  test('a client that has registered none', async () => {
    await expectPage({ client_id: 'none', logout_uri: home })
  })

  test('no client, an unknown one, or two that differ', async () => {
    await expectPage({ logout_uri: home })
    await expectPage({ post_logout_redirect_uri: home })
    await expectPage({ client_id: 'nobody', logout_uri: home })
    await expectPage({ client_id: '__proto__', logout_uri: home })
    await expectPage({ client_id: 'backend', id_token_hint: idToken, post_logout_redirect_uri: home })
  })

  test('a hint that is not an ID token of ours', async () => {
    const [head = '', payload = ''] = idToken.split('.')
    for (const hint of [
      foreign,
      accessToken,
      'x',
      '',
      'e30.e30.e30',
      `${head}.${payload}.`,
      `${idToken.slice(0, -8)}AAAAAAAA`,
    ]) {
      await expectPage({ id_token_hint: hint, post_logout_redirect_uri: home })
      await expectPage({ client_id: 'app', id_token_hint: hint, post_logout_redirect_uri: home })
    }
  })

  test('a hint that is huge', async () => {
    await expectPage({ id_token_hint: `${idToken}${'A'.repeat(2000)}`, post_logout_redirect_uri: home })
    const body = new URLSearchParams({ id_token_hint: 'A'.repeat(60_000), post_logout_redirect_uri: home })
    const posted = await browser.agent.request(`${pool.base}/logout`, { method: 'POST', body })
    expect(posted.status).toBe(400)
  })

  test.each(['client_id', 'logout_uri', 'redirect_uri', 'post_logout_redirect_uri', 'id_token_hint', 'state', 'x'])(
    '%s twice, the same or not',
    async (name) => {
      const url = address({ client_id: 'app', id_token_hint: idToken, logout_uri: home, [name]: home })
      for (const again of [home, 'https://evil.example/']) {
        const response = await browser.agent.request(`${url}&${name}=${encodeURIComponent(again)}`)
        expect([response.status, response.headers.get('location')]).toEqual([400, null])
      }
      expect(await isSignedIn(browser)).toBe(true)
    },
  )

  test('a good address beside one that wins and is wrong', async () => {
    const wrong = { client_id: 'app', logout_uri: 'https://evil.example/' }
    await expectPage({ ...wrong, post_logout_redirect_uri: home })
    await expectPage({ ...wrong, redirect_uri: callback, response_type: 'code' })
    await expectPage({ client_id: 'app', logout_uri: '', redirect_uri: callback })
  })

  test('an address that stands twice', async () => {
    const url = `${address({ client_id: 'app', logout_uri: home })}&logout_uri=https://evil.example/`
    const response = await browser.agent.request(url)
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
    const body = new URLSearchParams([
      ['client_id', 'app'],
      ['logout_uri', home],
      ['logout_uri', 'https://evil.example/'],
    ])
    const posted = await browser.agent.request(`${pool.base}/logout`, { method: 'POST', body })
    expect([posted.status, posted.headers.get('location')]).toEqual([400, null])
    expect(await isSignedIn(browser)).toBe(true)
  })
})
