import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs } from '../../support/visitor.ts'
import { followsOn } from '../../support/way-on.ts'

const account = { username: 'ada@example.com', password: goodPassword }

describe.each(databaseKinds)('cookies, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
    await haveAccount(server, account)
  })
  afterAll(() => server.stop())

  /** A browser that keeps no cookies, until it is told to. */
  function forgetfulBrowser(): UserAgent & { allowCookies(): void } {
    const agent = createUserAgent(server.publicUrl)
    const keep = agent.cookies.set.bind(agent.cookies)
    agent.cookies.set = () => agent.cookies
    return { ...agent, allowCookies: () => Object.assign(agent.cookies, { set: keep }) }
  }

  test('turned off: the page says so, and once they are on it leads to the app', async () => {
    const browser = forgetfulBrowser()
    const { login } = await visitorOf(server, 'email', { browser })
    expect(login).toMatchObject({ status: 400, heading: 'Your browser didn’t keep our cookie' })
    expect(login.text).toContain('Please allow cookies for this site')
    // Reloading, or starting over as it is, says the same again.
    expect((await browser.visit(login.url.href)).heading).toBe(login.heading)
    expect((await visitorOf(server, 'email', { browser })).login.heading).toBe(login.heading)
    browser.allowCookies()
    expect(whereItIs(await followsOn(server, browser, login, 'Start over', account))).toBe('the app')
  })

  test.each(['/login', '/signup', '/forgotPassword'])(
    'turned off, at %s as a deep link: the page says so',
    async (path) => {
      const { authorization } = await visitorOf(server)
      const page = await forgetfulBrowser().visit(authorization.url.replace('/oauth2/authorize', path))
      expect(page).toMatchObject({ status: 400, heading: 'Your browser didn’t keep our cookie' })
    },
  )

  test('turned off on the way: the form says so', async () => {
    const { login } = await visitorOf(server)
    const body = new URLSearchParams({ _csrf: login.field('_csrf') ?? '', flow: login.field('flow') ?? '', ...account })
    const page = await forgetfulBrowser().visit('/login?client_id=email', { method: 'POST', body })
    expect(page).toMatchObject({ status: 400, heading: 'Your browser didn’t keep our cookie' })
  })

  test('cleared on the way: the page says so, and leads to the app', async () => {
    const visitor = await visitorOf(server)
    visitor.cookies.clear()
    const page = await visitor.login.submit(account)
    expect(page).toMatchObject({ status: 400, heading: 'This was begun in another browser' })
    expect(page.text).toContain('it has lost our cookie since')
    expect(whereItIs(await followsOn(server, visitor, page, 'Start over', account))).toBe('the app')
  })

  test('a page sent to another browser: it says so, tells nothing of the request, and leads to the app', async () => {
    const visitor = await visitorOf(server, 'email', { parameters: { login_hint: 'ada@example.com' } })
    const { state, nonce } = visitor.authorization
    for (const browser of [createUserAgent(server.publicUrl), await visitorOf(server)]) {
      const page = await browser.visit(visitor.login.url.href)
      expect(page).toMatchObject({ status: 400, heading: 'This was begun in another browser' })
      for (const secret of [state, nonce, 'ada@example.com']) expect(page.html).not.toContain(secret)
      expect(whereItIs(await followsOn(server, browser, page, 'Start over', account))).toBe('the app')
    }
    expect(whereItIs(await visitor.login.submit(account))).toBe('the app')
  })

  test('a page finished in another browser’s stead stays its own: the answer goes to the browser that asked', async () => {
    const visitor = await visitorOf(server)
    const other = await visitorOf(server)
    expect(whereItIs(await other.login.submit(account))).toBe('the app')
    expect((await other.visit(visitor.login.url.href)).heading).toBe('This was begun in another browser')
    const app = await visitor.login.submit(account)
    expect(app.url.searchParams.get('state')).toBe(visitor.authorization.state)
  })

  test('the round trip is made once, and to a page of ours', async () => {
    const { login } = await visitorOf(server)
    const browser = createUserAgent(server.publicUrl)
    const first = await browser.request(`${login.url.href}&redirect_uri=https://evil.example/`)
    const location = first.headers.get('location') ?? ''
    expect([first.status, location]).toEqual([
      303,
      expect.stringMatching(/^\/login\?client_id=email&flow=[\w-]{43}&cookie=sent$/),
    ])
    browser.cookies.clear()
    expect((await browser.request(new URL(location, server.publicUrl).href)).status).toBe(400)
  })
})
