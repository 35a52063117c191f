import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieName } from '../../../src/security/cookies.ts'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, userPoolId, visitorOf, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'
import { followsOn } from '../../support/way-on.ts'

const hour = 3600
const account = { username: 'ada@example.com', password: goodPassword }

describe.each(databaseKinds)('a sign-in left open for too long, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
    await haveAccount(server, account)
  })
  afterAll(() => server.stop())

  const tables = () => server.services.database.kysely

  /** The request is the app's own, state and all: its answer is one that the app waits for. */
  async function startsAgain(visitor: Visitor, page: VisitedPage): Promise<VisitedPage> {
    expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
    expect(page.text).toContain('Nothing is lost: you can start again from here.')
    const app = await followsOn(server, visitor, page, 'Start again', account)
    expect(whereItIs(app)).toBe('the app')
    expect(app.url.searchParams.get('state')).toBe(visitor.authorization.state)
    expect((await visitor.tokensFrom(app)).status).toBe(200)
    return app
  }

  const walks: Readonly<Record<string, (visitor: Visitor) => Promise<VisitedPage>>> = {
    'the sign-in page': (visitor) => Promise.resolve(visitor.login),
    'the sign-up page': (visitor) => visitor.login.follow('Create an account'),
    'the page for a forgotten password': (visitor) => visitor.login.follow('Forgot your password?'),
    'the page for a sign-up code': async (visitor) =>
      (await visitor.login.follow('Create an account')).submit({ ...account, username: 'late@example.com' }),
    'the page for a reset code': async (visitor) =>
      (await visitor.login.follow('Forgot your password?')).submit({ username: 'ada@example.com' }),
  }

  test.each(Object.entries(walks))('%s, reloaded an hour later, offers to start again', async (_page, walk) => {
    const visitor = await visitorOf(server)
    const page = await walk(visitor)
    expect(page.status).toBe(200)
    clock.pass(hour)
    await startsAgain(visitor, await visitor.visit(page.url.href))
  })

  test.each(Object.entries(walks))('%s, sent an hour later, does too', async (_page, walk) => {
    const visitor = await visitorOf(server)
    const page = await walk(visitor)
    clock.pass(hour)
    await startsAgain(visitor, await page.submit({ ...account, code: '123456' }))
  })

  test('and so does another code asked for', async () => {
    const visitor = await visitorOf(server)
    const page = await walks['the page for a sign-up code']!(visitor)
    clock.pass(hour)
    await startsAgain(visitor, await page.submit({}, 'Send'))
  })

  test('the page for a forgotten password, linked to by the app, is where it starts again', async () => {
    const visitor = await visitorOf(server)
    const forgot = await visitor.visit(visitor.authorization.url.replace('/oauth2/authorize', '/forgotPassword'))
    clock.pass(hour)
    const again = await (await visitor.visit(forgot.url.href)).follow('Start again')
    expect(again).toMatchObject({ status: 200, heading: 'Forgot your password?' })
  })

  test('whoever has signed in meanwhile, in another tab, comes to the app at once', async () => {
    const visitor = await visitorOf(server)
    clock.pass(hour)
    const other = await visitorOf(server, 'email', { browser: visitor })
    expect(whereItIs(await other.login.submit(account))).toBe('the app')
    const app = await (await visitor.visit(visitor.login.url.href)).follow('Start again')
    expect(whereItIs(app)).toBe('the app')
    expect(app.url.searchParams.get('state')).toBe(visitor.authorization.state)
  })

  test('in another browser nothing of the request is told, and the app begins anew', async () => {
    const visitor = await visitorOf(server, 'email', { parameters: { login_hint: 'ada@example.com' } })
    const { state, nonce, url } = visitor.authorization
    const challenge = new URL(url).searchParams.get('code_challenge') ?? ''
    const other = await visitorOf(server)
    clock.pass(hour)
    for (const browser of [createUserAgent(server.publicUrl), other]) {
      const page = await browser.visit(visitor.login.url.href)
      expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
      for (const secret of [state, nonce, challenge, 'ada@example.com']) expect(page.html).not.toContain(secret)
      expect(whereItIs(await followsOn(server, browser, page, 'Start over', account))).toBe('the app')
    }
  })

  test('the offer stands for a day, and after that the app begins anew', async () => {
    const visitor = await visitorOf(server)
    clock.pass(hour + 23 * hour)
    await server.services.domain.store.housekeeping.deleteExpired(clock.now(), 1000)
    expect((await visitor.visit(visitor.login.url.href)).html).toContain('Start again')
    clock.pass(hour)
    const page = await visitor.visit(visitor.login.url.href)
    expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
    expect(whereItIs(await followsOn(server, visitor, page, 'Start over', account))).toBe('the app')
    await server.services.domain.store.housekeeping.deleteExpired(clock.now(), 1000)
    expect(
      await tables()
        .selectFrom('flows')
        .select('id_hash')
        .where('expires_at', '<', new Date(clock.now().getTime() - 24 * hour * 1000))
        .execute(),
    ).toEqual([])
  })

  test('an error page keeps an authenticated request’s conditions: prompt=login asks again', async () => {
    const visitor = await visitorOf(server, 'email', { parameters: { prompt: 'login' } })
    clock.pass(hour)
    const other = await visitorOf(server, 'email', { browser: visitor })
    expect(whereItIs(await other.login.submit(account))).toBe('the app')
    const again = await (await visitor.visit(visitor.login.url.href)).follow('Start again')
    expect(again.heading).toBe('Sign in')
  })

  test('the browser’s cookie lasts as long as the offer, by whatever clock', async () => {
    const { authorization } = await visitorOf(server)
    const response = await createUserAgent(server.publicUrl).request(authorization.url)
    const name = cookieName('browser', userPoolId('email'), false)
    const line = response.headers.getSetCookie().find((cookie) => cookie.startsWith(`${name}=`)) ?? ''
    expect(line).not.toMatch(/expires=|^$/i)
    // Without a life it stays until the browser is closed.
    expect(Number(/max-age=(\d+)/i.exec(line)?.[1] ?? Infinity)).toBeGreaterThanOrEqual(25 * hour)
  })

  describe('where the engine has forgotten its part', () => {
    test('of the request: the form’s answer offers to start again', async () => {
      const visitor = await visitorOf(server)
      await tables().deleteFrom('interactions').execute()
      await startsAgain(visitor, await visitor.login.submit(account))
    })

    test('between the last form and the answer: the page leads to the app', async () => {
      const visitor = await visitorOf(server)
      const body = new URLSearchParams({
        _csrf: visitor.login.field('_csrf')!,
        flow: visitor.login.field('flow')!,
        ...account,
      })
      const answer = await visitor.request(`${server.publicUrl}/login`, { method: 'POST', body })
      await tables().deleteFrom('interactions').execute()
      const page = await visitor.visit(answer.headers.get('location')!)
      expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
      expect(whereItIs(await followsOn(server, visitor, page, 'Start over', account))).toBe('the app')
    })

    test('in a cookie that the browser lost: the page leads to the app', async () => {
      const visitor = await visitorOf(server)
      const body = new URLSearchParams({
        _csrf: visitor.login.field('_csrf')!,
        flow: visitor.login.field('flow')!,
        ...account,
      })
      const answer = await visitor.request(`${server.publicUrl}/login`, { method: 'POST', body })
      for (const name of visitor.cookies.keys()) if (name.includes('resume')) visitor.cookies.delete(name)
      const page = await visitor.visit(answer.headers.get('location')!)
      expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
      expect(whereItIs(await followsOn(server, visitor, page, 'Start over', account))).toBe('the app')
    })

    test('of a request that never was, whatever its address says', async () => {
      const { authorization } = await visitorOf(server)
      const { visit } = createUserAgent(server.publicUrl)
      for (const query of ['', '?client_id=email', `?${authorization.url.split('?')[1]}`, '?client_id=nobody']) {
        const page = await visit(`/oauth2/authorize/${'A'.repeat(43)}${query}`)
        expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
      }
    })

    test('of the session: the next request asks for the password, and goes on', async () => {
      const visitor = await visitorOf(server)
      expect(whereItIs(await visitor.login.submit(account))).toBe('the app')
      const login = await visitor.visit(`${visitor.authorization.url}&prompt=login`)
      await tables().deleteFrom('browser_sessions').execute()
      expect(whereItIs(await login.submit(account))).toBe('the app')
      await tables().deleteFrom('browser_sessions').execute()
      const again = await visitor.visit(visitor.authorization.url)
      expect(again).toMatchObject({ status: 200, heading: 'Sign in' })
      expect(whereItIs(await again.submit(account))).toBe('the app')
    })
  })
})
