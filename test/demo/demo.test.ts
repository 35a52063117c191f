import { decodeJwt } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startDemo, words, type DemoSite } from './demo-browser.ts'
import { startStandInServer, type StandInServer } from './stand-in-server.ts'

let server: StandInServer
let site: DemoSite

beforeEach(async () => {
  server = await startStandInServer()
  site = await startDemo({ issuer: () => server.issuer })
})

afterEach(async () => {
  await site[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

test('a visitor signs in and sees the tokens decoded', async () => {
  const browser = site.open()
  const home = await browser.get('/demo')
  expect(home.page).toMatchObject({
    view: 'pages/demo-home',
    signIn: { href: '/demo/sign-in' },
    otherSignIn: { href: '/demo/sign-in?app=two' },
  })
  expect(home.headers.get('cache-control')).toBe('no-store')
  expect(home.page.alert).toBeUndefined()

  const started = await browser.get('/demo/sign-in')
  expect(started.status).toBe(303)
  expect(started.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^demo_session=[\w-]{43}; Path=\/demo; HttpOnly; SameSite=Lax$/),
  ])
  const request = new URL(started.location)
  expect(request.origin + request.pathname).toBe(`${server.issuer}/authorize`)
  expect(Object.fromEntries(request.searchParams)).toEqual({
    response_type: 'code',
    client_id: 'demo',
    redirect_uri: `${site.url}/demo/callback`,
    scope: 'openid email profile',
    state: expect.stringMatching(/^[\w-]{43}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  })

  const handle = browser.cookies.get('demo_session')
  const callback = await browser.get((await browser.get(started.location)).location)
  expect([callback.status, callback.location]).toEqual([303, '/demo'])
  expect(browser.cookies.get('demo_session')).not.toBe(handle)

  const { page, headers } = await browser.get('/demo')
  expect(page).toMatchObject({ view: 'pages/demo-tokens', user: { name: 'Ada <b>', email: 'ada@example.com' } })
  expect(page.tokens!.map((token) => token.title)).toEqual([
    'demo.texts.accessToken',
    'demo.texts.idToken',
    'demo.texts.refreshToken',
  ])
  const [accessToken, idToken, refreshToken] = page.tokens!
  expect(JSON.parse(accessToken!.header!)).toEqual({ alg: 'ES256', kid: 'k1' })
  expect(JSON.parse(idToken!.payload!)).toEqual(decodeJwt(idToken!.raw))
  expect(accessToken!.expiresText).toMatch(/^demo\.texts\.expiresIn \{"duration":"3(600|59\d) s"\}$/)
  expect(refreshToken).toMatchObject({
    raw: expect.stringContaining('opaque'),
    expiresText: 'demo.texts.expiryUnknown',
  })
  expect(refreshToken!.payload).toBeUndefined()
  expect(JSON.parse(page.actions!.userInfo!)).toEqual({ sub: 'sub-ada', email: 'ada@example.com' })
  // The sign-out form ends at the server: browsers hold a form's redirects against form-action too.
  expect(headers.get('content-security-policy')).toContain(`form-action 'self' ${new URL(server.issuer).origin};`)
  expect(headers.get('content-security-policy')).toContain(`'nonce-${page.cspNonce}'`)
})

test('sign-ins started in two tabs both finish', async () => {
  const browser = site.open()
  const first = await browser.comeBack()
  const second = await browser.comeBack('?app=two')
  await browser.get(first)
  const { page: one } = await browser.get('/demo')
  expect(one.tokens![0]!.payload).toContain('"client_id": "demo"')
  await browser.get(second)
  const { page: two } = await browser.get('/demo')
  expect(two.tokens![0]!.payload).toContain('"client_id": "demo-two"')
  // A new sign-in is a new session to the forms as well.
  expect(two.actions!.signOut.csrf).not.toBe(one.actions!.signOut.csrf)
})

test('only listed prompts are passed on, and only the two apps exist', async () => {
  const browser = site.open()
  const promptOf = async (query: string) =>
    new URL((await browser.get(`/demo/sign-in${query}`)).location).searchParams.get('prompt')
  expect(await promptOf('?prompt=login')).toBe('login')
  expect(await promptOf('?prompt=none')).toBe('none')
  expect(await promptOf('?prompt=admin')).toBeNull()
  expect((await browser.get('/demo/sign-in?app=three')).status).toBe(404)
  expect((await browser.get('/demo/refresh')).status).toBe(405)
})

test('an answer with another state is not taken, nor is its text shown', async () => {
  const browser = site.open()
  const callback = new URL(await browser.comeBack())
  callback.searchParams.set('state', 'x'.repeat(43))
  callback.searchParams.set('error_description', 'Please call this number')
  expect((await browser.get(callback.href)).location).toBe('/demo')
  expect((await browser.get('/demo')).page).toMatchObject({
    view: 'pages/demo-home',
    alert: { kind: 'error', text: 'demo.texts.unknownSignIn' },
  })
  expect(server.tokenRequests).toHaveLength(0)
  expect((await browser.get('/demo')).page.alert).toBeUndefined()
})

test('an answer meant for another browser signs nobody in', async () => {
  const callback = await site.open().comeBack()
  const victim = site.open()
  const withoutSession = await victim.get(callback)
  expect(withoutSession.status).toBe(400)
  expect(withoutSession.page.alert!.text).toBe('demo.texts.unknownSignIn')
  await victim.get('/demo/sign-in')
  await victim.get(callback)
  expect((await victim.get('/demo')).page.view).toBe('pages/demo-home')
  expect(server.tokenRequests).toHaveLength(0)
})

test('an answer counts once, and only with one state', async () => {
  const browser = site.open()
  const callback = await browser.comeBack()
  await browser.get(`${callback}&state=another`)
  expect((await browser.get('/demo')).page.alert!.text).toBe('demo.texts.unknownSignIn')
  await browser.get(callback)
  await browser.get(callback)
  expect((await browser.get('/demo')).page).toMatchObject({
    view: 'pages/demo-tokens',
    alert: { text: 'demo.texts.unknownSignIn' },
  })
  expect(server.tokenRequests).toHaveLength(1)
})

test('a sign-in that took longer than four hours has to start again', async () => {
  const browser = site.open()
  const callback = await browser.comeBack()
  site.passTime(4 * 3600 + 1)
  await browser.get(callback)
  expect((await browser.get('/demo')).page.alert!.text).toBe('demo.texts.unknownSignIn')
})

test('an ID token that the server did not sign is refused', async () => {
  server.behaviour.forgeSignature = true
  const page = await site.open().signIn()
  expect(page.view).toBe('pages/demo-home')
  expect(page.alert!.text).toMatch(/^demo\.texts\.untrusted .*signature/)
})

test('an ID token with the nonce of another sign-in is refused', async () => {
  server.behaviour.nonce = 'another'
  const page = await site.open().signIn()
  expect(page.view).toBe('pages/demo-home')
  expect(page.alert!.text).toMatch(/^demo\.texts\.untrusted .*nonce/)
})

test('an error of the server is shown, with a way to try again', async () => {
  const error = { error: 'access_denied', error_description: '<script>alert(1)</script>' }
  server.behaviour.authorizationError = error
  const browser = site.open()
  const page = await browser.signIn()
  expect(page.view).toBe('pages/demo-home')
  const text = words('demo.texts.refusedBecause', { error: error.error, description: error.error_description })
  expect(page.alert).toEqual({ kind: 'error', text })
  expect(page.signIn).toEqual({ href: '/demo/sign-in' })
  server.behaviour.authorizationError = undefined
  expect((await browser.signIn()).view).toBe('pages/demo-tokens')
})

test('refreshing brings new tokens', async () => {
  const browser = site.open()
  const before = await browser.signIn()
  const { action, csrf } = before.actions!.refresh!
  const refreshed = await browser.post(action, { _csrf: csrf })
  expect([refreshed.status, refreshed.location]).toEqual([303, '/demo'])
  const { page: after } = await browser.get('/demo')
  expect(after.alert).toEqual({ kind: 'success', text: 'demo.texts.refreshed' })
  for (const index of [0, 1, 2]) expect(after.tokens![index]!.raw).not.toBe(before.tokens![index]!.raw)
  await browser.post(action, { _csrf: csrf })
  expect((await browser.get('/demo')).page.alert!.kind).toBe('success')
})

test('a double click on refresh uses the refresh token once', async () => {
  const browser = site.open()
  const { action, csrf } = (await browser.signIn()).actions!.refresh!
  server.behaviour.refreshDelayMs = 200 // so that the second click comes while the first is on its way
  await Promise.all([browser.post(action, { _csrf: csrf }), browser.post(action, { _csrf: csrf })])
  expect((await browser.get('/demo')).page.alert!.kind).toBe('success')
  expect(server.tokenRequests.map((request) => request.get('grant_type'))).toEqual([
    'authorization_code',
    'refresh_token',
  ])
})

test('a revoked refresh token is said to be so and not offered again', async () => {
  const browser = site.open()
  const { action, csrf } = (await browser.signIn()).actions!.refresh!
  server.behaviour.refuseRefresh = true
  await browser.post(action, { _csrf: csrf })
  const { page } = await browser.get('/demo')
  expect(page.view).toBe('pages/demo-tokens')
  expect(page.alert!.text).toMatch(/^demo\.texts\.refusedBecause .*invalid_grant.*revoked/)
  expect(page.actions!.refresh).toBeUndefined()
  await browser.post(action, { _csrf: csrf })
  expect((await browser.get('/demo')).page.alert!.text).toBe('demo.texts.formExpired')
})

test('refreshed tokens of another user are refused', async () => {
  const browser = site.open()
  const before = await browser.signIn()
  server.behaviour.sub = 'sub-eve'
  await browser.post('/demo/refresh', { _csrf: before.actions!.refresh!.csrf })
  const { page } = await browser.get('/demo')
  expect(page.alert!.text).toMatch(/^demo\.texts\.untrusted .*another sub/)
  expect(page.tokens![1]!.raw).toBe(before.tokens![1]!.raw)
  expect(page.actions!.userInfo).toBeUndefined()
})

test('a refusal of userInfo is shown beside the tokens', async () => {
  server.behaviour.refuseUserInfo = true
  const page = await site.open().signIn()
  expect(page.view).toBe('pages/demo-tokens')
  expect(page.alert!.text).toMatch(/^demo\.texts\.refusedBecause .*invalid_token.*Access token revoked/)
})

test('signing out ends the session here and goes on to the server', async () => {
  const browser = site.open()
  const page = await browser.signIn()
  const handle = browser.cookies.get('demo_session')!
  const { action, csrf } = page.actions!.signOut
  const signedOut = await browser.post(action, { _csrf: csrf })
  expect(signedOut.status).toBe(303)
  const url = new URL(signedOut.location)
  expect(url.origin + url.pathname).toBe(`${server.issuer}/logout`)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'demo',
    id_token_hint: page.tokens![1]!.raw,
    post_logout_redirect_uri: `${site.url}/demo`,
  })
  expect(browser.cookies.size).toBe(0)
  expect((await browser.get('/demo')).page).toMatchObject({ view: 'pages/demo-home' })
  browser.cookies.set('demo_session', handle)
  expect((await browser.get('/demo')).page.view).toBe('pages/demo-home')
})

test.each([
  ['without a token', {}],
  ['with another token', { _csrf: 'x'.repeat(43) }],
  ['with an endless body', { _csrf: 'x'.repeat(100_000) }],
])('a form posted %s changes nothing', async (_how, form) => {
  const browser = site.open()
  await browser.signIn()
  for (const path of ['/demo/refresh', '/demo/sign-out']) {
    const answer = await browser.post(path, form)
    expect(answer.status).toBe(403)
    expect(answer.page.alert!.text).toBe('demo.texts.formExpired')
  }
  expect((await browser.get('/demo')).page.view).toBe('pages/demo-tokens')
  expect(server.tokenRequests).toHaveLength(1)
})

test('a session ends after eight hours, and says so once', async () => {
  const browser = site.open()
  const { csrf } = (await browser.signIn()).actions!.signOut
  site.passTime(8 * 60 * 60 + 1)
  const posted = await browser.post('/demo/refresh', { _csrf: csrf })
  expect([posted.status, posted.page.alert!.text]).toEqual([403, 'demo.texts.sessionExpired'])
  expect((await browser.get('/demo')).page.alert).toEqual({ kind: 'info', text: 'demo.texts.sessionExpired' })
  expect((await browser.get('/demo')).page.alert).toBeUndefined()
})
