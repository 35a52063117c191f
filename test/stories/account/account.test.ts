import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linkWaitingEvents } from '../../../src/domain/audit/link-events.ts'
import { haveAccount } from '../../support/accounts.ts'
import { appFrom, factorPoolId, factorPools } from '../../support/factor-pools.ts'
import type { FactorPool } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* People look after their own accounts, in a browser without script. */

const newPassword = 'Babbage-Engine-2'
const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'

describe.each(databaseKinds)('an account on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({ database, configuration: factorPools(), clock })
  })
  afterAll(() => server.stop())

  let people = 0
  const newAddress = (): string => `owner-${(people += 1)}@example.com`
  const at = (pool: FactorPool): string => `${server.publicUrl}/${factorPoolId(pool)}`
  const pageAt = (browser: UserAgent, path = '', pool: FactorPool = 'optional'): Promise<VisitedPage> =>
    browser.visit(`${at(pool)}/account${path}`)
  const signIn = (page: VisitedPage, username: string, password = goodPassword): Promise<VisitedPage> =>
    page.submit({ username, password })
  const havePerson = async (pool: FactorPool = 'optional', attributes: Record<string, string> = {}) => {
    const username = newAddress()
    const user = await haveAccount(server, {
      username,
      password: goodPassword,
      userPoolId: factorPoolId(pool),
      attributes,
    })
    return { username, user, browser: createUserAgent(server.publicUrl, { 'user-agent': firefox }) }
  }
  const signedIn = async (pool: FactorPool = 'optional', attributes: Record<string, string> = {}) => {
    const person = await havePerson(pool, attributes)
    const home = await signIn(await pageAt(person.browser, '', pool), person.username)
    expect(home.heading, home.text).toBe('Your account')
    return { ...person, home }
  }

  test('opens after a sign-in, and for whoever is signed in already', async () => {
    const { username, browser } = await havePerson()
    const login = await pageAt(browser)
    expect(login.heading).toBe('Sign in')
    const home = await signIn(login, username)
    expect(home.heading).toBe('Your account')
    expect(home.url.pathname).toBe(`/${factorPoolId('optional')}/account`)
    expect(home.url.href).not.toContain('code=')
    expect(home.text).toContain(username)
    expect((await pageAt(browser)).heading).toBe('Your account')
    const app = await visitorAt(at('optional'), 'optional', { browser })
    expect(whereItIs(app.login)).toBe('the app')
    expect((await home.follow('Sign out')).heading).toBe('You’re signed out')
    expect((await pageAt(browser)).heading).toBe('Sign in')
  })

  test('details are changed, and what cannot be is said at its field', async () => {
    const { home, user } = await signedIn()
    const profile = await home.follow('Your details')
    const refused = await profile.submit({ given_name: 'Ada', birthdate: 'yesterday' })
    expect(refused.text).toContain('Please enter a date that exists')
    expect(refused.field('given_name')).toBe('Ada')
    const saved = await refused.submit({ birthdate: '1815-12-10' })
    expect([saved.heading, saved.text.includes('Saved.')]).toEqual(['Your account', true])
    const stored = await server.services.domain.store.users.findBySub(user.userPoolId, user.sub)
    expect(stored?.attributes).toMatchObject({ given_name: 'Ada', birthdate: '1815-12-10' })
  })

  test('a new address waits for its code, the former one hears of it, and then it signs in', async () => {
    const { home, username } = await signedIn()
    const address = newAddress()
    const asked = await (await home.follow('Email address')).submit({ email: address })
    expect(asked.text).toContain(address)
    const mails = await settledMail(server)
    expect(mails.some(({ to, subject }) => to === username && subject.includes('address'))).toBe(true)
    const wrong = await asked.submit({ code: '000000' })
    expect(wrong.text).toContain('Invalid verification code')
    const done = await wrong.submit({ code: await server.codeFor(address) })
    expect(done.text).toContain('Your address is confirmed.')
    const again = createUserAgent(server.publicUrl)
    expect((await signIn(await pageAt(again), address)).heading).toBe('Your account')
    expect((await signIn(await pageAt(createUserAgent(server.publicUrl)), username)).heading).toBe('Sign in')
  })

  test('a change of address is given up, and one that is another’s is not told apart from one that fails', async () => {
    const { home, browser, username } = await signedIn()
    const asked = await (await home.follow('Email address')).submit({ email: newAddress() })
    const kept = await asked.submit({ cancel: '1' }, 'Keep the present address')
    expect(kept.text).toContain('The present address stays.')
    expect((await pageAt(browser, '/email')).field('email')).toBe(username)
  })

  test('a present address that nobody has proved is confirmed by its code', async () => {
    const { browser, username, user } = await signedIn('optional', { email_verified: 'false' })
    const page = await pageAt(browser, '/email')
    const asked = await page.submit({ resend: '1' }, 'Send a code to confirm it')
    expect([asked.heading, asked.text.includes(username)]).toEqual(['Enter the code', true])
    const wrong = await asked.submit({ code: '000000' })
    expect([wrong.heading, wrong.text.includes('Invalid verification code')]).toEqual(['Enter the code', true])
    const done = await wrong.submit({ code: await server.codeFor(username) })
    expect(done.text).toContain('Your address is confirmed.')
    const stored = await server.services.domain.store.users.findBySub(user.userPoolId, user.sub)
    expect(stored?.attributes['email_verified']).toBe('true')
  })

  test('a new password signs out everything but this browser', async () => {
    const { home, username, browser } = await signedIn()
    const other = createUserAgent(server.publicUrl)
    await signIn(await pageAt(other), username)
    const page = await home.follow('Password')
    const wrong = await page.submit({ current_password: 'wrong', password: newPassword })
    expect(wrong.text).toContain('This isn’t your current password.')
    const weak = await wrong.submit({ current_password: goodPassword, password: 'short' })
    expect(weak.text).toContain('Your password doesn’t meet all of the points below yet.')
    const done = await weak.submit({ current_password: goodPassword, password: newPassword })
    expect(done.text).toContain('Your new password is saved.')
    expect((await pageAt(browser)).heading).toBe('Your account')
    const shut = await pageAt(other)
    expect(shut.heading).toBe('Sign in')
    expect((await signIn(shut, username)).text).toContain('Incorrect username or password.')
    expect((await signIn(shut, username, newPassword)).heading).toBe('Your account')
  })

  test('an authenticator app is set up where it is not required, asked for, and removed', async () => {
    const { home, username, browser } = await signedIn()
    const factors = await home.follow('Two-step sign-in')
    expect(factors.text).toContain('Nothing is set up yet.')
    const setUp = await factors.follow('Set up an authenticator app')
    const app = appFrom(setUp)
    const wrong = await setUp.submit({ code: '000000' })
    expect(wrong.text).toContain('Invalid verification code')
    expect(appFrom(wrong).codeAt(clock.now())).toBe(app.codeAt(clock.now()))
    const added = await wrong.submit({ code: app.codeAt(clock.now()) })
    expect(added.text).toContain('We’ll ask for it from your next sign-in on.')
    clock.pass(30)

    const other = createUserAgent(server.publicUrl)
    const asked = await signIn(await pageAt(other), username)
    expect(asked.heading).toBe('One more step')
    expect((await asked.submit({ code: app.codeAt(clock.now()) })).heading).toBe('Your account')

    // This browser has proved both a moment ago.
    const again = await pageAt(browser, '/factors')
    expect(again.text).toContain('Authenticator app')
    const value = /name="remove_app" value="([^"]+)"/.exec(again.html)?.[1] ?? ''
    const removed = await again.submit({ remove_app: value }, 'Remove')
    expect(removed.text).toContain('Nothing is set up yet.')
    expect((await signIn(await pageAt(createUserAgent(server.publicUrl)), username)).heading).toBe('Your account')
  })

  test('codes by e-mail and the app side by side, in the order that the person likes', async () => {
    const { home, username, browser } = await signedIn()
    const factors = await home.follow('Two-step sign-in')
    const withMail = await factors.submit({ enable: 'EMAIL_OTP' }, 'Use codes by email')
    expect(withMail.text).toContain('Done.')
    // Codes by mail are a factor now, and this browser has proved none: it is asked before it may change anything.
    const login = await pageAt(browser, '/app')
    const code = async (page: VisitedPage, before = [] as Awaited<ReturnType<TestServer['mail']>>) =>
      page.submit({ code: await server.codeFor(username, before) })
    const asked = login.heading === 'Sign in' ? await signIn(login, username) : login
    expect(asked.heading).toBe('One more step')
    const setUp = await code(asked)
    expect(setUp.heading).toBe('Set up an authenticator app')
    const added = await setUp.submit({ code: appFrom(setUp).codeAt(clock.now()) })
    clock.pass(30)
    const preferred = await added.submit({ prefer: 'SOFTWARE_TOKEN_MFA' }, 'Ask for this first')
    expect(preferred.text).toContain('We’ll ask for this first.')
    const next = await signIn(await pageAt(createUserAgent(server.publicUrl)), username)
    expect(next.text).toContain('authenticator app')
  })

  test('recovery codes stand in for a lost factor, each once, until there are new ones', async () => {
    const { home, username } = await signedIn()
    const setUp = await (await home.follow('Two-step sign-in')).follow('Set up an authenticator app')
    const app = appFrom(setUp)
    const factors = await setUp.submit({ code: app.codeAt(clock.now()) })
    const page = await factors.follow('Recovery codes')
    expect(page.text).toContain('You have none yet.')
    const codesOn = (shown: VisitedPage): string[] =>
      [...shown.html.matchAll(/<code>([\d-]+)<\/code>/g)].map((match) => match[1] ?? '')
    const codes = codesOn(await page.submit({}))
    expect([codes.length, new Set(codes).size]).toEqual([10, 10])
    const step = async (): Promise<VisitedPage> => signIn(await pageAt(createUserAgent(server.publicUrl)), username)
    const asked = await step()
    expect(asked.text).toContain('Enter one of your recovery codes instead.')
    const [first = '', second = '', third = ''] = codes
    expect((await asked.submit({ code: first })).heading).toBe('Your account')
    expect((await (await step()).submit({ code: first })).text).toContain('Invalid verification code')
    // Of two at once one gets in.
    const both = await Promise.all([step(), step()])
    const answers = await Promise.all(both.map((each) => each.submit({ code: second.replace('-', ' ') })))
    expect(answers.map(({ heading }) => heading).sort()).toEqual(['One more step', 'Your account'])
    const again = await factors.follow('Recovery codes')
    expect(again.text).toContain('You have 8 left.')
    expect(codesOn(await again.submit({}))).not.toContain(third)
    expect((await (await step()).submit({ code: third })).text).toContain('Invalid verification code')
  })

  test('the last factor stays where the user pool insists on one', async () => {
    const person = await havePerson('app')
    const setUp = await signIn(await pageAt(person.browser, '', 'app'), person.username)
    const app = appFrom(setUp)
    const home = await setUp.submit({ code: app.codeAt(clock.now()) })
    expect(home.heading).toBe('Your account')
    const factors = await home.follow('Two-step sign-in')
    const value = /name="remove_app" value="([^"]+)"/.exec(factors.html)?.[1] ?? ''
    const refused = await factors.submit({ remove_app: value }, 'Remove')
    expect(refused.text).toContain('A second step is needed here.')
  })

  test('browsers are listed with where and when, and signed out one by one or all at once', async () => {
    const { browser, username, home } = await signedIn()
    const others = [createUserAgent(server.publicUrl), createUserAgent(server.publicUrl)] as const
    for (const other of others) await signIn(await pageAt(other), username)
    const app = await visitorAt(at('optional'), 'optional', { browser: others[0] })
    const { body } = await app.tokensFrom(app.login)
    const page = await home.follow('Where you’re signed in')
    expect(page.text).toMatch(/Firefox.? on .?Windows/)
    expect(page.text).toContain('127.0.0.1')
    expect(page.text.match(/Signed in /g)).toHaveLength(3)
    const ids = [...page.html.matchAll(/name="end" value="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(ids).toHaveLength(2)
    const one = await page.submit({ end: ids[0] ?? '' }, 'Sign out')
    expect(one.text).toContain('Signed out there.')
    expect(one.text.match(/Signed in /g)).toHaveLength(2)
    const done = await one.submit({ others: '1' }, 'Sign out everywhere else')
    expect(done.text.match(/Signed in /g)).toHaveLength(1)
    for (const other of others) expect((await pageAt(other)).heading).toBe('Sign in')
    expect((await pageAt(browser)).heading).toBe('Your account')
    const userInfo = await fetch(`${at('optional')}/oauth2/userInfo`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    expect(userInfo.status).toBe(401)
  })

  test('what has happened is told, and everything is there to take away', async () => {
    const { browser, home, username, user } = await signedIn()
    const app = await visitorAt(at('optional'), 'optional', { browser })
    await app.tokensFrom(app.login)
    const { auditTrail } = server.services.domain.store
    await linkWaitingEvents(server.services.domain, { wait: true })
    const all = { userPoolId: user.userPoolId, limit: 50, oldestFirst: false, subjects: [user.sub] }
    expect((await auditTrail.page(all)).map(({ eventType }) => eventType)).toContain('TokenIssue')
    // What apps do by themselves is not among it.
    const activity = await pageAt(browser, '/activity')
    expect([activity.status, activity.heading]).toEqual([200, 'Recent activity'])
    expect(activity.text).toContain('Signing in')
    expect(activity.text).toMatch(/Firefox.? on .?Windows/)
    const page = await home.follow('Your data')
    const file = await page.submit({})
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="account.json"')
    const data = JSON.parse(file.html) as Record<string, unknown>
    expect(data).toMatchObject({ UserStatus: 'CONFIRMED', HasPassword: true })
    expect(JSON.stringify(data)).toContain(username)
    expect(file.html).not.toMatch(/argon2|sealed/i)
  })

  test('an account is deleted by its owner, who says so in so many words', async () => {
    const { browser, home, username, user } = await signedIn()
    const page = await home.follow('Delete your account')
    const unsure = await page.submit({ confirm: 'yes' })
    expect(unsure.text).toContain('Please type “delete” if you mean it.')
    const done = await unsure.submit({ confirm: 'Delete' })
    expect(done.heading).toBe('Your account is deleted')
    expect((await browser.visit(`${done.url.href}&lang=de`)).heading).toBe('Ihr Konto ist gelöscht')
    expect((await browser.visit(`${done.url.href}&lang=en`)).heading).toBe('Your account is deleted')
    // What a link says frightens nobody.
    for (const href of [done.url.href, done.url.href.replace(/done=[^&]+/, 'done=1')]) {
      expect((await createUserAgent(server.publicUrl).visit(href)).heading).toBe('Sign in')
    }
    expect(await server.services.domain.store.users.findBySub(user.userPoolId, user.sub)).toBeUndefined()
    const login = await pageAt(browser)
    expect(login.heading).toBe('Sign in')
    expect((await signIn(login, username)).text).toContain('Incorrect username or password.')
  })

  test.each(['/email', '/phone', '/password', '/factors', '/app', '/data', '/delete'])(
    'an open browser is not enough for %s: it asks again after five minutes',
    async (path) => {
      const { browser, username } = await signedIn()
      clock.pass(301)
      expect((await pageAt(browser)).heading).toBe('Your account')
      const login = await pageAt(browser, path)
      expect(login.heading).toBe('Sign in')
      const back = await signIn(login, username)
      expect(back.url.pathname).toBe(`/${factorPoolId('optional')}/account${path}`)
    },
  )
})
