import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieName } from '../../../src/security/cookies.ts'
import { haveAccount } from '../../support/accounts.ts'
import { decode } from '../../support/relying-party.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, userPoolId, visitorOf, whereItIs } from '../../support/visitor.ts'

describe.each(databaseKinds)('two user pools of one server, on %s', (database) => {
  const account = { username: 'ada@example.com', password: goodPassword }
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
    await haveAccount(server, account)
  })
  afterAll(() => server.stop())

  test('a user of one is unknown to the other', async () => {
    const { login } = await visitorOf(server, 'profile')
    expect((await login.submit(account)).text).toContain('Incorrect username or password.')
    const forgot = await login.follow('Forgot your password?')
    const before = await server.mail()
    await forgot.submit({ username: account.username })
    expect(await server.mail()).toEqual(before)
  })

  test('a session at one is none at the other, under whatever cookie name', async () => {
    const here = await visitorOf(server)
    const app = await here.login.submit(account)
    expect(whereItIs(app)).toBe('the app')
    expect(whereItIs(await here.visit(here.authorization.url))).toBe('the app')
    const there = await visitorOf(server, 'profile', { browser: here })
    expect(there.login.heading).toBe('Sign in')
    const session = here.cookies.get(cookieName('session', userPoolId('email'), false))
    expect(session).toMatch(/^[\w-]{43}$/)
    here.cookies.set(cookieName('session', userPoolId('profile'), false), session!)
    expect((await here.visit(there.authorization.url)).heading).toBe('Sign in')
  })

  test('a flow begun at one cannot be walked at the other', async () => {
    const { login, visit, cookies } = await visitorOf(server)
    const browser = cookies.get(cookieName('browser', userPoolId('email'), false))
    cookies.set(cookieName('browser', userPoolId('profile'), false), browser!)
    const elsewhere = `/${userPoolId('profile')}/login`
    expect((await visit(`${elsewhere}${login.url.search}`)).heading).toBe('We don’t know this app')
    const flowOnly = `${elsewhere}?flow=${login.url.searchParams.get('flow')}`
    expect((await visit(flowOnly)).heading).toBe('That took a little too long')
    const body = new URLSearchParams({
      _csrf: login.field('_csrf') ?? '',
      flow: login.field('flow') ?? '',
      ...account,
    })
    expect((await visit(elsewhere, { method: 'POST', body })).heading).toBe('That took a little too long')
    expect(whereItIs(await login.submit(account))).toBe('the app')
  })

  test('tokens name their own issuer, and open nothing elsewhere', async () => {
    const here = await visitorOf(server)
    const { body } = await here.tokensFrom(await here.login.submit(account))
    expect(decode(body.access_token)).toMatchObject({ iss: `${server.publicUrl}/${userPoolId('email')}` })
    const userInfo = (base: string): Promise<Response> =>
      fetch(`${base}/oauth2/userInfo`, { headers: { authorization: `Bearer ${body.access_token}` } })
    expect((await userInfo(server.publicUrl)).status).toBe(200)
    expect((await userInfo(`${server.publicUrl}/${userPoolId('email')}`)).status).toBe(200)
    expect((await userInfo(`${server.publicUrl}/${userPoolId('profile')}`)).status).toBe(401)
  })

  test('signing out at one leaves the session at the other alone', async () => {
    const browser = createUserAgent(server.publicUrl)
    const there = { username: 'grace@example.com', password: goodPassword }
    await haveAccount(server, { ...there, userPoolId: userPoolId('phone'), username: '+4930901820' })
    const email = await visitorOf(server, 'email', { browser })
    expect(whereItIs(await email.login.submit(account))).toBe('the app')
    const phone = await visitorOf(server, 'phone', { browser })
    expect(whereItIs(await phone.login.submit({ ...there, username: '+4930901820' }))).toBe('the app')
    expect((await browser.visit(`${phone.base}/logout?client_id=phone`)).heading).toBe('You’re signed out')
    expect((await browser.visit(phone.authorization.url)).heading).toBe('Sign in')
    expect(whereItIs(await browser.visit(email.authorization.url))).toBe('the app')
  })

  test('another pool’s app is unknown, and so is a pool that does not exist', async () => {
    const { visit } = await visitorOf(server)
    const query = 'client_id=profile&response_type=code'
    expect((await visit(`/oauth2/authorize?${query}`)).heading).toBe('We don’t know this app')
    expect(await visit('/eu-west-1_nobody/login?client_id=email')).toMatchObject({ status: 404 })
    expect(await visit(`/${userPoolId('email').toUpperCase()}/login?client_id=email`)).toMatchObject({ status: 404 })
  })
})
