import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createUser, signOutUser } from '../../src/domain/users/administer-user.ts'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, codeForm, configurationOf, createBrowser, password, startPool } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'

/* What an app may ask of the pages: `prompt` and `max_age` of OpenID Connect Core §3.1.2.1, `prompt=create`. */

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({ clients: { never: { SSOSession: { MaxValidityMinutes: 0 } } } }),
  })
  const { userPool } = await pool.snapshot()
  await createUser(pool.domain, { userPool, username: 'bob', attributes: {}, password, permanent: true })
})
afterEach(() => {
  pool.clock.ahead = 0
})
afterAll(() => pool.stop())

type Parameters = Record<string, string | undefined>

const urlFor = (parameters: Parameters): string =>
  authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, state: 's', ...parameters }).url

async function signedIn(): Promise<Browser> {
  const browser = createBrowser(pool.base)
  await browser.authorize()
  return browser
}

const refusal = (page: VisitedPage) => {
  expect(page.url.origin + page.url.pathname).toBe(callback)
  expect([page.url.searchParams.get('state'), page.url.searchParams.get('iss')]).toEqual(['s', pool.issuer])
  return page.url.searchParams.get('error')
}
const hasCode = (page: VisitedPage): boolean => page.url.searchParams.has('code')
const sessionOf = (agent: UserAgent) => [...agent.cookies].find(([name]) => name.startsWith('lk_session_'))?.[1]

describe('prompt', () => {
  test.each([
    ...['none login', 'login none', 'none consent', 'none select_account', 'none create', 'none login consent'],
    ...['None', 'NONE', 'Login', 'SELECT_ACCOUNT', 'logn', 'login,consent', 'login  none', ' ', 'login\t', '0', 'null'],
    ...['__proto__', 'constructor', '<script>', 'nöne', 'x'.repeat(3000), 'login\u00a0consent'],
  ])('%.30j is an invalid request, with a session or without', async (prompt) => {
    const url = urlFor({ prompt })
    expect(refusal(await createUserAgent(pool.base).visit(url))).toBe('invalid_request')
    expect(refusal(await (await signedIn()).agent.visit(url))).toBe('invalid_request')
  })

  test.each(['none', 'login', 'create'])('%s twice is an invalid request', async (prompt) => {
    for (const again of ['none', prompt]) {
      const page = await createUserAgent(pool.base).visit(`${urlFor({ prompt })}&prompt=${again}`)
      expect(refusal(page)).toBe('invalid_request')
    }
  })

  test('empty is as good as none at all', async () => {
    expect((await createUserAgent(pool.base).visit(urlFor({ prompt: '' }))).heading).toBe('Sign in')
    expect(hasCode(await (await signedIn()).agent.visit(urlFor({ prompt: '' })))).toBe(true)
  })
})

