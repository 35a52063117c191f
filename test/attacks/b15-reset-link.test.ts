import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readResetLink, resetByLink } from '../../src/domain/recovery/reset-by-link.ts'
import { findUser, setUserPassword, signOutUser } from '../../src/domain/users/administer-user.ts'
import { setUserAttributes } from '../../src/domain/users/set-user-attributes.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { strangerFrom, verdictOf } from '../support/attackers.ts'
import { auditTrailOf } from '../support/audit-events.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, withoutIds } from '../support/visitor.ts'

/*
 * Threat row B15, the way that nobody can slow: the link beside the code of a forgotten password. Whoever keeps guessing
 * locks the password and the code on every device that is new to the account; the link cannot be guessed, so there is nothing
 * to lock. And what such a link must not be: one that works twice, for somebody else, for longer than it says, or after what it
 * was sent for has changed. Guards src/domain/recovery/reset-link.ts and src/domain/recovery/reset-by-link.ts. Scanners of mail
 * (row E10) open it, and change nothing.
 */

const newPassword = 'Babbage-Engine-2'

describe.each(databaseKinds)('the link of a reset mail, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
  })
  afterAll(() => server.stop())

  let people = 0
  const haveOwner = async (): Promise<string> => {
    const username = `owner-${(people += 1)}@example.com`
    await haveAccount(server, { username, password: goodPassword })
    return username
  }
  /** Asks for the mail, and returns the link in it. */
  const linkFor = async (username: string, browser = createUserAgent(server.publicUrl)): Promise<string> => {
    const before = await server.mail()
    const visitor = await visitorOf(server, 'email', { browser })
    await (await visitor.login.follow('Forgot your password?')).submit({ username })
    await server.codeFor(username, before)
    const [mail] = (await server.mail()).filter(({ to }) => to === username)
    return /https?:\S+\/resetLink\?\S+/.exec(mail?.text ?? '')?.[0] ?? ''
  }
  const open = (link: string, browser: UserAgent = createUserAgent(server.publicUrl)): Promise<VisitedPage> =>
    browser.visit(link)
  const signIn = async (username: string, password: string, browser = createUserAgent(server.publicUrl)) =>
    verdictOf(await (await visitorOf(server, 'email', { browser })).login.submit({ username, password }))
  const closed = 'This link doesn’t work any more'
  const altered = (link: string, change: Record<string, string>): string => {
    const url = new URL(link)
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value)
    return url.href
  }

  test('gets the owner in on a device that is new, while a stranger guesses at password and code', async () => {
    const username = await haveOwner()
    const attack = async (): Promise<void> => {
      const { login } = await strangerFrom(server)
      for (let wait = 0; wait < 900;) {
        const answer = await login.submit({ username, password: 'Wrong-guess-1' })
        wait = Number(answer.headers.get('retry-after') ?? 0)
        if (wait < 900) clock.pass(wait)
      }
      const stranger = await visitorOf(server)
      let reset = await (await stranger.login.follow('Forgot your password?')).submit({ username })
      for (let guess = 0; guess < 12 && reset.status !== 429; guess += 1) {
        reset = await reset.submit({ code: '000000', password: newPassword })
      }
    }
    await attack()
    const device = createUserAgent(server.publicUrl)
    expect(await signIn(username, goodPassword, device)).toBe('locked')
    clock.pass(31)
    const link = await linkFor(username, device)
    await attack()
    const page = await open(link, device)
    expect(page.text).toContain(username)
    const done = await page.submit({ password: newPassword })
    expect(done.heading).toBe('Your new password is saved')
    expect(await signIn(username, newPassword, createUserAgent(server.publicUrl))).toBe('locked')
    expect(await signIn(username, newPassword, device)).toBe('right')
  })

  test('works once, by its form alone, and says what to do afterwards', async () => {
    const username = await haveOwner()
    const link = await linkFor(username)
    const mail = await server.mail()
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET', 'GET']) await fetch(link, { method, redirect: 'manual' })
    expect(await server.mail()).toEqual(mail)
    expect(await signIn(username, goodPassword)).toBe('right')
    const page = await open(link)
    const weak = await page.submit({ password: 'short' })
    expect(weak.text).toContain('Your password doesn’t meet all of the points below yet.')
    expect((await weak.submit({ password: '' })).text).toContain('Please fill this in.')
    expect((await weak.submit({ password: newPassword })).heading).toBe('Your new password is saved')
    const again = await weak.submit({ password: 'Another-Engine-3' })
    expect([again.status, again.heading]).toEqual([400, closed])
    expect((await open(link)).heading).toBe(closed)
    expect(await signIn(username, newPassword)).toBe('right')
  })

  test('of two forms sent at once one sets its password', async () => {
    const username = await haveOwner()
    const link = await linkFor(username)
    const pages = await Promise.all([open(link), open(link)])
    const passwords = ['Engine-Number-1', 'Engine-Number-2'] as const
    const answers = await Promise.all(pages.map((page, index) => page.submit({ password: passwords[index] ?? '' })))
    expect(answers.map(({ heading }) => heading).sort()).toEqual([closed, 'Your new password is saved'].sort())
    const winner = answers.findIndex(({ heading }) => heading !== closed)
    expect(await signIn(username, passwords[winner] ?? '')).toBe('right')
    expect(await signIn(username, passwords[1 - winner] ?? '')).toBe('wrong')
  })

  test('ends with a day, a new password, a sign-out everywhere, another address, or the account', async () => {
    const { domain } = server.services
    const userPool = userPoolOf(server)
    const changes: Record<string, (username: string) => Promise<unknown>> = {
      'a day': () => Promise.resolve(clock.pass(86_400)),
      'a new password': async (name) =>
        setUserPassword(domain, userPool, (await findUser(domain, userPool, name))!, newPassword, true),
      'a sign-out everywhere': async (name) => signOutUser(domain, (await findUser(domain, userPool, name))!),
      'another address': async (name) =>
        setUserAttributes(domain, userPool, (await findUser(domain, userPool, name))!, {
          email: `new-${name}`,
          email_verified: 'true',
        }),
      'no account': async (name) =>
        domain.store.users.delete(userPool.id, (await findUser(domain, userPool, name))!.sub),
    }
    for (const [what, change] of Object.entries(changes)) {
      const username = await haveOwner()
      const link = await linkFor(username)
      const page = await open(link)
      expect([what, page.heading]).toEqual([what, 'Choose a new password'])
      await change(username)
      expect([what, (await page.submit({ password: 'Another-Engine-3' })).heading]).toEqual([what, closed])
      expect([what, (await open(link)).heading]).toEqual([what, closed])
    }
  })

  test('ends with an account that is switched off, or a pool that has closed this way since', async () => {
    const { domain } = server.services
    const userPool = userPoolOf(server)
    const username = await haveOwner()
    const link = new URL(await linkFor(username)).searchParams
    const parameter = (name: string): string => link.get(name) ?? ''
    const followed = {
      clientId: parameter('client_id'),
      userSub: parameter('user'),
      expires: parameter('expires'),
      signature: parameter('signature'),
    }
    const closedPool = { ...userPool, recoveryMechanisms: ['admin_only'] as const }
    const attempts = (pool: typeof userPool) => [
      readResetLink(domain, { userPool: pool, link: followed }),
      resetByLink(domain, { userPool: pool, link: followed, password: newPassword }),
    ]
    const refused = [undefined, { kind: 'refused', reason: 'linkClosed' }]
    expect(await Promise.all(attempts(closedPool))).toEqual(refused)
    // Alone, and not signed out as an operator's command would have it.
    const switchTo = (enabled: boolean) =>
      domain.store.users.update(userPool.id, followed.userSub, { enabled }, clock.now())
    await switchTo(false)
    expect(await Promise.all(attempts(userPool))).toEqual(refused)
    await switchTo(true)
    expect(await readResetLink(domain, { userPool, link: followed })).toMatchObject({ sub: followed.userSub })
  })

  test('ends the code beside it, and is on record', async () => {
    const username = await haveOwner()
    const before = await server.mail()
    const visitor = await visitorOf(server)
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username })
    const code = await server.codeFor(username, before)
    const [mail] = (await server.mail()).filter(({ to }) => to === username)
    const link = /https?:\S+\/resetLink\?\S+/.exec(mail?.text ?? '')?.[0] ?? ''
    expect((await (await open(link)).submit({ password: newPassword })).heading).toBe('Your new password is saved')
    expect(verdictOf(await reset.submit({ code, password: 'Another-Engine-3' }))).not.toBe('right')
    expect(await signIn(username, newPassword)).toBe('right')
    const sub = new URL(link).searchParams.get('user')
    const events = await auditTrailOf(server.services.domain, userPoolOf(server).id)
    const own = events.filter(({ subject, eventType }) => subject === sub && eventType === 'ForgotPassword')
    expect(own.map(({ response, detail }) => [response, detail])).toContainEqual(['Pass', '{"by":"link"}'])
  })

  test('is nobody else’s, and none that was made up; why is not told', async () => {
    const username = await haveOwner()
    const other = await haveOwner()
    const link = await linkFor(username)
    const otherLink = await linkFor(other)
    const parameter = (of: string, name: string): string => new URL(of).searchParams.get(name) ?? ''
    const used = await haveOwner()
    const usedLink = await linkFor(used)
    await (await open(usedLink)).submit({ password: newPassword })
    const wrong = [
      altered(link, { user: parameter(otherLink, 'user') }),
      altered(link, { user: '00000000-0000-4000-8000-000000000000' }),
      altered(link, { user: 'a\0b' }),
      altered(link, { expires: String(Number(parameter(link, 'expires')) + 1) }),
      altered(link, { expires: '1e99' }),
      altered(link, { signature: parameter(otherLink, 'signature') }),
      altered(link, { signature: '' }),
      altered(link, { signature: `${parameter(link, 'signature')}A` }),
      `${link}&user=${parameter(link, 'user')}`,
      link.replace('/resetLink', '/eu-west-1_alias/resetLink').replace('client_id=email', 'client_id=alias'),
      altered(link, { client_id: 'alias' }),
      usedLink,
    ]
    const pages = await Promise.all(wrong.map((address) => open(address)))
    for (const [index, page] of pages.entries()) {
      expect([wrong[index], page.status, page.heading]).toEqual([wrong[index], 400, closed])
    }
    const told = pages
      .filter(({ url }) => url.pathname === '/resetLink' && url.searchParams.get('client_id') === 'email')
      .map(({ html }) => withoutIds(html).replaceAll(/[?&;](user|expires|signature|lang)=[^"&]*|[\da-f-]{36}/g, ''))
    expect([told.length > 5, new Set(told).size]).toEqual([true, 1])
    expect((await open(link)).heading).toBe('Choose a new password')
  })

  test('has a form that is this browser’s and this link’s', async () => {
    const username = await haveOwner()
    const link = await linkFor(username)
    const mine = createUserAgent(server.publicUrl)
    const page = await open(link, mine)
    const others = await open(link)
    const otherLink = await open(await linkFor(await haveOwner()), mine)
    for (const token of ['', others.field('_csrf') ?? '', otherLink.field('_csrf') ?? '']) {
      expect((await page.submit({ password: newPassword, _csrf: token })).status).toBe(403)
    }
    expect(await signIn(username, goodPassword)).toBe('right')
  })

  test('stands in no message but the one to the address in force', async () => {
    const phone = await visitorOf(server, 'phone')
    await haveAccount(server, {
      username: '+442079460958',
      password: goodPassword,
      userPoolId: 'eu-west-1_phone',
      attributes: { phone_number_verified: 'true' },
    })
    await (await phone.login.follow('Forgot your password?')).submit({ username: '+442079460958' })
    await server.codeFor('+442079460958')
    expect((await server.mail()).find(({ to }) => to === '+442079460958')?.text).not.toContain('resetLink')
  })
})
