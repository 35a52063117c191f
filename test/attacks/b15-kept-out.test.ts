import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findUser, setUserPassword, signOutUser } from '../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { guesses, strangerFrom, times, verdictOf } from '../support/attackers.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { goodPassword, startServerWithPools, userPoolId, visitorOf } from '../support/visitor.ts'

/* Threat row B15: a lock that keeps out who guesses also keeps out whom they guess at. */

const owner = 'ada@example.com'
const knownCookie = `lk_known_${userPoolId('email')}`

describe.each(databaseKinds)('an account under attack, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
    await haveAccount(server, { username: owner, password: goodPassword })
    await haveAccount(server, { username: 'eve@example.com', password: goodPassword })
  })
  afterAll(() => server.stop())
  beforeEach(() => {
    // Whatever was locked has been silent for a day.
    clock.pass(86_400)
  })

  /** Signs in with a new browser, and leaves: what stays is the long-lived cookie alone. */
  async function browserOf(username: string, password = goodPassword): Promise<UserAgent> {
    const visitor = await visitorOf(server)
    expect(verdictOf(await visitor.login.submit({ username, password }))).toBe('right')
    return leave(visitor)
  }

  function leave({ cookies }: UserAgent): UserAgent {
    const browser = createUserAgent(server.publicUrl)
    browser.cookies.set(knownCookie, cookies.get(knownCookie) ?? '')
    return browser
  }

  const signIn = async (browser: UserAgent, password = goodPassword, username = owner) =>
    verdictOf(await (await visitorOf(server, 'email', { browser })).login.submit({ username, password }))

  /** Guesses until the account is locked for as long as can be. */
  async function attack(username = owner): Promise<void> {
    const { login } = await strangerFrom(server)
    let wait = 0
    while (wait < 900) {
      const answer = await login.submit({ username, password: 'Wrong-guess-1' })
      wait = Number(answer.headers.get('retry-after') ?? 0)
      if (wait < 900) clock.pass(wait)
    }
  }

  test('the owner goes on in the browser that they use; a fresh device waits a quarter of an hour', async () => {
    const browser = await browserOf(owner)
    await attack()
    const fresh = createUserAgent(server.publicUrl)
    expect(await signIn(fresh)).toBe('locked')
    expect(await signIn(browser)).toBe('right')
    expect(await signIn(fresh)).toBe('locked')
    clock.pass(900)
    expect(await signIn(fresh)).toBe('right')
  })

  test('the browser that is known has a counter of its own, and lets nobody in', async () => {
    const browser = await browserOf(owner)
    for (const expected of [...times(5, 'wrong'), 'locked'])
      expect(await signIn(browser, 'Wrong-guess-1')).toBe(expected)
    expect(await signIn(browser)).toBe('locked')
    expect(await signIn(createUserAgent(server.publicUrl))).toBe('right')
    expect(await signIn(browser)).toBe('locked')
    clock.pass(1)
    expect(await signIn(browser)).toBe('right')
  })

  test('somebody else’s browser, or one that says it is known, has no guesses of its own', async () => {
    const evesBrowser = await browserOf('eve@example.com')
    const liar = createUserAgent(server.publicUrl)
    liar.cookies.set(knownCookie, 'x'.repeat(43))
    const { login } = await strangerFrom(server)
    expect(await guesses(login, 5, () => ({ username: owner, password: 'Wrong-guess-1' }))).toEqual(times(5, 'wrong'))
    for (const browser of [evesBrowser, liar]) expect(await signIn(browser)).toBe('locked')
  })

  test('one browser may be known for several people', async () => {
    const shared = await browserOf('eve@example.com')
    expect(await signIn(shared)).toBe('right')
    const browser = leave(shared)
    await attack()
    await attack('eve@example.com')
    expect(await signIn(leave(browser))).toBe('right')
    expect(await signIn(leave(browser), goodPassword, 'eve@example.com')).toBe('right')
  })

  test('a password reset by mail gets in and lifts the lock for that browser', async () => {
    await attack()
    const visitor = await visitorOf(server)
    const known = await server.mail()
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username: owner })
    const code = await server.codeFor(owner, known)
    expect(verdictOf(await reset.submit({ code, password: goodPassword }))).toBe('right')
    expect(await signIn(leave(visitor))).toBe('right')
    expect(await signIn(createUserAgent(server.publicUrl))).toBe('locked')
  })

  test('an operator’s new password lifts the lock, whatever name was guessed at', async () => {
    await attack()
    expect(await signIn(createUserAgent(server.publicUrl))).toBe('locked')
    await setUserPassword(server.services.domain, userPoolOf(server), await ada(server.services), goodPassword, true)
    clock.pass(1)
    expect(await signIn(createUserAgent(server.publicUrl))).toBe('right')
  })

  test('signing up makes a browser known', async () => {
    const username = 'grace@example.com'
    const visitor = await visitorOf(server)
    const confirm = await (await visitor.login.follow('Create an account')).submit({ username, password: goodPassword })
    expect(verdictOf(await confirm.submit({ code: await server.codeFor(username) }))).toBe('right')
    await attack(username)
    expect(await signIn(leave(visitor), goodPassword, username)).toBe('right')
  })

  test.each<[string, (server: TestServer) => Promise<unknown>]>([
    ['signed out everywhere', async ({ services }) => signOutUser(services.domain, await ada(services))],
    [
      'given another password by an operator',
      async ({ services }) =>
        setUserPassword(services.domain, userPoolOf(server), await ada(services), goodPassword, true),
    ],
  ])('the browsers of who is %s are known no longer', async (_, act) => {
    const browser = await browserOf(owner)
    clock.pass(1)
    await act(server)
    clock.pass(1)
    await attack()
    expect(await signIn(browser)).toBe('locked')
  })

  async function ada({ domain }: TestServer['services']) {
    const user = await findUser(domain, userPoolOf(server), owner)
    if (user === undefined) throw new Error('the account is gone')
    return user
  }
})