describe('prompt=none', () => {
  test('without a session: login_required; with one: a code', async () => {
    const prompt = 'none'
    expect(refusal(await createUserAgent(pool.base).visit(urlFor({ prompt })))).toBe('login_required')
    expect(hasCode(await (await signedIn()).agent.visit(urlFor({ prompt })))).toBe(true)
  })

  test('leaves no flow, and no cookie of one, behind', async () => {
    const agent = createUserAgent(pool.base)
    const response = await agent.request(urlFor({ prompt: 'none' }))
    expect(response.headers.getSetCookie()).toEqual([])
  })

  // Browsers look at these headers where a redirect ends: see interop/oidc-client-ts for a frame that is answered.
  test('is answered by a redirect, and each page of ours may not be framed', async () => {
    const { agent } = await signedIn()
    for (const silent of [urlFor({ prompt: 'none' }), urlFor({ prompt: 'none', max_age: '0' })]) {
      expect((await agent.request(silent)).status).toBe(303)
    }
    const pages = [
      await agent.visit(urlFor({ prompt: 'login' })),
      await agent.visit(urlFor({ prompt: 'select_account' })),
      await agent.visit(urlFor({ prompt: 'create' })),
      // Nothing silent about a request that may not be answered anywhere.
      await agent.visit(urlFor({ prompt: 'none', redirect_uri: 'https://evil.example/' })),
    ]
    for (const { url, headers } of pages) {
      expect([url.pathname, headers.get('x-frame-options')]).toEqual([url.pathname, 'DENY'])
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })
})

describe('a fault of ours', () => {
  const faults: [string, (store: ConformancePool['domain']['store']) => () => void][] = [
    [
      'where the session is read',
      ({ browserSessions }) => {
        const { find } = browserSessions
        browserSessions.find = () => Promise.reject(new Error('the database is gone'))
        return () => void (browserSessions.find = find)
      },
    ],
    [
      'where the code is written',
      ({ grants }) => {
        const { addCode } = grants
        grants.addCode = () => Promise.reject(new Error('the database is gone'))
        return () => void (grants.addCode = addCode)
      },
    ],
  ]

  test.each(faults)('%s reaches the app that asks in silence, for nobody looks at the page', async (_what, spoil) => {
    const { agent } = await signedIn()
    const mend = spoil(pool.domain.store)
    try {
      expect(refusal(await agent.visit(urlFor({ prompt: 'none' })))).toBe('server_error')
      const { url } = await agent.visit(urlFor({ prompt: 'none', response_mode: 'fragment' }))
      expect(new URLSearchParams(url.hash.slice(1)).get('error')).toBe('server_error')
      const posted = await agent.visit(urlFor({ prompt: 'none', response_mode: 'form_post' }))
      expect([posted.field('error'), posted.field('state')]).toEqual(['server_error', 's'])
      const unknown = await agent.visit(urlFor({ prompt: 'none', redirect_uri: 'https://evil.example/' }))
      expect(unknown.heading).toBe('We can’t send you back to this app')
    } finally {
      mend()
    }
    expect(hasCode(await agent.visit(urlFor({ prompt: 'none' })))).toBe(true)
  })

  test.each(faults)('%s is told to a person on a page', async (_what, spoil) => {
    const { agent } = await signedIn()
    const mend = spoil(pool.domain.store)
    try {
      expect(await agent.visit(urlFor({}))).toMatchObject({ status: 500, heading: 'Something went wrong on our side' })
    } finally {
      mend()
    }
  })
})

describe('prompt=login', () => {
  test('asks again with the name filled in; the time of authentication is new, and so is the session’s handle', async () => {
    const browser = createBrowser(pool.base)
    const before = await browser.signIn()
    const handle = sessionOf(browser.agent)
    pool.clock.ahead = 60
    const page = await browser.agent.visit(urlFor({ prompt: 'login' }))
    expect([page.heading, page.field('username')]).toEqual(['Sign in', 'ana'])
    const after = await browser.signIn({ prompt: 'login' })
    const time = (token: string): number => Number(decode(token)['auth_time'])
    expect(time(after.idToken) - time(before.idToken)).toBeGreaterThanOrEqual(59)
    expect(sessionOf(browser.agent)).not.toBe(handle)
  })

  test('a hint of the app’s own goes before the name that is known', async () => {
    const { agent } = await signedIn()
    const page = await agent.visit(urlFor({ prompt: 'login', login_hint: 'bob' }))
    expect(page.field('username')).toBe('bob')
  })

  test('left without an answer, changes nothing', async () => {
    const { agent } = await signedIn()
    const handle = sessionOf(agent)
    await agent.visit(urlFor({ prompt: 'login' }))
    expect(hasCode(await agent.visit(urlFor({ prompt: 'none' })))).toBe(true)
    expect(sessionOf(agent)).toBe(handle)
  })

  test('a name that is known fills in nothing once its session is gone', async () => {
    const { agent } = await signedIn()
    const [name = ''] = [...agent.cookies].find(([key]) => key.startsWith('lk_session_')) ?? []
    agent.cookies.delete(name)
    expect((await agent.visit(urlFor({ prompt: 'login' }))).field('username')).toBe('')
  })
})

describe('prompt=create', () => {
  test('is the sign-up page, whoever is signed in', async () => {
    for (const agent of [createUserAgent(pool.base), (await signedIn()).agent]) {
      expect((await agent.visit(urlFor({ prompt: 'create' }))).url.pathname).toBe('/signup')
    }
  })

  test('together with login is it too, and signing in there answers both', async () => {
    const { agent } = await signedIn()
    const page = await agent.visit(urlFor({ prompt: 'login create' }))
    expect(page.url.pathname).toBe('/signup')
    const login = await page.follow('Sign in')
    expect(hasCode(await login.submit({ username: 'ana', password }))).toBe(true)
  })
})

describe('prompt=select_account', () => {
  const choose = (agent: UserAgent, parameters: Parameters = {}) =>
    agent.visit(urlFor({ prompt: 'select_account', ...parameters }))

  test('without a session is the sign-in page', async () => {
    const page = await choose(createUserAgent(pool.base))
    expect([page.url.pathname, page.heading]).toEqual(['/login', 'Sign in'])
    expect(hasCode(await page.submit({ username: 'ana', password }))).toBe(true)
  })

  test('names who is signed in, and goes on as that account without a password', async () => {
    const browser = createBrowser(pool.base)
    const before = await browser.signIn()
    pool.clock.ahead = 60
    const request = authorizationRequest(pool.base, {
      client_id: 'app',
      redirect_uri: callback,
      prompt: 'select_account',
    })
    const page = await browser.agent.visit(request.url)
    expect([page.url.pathname, page.heading]).toEqual(['/selectAccount', 'Which account?'])
    expect(page.text).toContain('Continue as ana')
    const answer = await page.submit({})
    const { body } = await requestTokens(pool.base, codeForm(answer.url, request))
    const claims = (token: string | undefined) => decode(token)
    expect(claims(body.id_token)['sub']).toBe(claims(before.idToken)['sub'])
    // Nobody has signed in anew, and the token does not say so.
    expect(claims(body.id_token)['auth_time']).toBe(claims(before.idToken)['auth_time'])
  })

  test('leads to another account', async () => {
    const { agent } = await signedIn()
    const page = await (await choose(agent)).follow('Use another account')
    expect([page.heading, page.field('username')]).toEqual(['Sign in', ''])
    expect(hasCode(await page.submit({ username: 'bob', password }))).toBe(true)
    expect((await choose(agent)).text).toContain('Continue as bob')
  })

  test('with prompt=login, or a max_age that has passed, asks for the password too', async () => {
    for (const also of [{ prompt: 'select_account login' }, { max_age: '0' }, { client_id: 'never' }]) {
      const { agent } = await signedIn()
      const page = await (await choose(agent, also)).submit({})
      expect([page.heading, page.field('username')]).toEqual(['Sign in', 'ana'])
      expect(hasCode(await page.submit({ password }))).toBe(true)
    }
  })

  test('somebody signed out meanwhile finds the sign-in page, and gets no code', async () => {
    const { userPool } = await pool.snapshot()
    const made = await createUser(pool.domain, { userPool, username: 'eve', attributes: {}, password, permanent: true })
    if (made.kind !== 'done') throw new Error(made.reason)
    const browser = createBrowser(pool.base, made.user)
    await browser.authorize()
    const page = await choose(browser.agent)
    pool.clock.ahead = 2
    await signOutUser(pool.domain, made.user)
    const after = await page.submit({})
    expect([after.url.pathname, after.heading]).toEqual(['/login', 'Sign in'])
  })

  test('somebody else signed in meanwhile is not taken for the one who was shown', async () => {
    const { agent } = await signedIn()
    const page = await choose(agent)
    const login = await agent.visit(urlFor({ prompt: 'login' }))
    expect(hasCode(await login.submit({ username: 'bob', password }))).toBe(true)
    const after = await page.submit({})
    expect([after.url.pathname, after.heading]).toEqual(['/login', 'Sign in'])
  })

  test('is answered once, by the browser that it was shown to', async () => {
    const { agent } = await signedIn()
    const page = await choose(agent)
    const stranger = createUserAgent(pool.base)
    expect((await stranger.visit(page.url.href)).status).toBe(400)
    const body = new URLSearchParams({ _csrf: page.field('_csrf') ?? '', flow: page.field('flow') ?? '' })
    const post = (from: UserAgent, form: URLSearchParams) =>
      from.visit(`${pool.base}/selectAccount?client_id=app`, { method: 'POST', body: form })
    expect((await post(stranger, body)).status).toBe(400)
    expect((await post(agent, new URLSearchParams({ flow: page.field('flow') ?? '' }))).status).toBe(403)
    expect(hasCode(await page.submit({}))).toBe(true)
    expect((await post(agent, body)).status).toBe(400)
  })

  test('its page is not reached by its address alone', async () => {
    const login = await createUserAgent(pool.base).visit(urlFor({}))
    expect(login.heading).toBe('Sign in')
    const { agent } = await signedIn()
    const other = await agent.visit(urlFor({ prompt: 'login' }))
    const page = await agent.visit(`${pool.base}/selectAccount${other.url.search}`)
    expect(page.url.pathname).toBe('/login')
    expect((await agent.visit(`${pool.base}/selectAccount`)).status).toBe(400)
  })
})

describe('max_age', () => {
  test.each(['-1', '1h', '1.5', '1e3', '0x10', ' 5', '+5', 'NaN', 'Infinity', '٣', '[]'])(
    '%j is no number of seconds',
    async (maxAge) => {
      const { agent } = await signedIn()
      expect(refusal(await agent.visit(urlFor({ max_age: maxAge })))).toBe('invalid_request')
    },
  )

  test('twice is an invalid request', async () => {
    const { agent } = await signedIn()
    expect(refusal(await agent.visit(`${urlFor({ max_age: '10' })}&max_age=1000`))).toBe('invalid_request')
  })

  const scopes: readonly Parameters[] = [{}, { scope: 'api/read', nonce: undefined }]
  test.each(scopes)('asks again once the sign-in is older, whatever the scope: %j', async (scope) => {
    const { agent } = await signedIn()
    pool.clock.ahead = 100
    expect(hasCode(await agent.visit(urlFor({ ...scope, max_age: '1000' })))).toBe(true)
    expect(hasCode(await agent.visit(urlFor({ ...scope, max_age: '9'.repeat(40) })))).toBe(true)
    expect(hasCode(await agent.visit(urlFor({ ...scope, max_age: '' })))).toBe(true)
    expect(refusal(await agent.visit(urlFor({ ...scope, max_age: '50', prompt: 'none' })))).toBe('login_required')
    const page = await agent.visit(urlFor({ ...scope, max_age: '50' }))
    expect([page.heading, page.field('username')]).toEqual(['Sign in', 'ana'])
    expect(hasCode(await page.submit({ password }))).toBe(true)
    expect(hasCode(await agent.visit(urlFor({ ...scope, max_age: '50' })))).toBe(true)
  })

  test.each(scopes)('0 always asks, and is content with the answer: %j', async (scope) => {
    const { agent } = await signedIn()
    expect(refusal(await agent.visit(urlFor({ ...scope, max_age: '0', prompt: 'none' })))).toBe('login_required')
    const page = await agent.visit(urlFor({ ...scope, max_age: '0' }))
    expect(page.heading).toBe('Sign in')
    expect(hasCode(await page.submit({ password }))).toBe(true)
  })

  test('is not to be undone by a parameter with our own name for it', async () => {
    const { agent } = await signedIn()
    pool.clock.ahead = 100
    expect((await agent.visit(urlFor({ max_age: '50', latchkey_max_age: '5000' }))).heading).toBe('Sign in')
    expect(hasCode(await agent.visit(urlFor({ latchkey_max_age: '50' })))).toBe(true)
  })

  test('counts through a deep link as well', async () => {
    const { agent } = await signedIn()
    const link = urlFor({ max_age: '0' }).replace('/oauth2/authorize', '/login')
    expect((await agent.visit(link)).heading).toBe('Sign in')
  })

  test('auth_time is in the ID token, and tells the sign-in, not the request', async () => {
    const browser = createBrowser(pool.base)
    const begun = Math.floor(Date.now() / 1000)
    const { idToken } = await browser.signIn({ max_age: '1000' })
    pool.clock.ahead = 100
    const later = await browser.signIn({ max_age: '1000' })
    expect(decode(idToken)['auth_time']).toBeGreaterThanOrEqual(begun)
    expect(decode(later.idToken)['auth_time']).toBe(decode(idToken)['auth_time'])
  })
})
