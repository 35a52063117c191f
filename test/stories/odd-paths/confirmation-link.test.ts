import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteUnconfirmedSignUps } from '../../../src/domain/sign-up/delete-unconfirmed-sign-ups.ts'
import { disableUser, findUser } from '../../../src/domain/users/administer-user.ts'
import { userPoolOf } from '../../support/accounts.ts'
import { linkFor, linkPools } from '../../support/confirmation-links.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import type { Mail, TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, visitorOf, whereItIs, withoutIds } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

const day = 86_400

describe.each(databaseKinds)('signing up with a link, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration: linkPools, database, clock })
  })
  afterAll(() => server.stop())

  interface SignUp {
    visitor: Visitor
    /** "We sent a link": the page that waits. */
    waiting: VisitedPage
    link: string
    known: readonly Mail[]
  }

  async function signUp(email: string, password = goodPassword): Promise<SignUp> {
    const seen = await server.mail()
    const visitor = await visitorOf(server)
    const form = await visitor.login.follow('Create an account')
    const waiting = await form.submit({ username: email, password })
    const link = await linkFor(server, email, seen)
    return { visitor, waiting, link, known: await server.mail() }
  }

  const elsewhere = (): UserAgent => createUserAgent(server.publicUrl)
  const canSignIn = async (username: string, password: string): Promise<string> =>
    whereItIs(await (await visitorOf(server)).login.submit({ username, password }))

  test('in the browser that signed up one button confirms, and the sign-in goes on to the app', async () => {
    const { visitor, waiting, link } = await signUp('ada@example.com')
    expect(waiting.heading).toBe('Check your messages')
    expect(waiting.text).toContain('we sent a link to a***@e***')
    expect(waiting.field('code')).toBeUndefined()
    const page = await visitor.visit(link)
    expect(page.heading).toBe('Confirm your account')
    expect(page.field('password')).toBeUndefined()
    const app = await page.submit({})
    expect(whereItIs(app)).toBe('the app')
    expect(app.url.searchParams.get('state')).toBe(visitor.authorization.state)
    expect((await visitor.tokensFrom(app)).body.id_token).toBeDefined()
  })

  test('the link has the address and parameters that Cognito’s have', async () => {
    const { link } = await signUp('form@example.com')
    const url = new URL(link)
    expect(url.origin + url.pathname).toBe(`${server.publicUrl}/confirmUser`)
    expect([...url.searchParams.keys()]).toEqual(['client_id', 'user_name', 'confirmation_code'])
    expect((await elsewhere().visit(link.replace('confirmUser?', 'confirmuser/?'))).heading).toBe(
      'Confirm your account',
    )
  })

  test('scanners of mail may open it as often as they like (threat row E10)', async () => {
    const { visitor, link } = await signUp('scanned@example.com')
    for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET', 'GET', 'GET']) {
      expect((await elsewhere().request(link, { method })).status).toBe(200)
      expect((await elsewhere().request(`${link}&choose=password`, { method })).status).toBe(200)
    }
    expect(await canSignIn('scanned@example.com', goodPassword)).toBe('Check your messages')
    expect(whereItIs(await (await visitor.visit(link)).submit({}))).toBe('the app')
  })

  test('the form belongs to the browser that it was shown in (threat row E12)', async () => {
    const { link } = await signUp('csrf@example.com')
    const page = await elsewhere().visit(link)
    const form = new URLSearchParams(new URL(link).searchParams)
    form.set('password', goodPassword)
    const post = (agent: UserAgent, csrf: string): Promise<VisitedPage> => {
      form.set('_csrf', csrf)
      return agent.visit('/confirmUser', { method: 'POST', body: form })
    }
    expect((await post(elsewhere(), page.field('_csrf') ?? '')).heading).toBe('This form is out of date')
    expect((await post(elsewhere(), '')).status).toBe(403)
    expect(await canSignIn('csrf@example.com', goodPassword)).toBe('Check your messages')
  })

  test('at another browser it takes the password of the sign-up; the first one then goes on to sign-in', async () => {
    const { waiting, link } = await signUp('phone@example.com')
    const early = await waiting.submit({})
    expect(early.heading).toBe('Check your messages')
    expect(early.text).toContain('Please open the link in the message first.')
    const page = await elsewhere().visit(link)
    expect(page.text).toContain('enter the password that you chose then')
    expect((await page.submit({ password: '' })).text).toContain('Please enter your password.')
    const wrong = await page.submit({ password: 'Something-else-1' })
    expect(wrong.text).toContain('This isn’t the password that was chosen')
    const done = await wrong.submit({ password: goodPassword })
    expect(done.heading).toBe('Your account is confirmed')
    const login = await waiting.submit({})
    expect(login.heading).toBe('Sign in')
    expect(login.field('username')).toBe('phone@example.com')
    expect(whereItIs(await login.submit({ password: goodPassword }))).toBe('the app')
  })

  test('a password field left out does not do at another browser', async () => {
    const { link } = await signUp('bare@example.com')
    const agent = elsewhere()
    const csrf = (await agent.visit(link)).field('_csrf') ?? ''
    const body = new URLSearchParams([...new URL(link).searchParams, ['_csrf', csrf]])
    const page = await agent.visit('/confirmUser', { method: 'POST', body })
    expect(page.heading).toBe('Confirm your account')
    expect(await canSignIn('bare@example.com', goodPassword)).toBe('Check your messages')
  })

  test('after five wrong passwords even the right one has to wait, here as at sign-in (threat row B9)', async () => {
    const { link } = await signUp('tries@example.com')
    const page = await elsewhere().visit(link)
    for (let tries = 0; tries < 5; tries += 1) {
      const wrong = await page.submit({ password: `Something-else-${tries}` })
      expect(wrong.text).toContain('This isn’t the password')
    }
    const locked = await page.submit({ password: goodPassword })
    expect(locked.text).toContain('Password attempts exceeded. You can try again in 1 second.')
    expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await canSignIn('tries@example.com', goodPassword)).toBe('Sign in')
    clock.pass(1)
    expect((await locked.submit({ password: goodPassword })).heading).toBe('Your account is confirmed')
  })

  test('who signs up with somebody else’s address gains nothing by their clicking (threat row A1)', async () => {
    const attackers = 'An-attacker-s-1'
    const { waiting, link } = await signUp('victim@example.com', attackers)
    const asked = await elsewhere().visit(link)
    expect((await asked.submit({ password: goodPassword })).text).toContain('This isn’t the password')
    const choosing = await asked.follow('Choose a new password')
    expect((await choosing.submit({ password: 'short' })).text).toContain('Your password doesn’t meet all')
    expect((await choosing.submit({ password: '' })).heading).toBe('Confirm your account')
    expect((await choosing.submit({ password: goodPassword })).heading).toBe('Your account is confirmed')
    const late = await waiting.submit({})
    expect(late.heading).toBe('Sign in')
    expect(whereItIs(await late.submit({ password: attackers }))).toBe('Sign in')
    expect(await canSignIn('victim@example.com', attackers)).toBe('Sign in')
    expect(await canSignIn('victim@example.com', goodPassword)).toBe('the app')
  })

  test('or they sign up themselves: what the first one chose is gone, and the first link leads nowhere', async () => {
    const first = await signUp('joan@example.com', 'An-attacker-s-1')
    const second = await signUp('joan@example.com')
    expect((await first.visitor.visit(first.link)).heading).toBe('This sign-up is no longer there')
    expect((await first.waiting.submit({})).text).toContain('Somebody else started to sign up with this address.')
    expect(whereItIs(await (await second.visitor.visit(second.link)).submit({}))).toBe('the app')
    expect((await elsewhere().visit(first.link)).heading).toBe('This sign-up is no longer there')
    expect(await canSignIn('joan@example.com', 'An-attacker-s-1')).toBe('Sign in')
  })

  test('a new link can be asked for after a while, and the one before says that there is a newer one', async () => {
    const { visitor, waiting, link, known } = await signUp('again@example.com')
    const tooSoon = await waiting.submit({}, 'Send a new link')
    expect(tooSoon.text).toContain('You can ask for a new link in 30 seconds.')
    expect(await server.mail()).toEqual(known)
    clock.pass(31)
    const resent = await waiting.submit({}, 'Send a new link')
    expect(resent.text).toContain('We sent a new link to a***@e***. Earlier links no longer work.')
    const next = await linkFor(server, 'again@example.com', known)
    expect((await visitor.visit(link)).heading).toBe('There is a newer link')
    expect(whereItIs(await (await visitor.visit(next)).submit({}))).toBe('the app')
    expect((await visitor.visit(link)).heading).toBe('Your account is confirmed')
  })

  test('the sign-up form sent twice, or once more from the history: one link, and later a new one', async () => {
    const visitor = await visitorOf(server)
    const form = await visitor.login.follow('Create an account')
    const typed = { username: 'double@example.com', password: goodPassword }
    const seen = await server.mail()
    const both = await Promise.all([form.submit(typed), form.submit(typed)])
    for (const page of both) expect(page.text).toContain('we sent a link to d***@e***')
    const link = await linkFor(server, typed.username, seen)
    const known = await server.mail()
    expect(known.length).toBe(seen.length + 1)
    clock.pass(31)
    const again = await form.submit(typed)
    expect(again.text).toContain('we sent a link to d***@e***')
    expect(again.field('code')).toBeUndefined()
    const next = await linkFor(server, typed.username, known)
    expect((await visitor.visit(link)).heading).toBe('There is a newer link')
    expect(whereItIs(await (await visitor.visit(next)).submit({}))).toBe('the app')
  })

  test('used twice, in one tab or in two at once, it confirms once and says so', async () => {
    const { visitor, link, waiting } = await signUp('twice@example.com')
    const page = await visitor.visit(link)
    const both = await Promise.all([page.submit({}), page.submit({})])
    const places = both.map(whereItIs)
    expect(places).toContain('the app')
    // Two tabs may be sent to the app by one and the same answer; it is given once.
    const others = ['Your account is confirmed', 'That took a little too long']
    expect(places.filter((place) => place !== 'the app' && !others.includes(place))).toEqual([])
    expect((await visitor.visit(link)).heading).toBe('Your account is confirmed')
    expect((await page.submit({})).heading).toBe('Your account is confirmed')
    expect((await waiting.submit({})).heading).toBe('This sign-in is already done')
  })

  test('pressed twice, it is as good as once, here and elsewhere', async () => {
    const { visitor, link } = await signUp('pressed-twice@example.com')
    const page = await visitor.visit(link)
    const app = await page.submitTwice({})
    expect(whereItIs(app)).toBe('the app')
    expect((await visitor.tokensFrom(app)).body.id_token).toBeDefined()
    // The browser has been there.
    expect((await page.submitTwice({})).heading).toBe('Your account is confirmed')
    const other = await signUp('pressed-elsewhere@example.com')
    const form = await elsewhere().visit(other.link)
    expect((await form.submitTwice({ password: goodPassword })).heading).toBe('Your account is confirmed')
  })

  test('after a day it has expired, also once its row is swept away; signing in leads to a new one', async () => {
    const { link, known } = await signUp('late@example.com')
    const opened = await elsewhere().visit(link)
    clock.pass(day)
    expect((await opened.submit({ password: goodPassword })).heading).toBe('This link no longer works')
    const { domain } = server.services
    await domain.store.housekeeping.deleteExpired(clock.now(), 500)
    const expired = await elsewhere().visit(link)
    expect(expired.heading).toBe('This link no longer works')
    const { login, ...visitor } = await visitorOf(server)
    const waiting = await login.submit({ username: 'late@example.com', password: goodPassword })
    expect(waiting.heading).toBe('Check your messages')
    const next = await linkFor(server, 'late@example.com', known)
    expect(whereItIs(await (await visitor.visit(next)).submit({}))).toBe('the app')
  })

  test('an hour later the flow is over, and the link leads back to the app', async () => {
    const { visitor, link } = await signUp('slow@example.com')
    clock.pass(2 * 3600)
    const page = await visitor.visit(link)
    const done = await page.submit({ password: goodPassword })
    expect(done.heading).toBe('Your account is confirmed')
    expect(done.html).toContain('href="https://app.example/"')
    expect(await canSignIn('slow@example.com', goodPassword)).toBe('the app')
  })

  test('a sign-up that nobody confirmed goes, and its link says so', async () => {
    const { link } = await signUp('never@example.com')
    clock.pass(8 * day)
    await deleteUnconfirmedSignUps(server.services.domain, 500)
    expect((await elsewhere().visit(link)).heading).toBe('This sign-up is no longer there')
    expect(await canSignIn('never@example.com', goodPassword)).toBe('Sign in')
    const again = await signUp('never@example.com')
    expect(whereItIs(await (await again.visitor.visit(again.link)).submit({}))).toBe('the app')
  })

  test('a disabled account is not confirmed, nor signed up with again', async () => {
    const { visitor, link } = await signUp('off@example.com')
    const page = await visitor.visit(link)
    const userPool = userPoolOf(server)
    const username = new URL(link).searchParams.get('user_name') ?? ''
    const user = await findUser(server.services.domain, userPool, username)
    if (user === undefined) throw new Error('the user is gone')
    await disableUser(server.services.domain, user)
    expect((await page.submit({})).heading).toBe('This account is switched off')
    expect((await elsewhere().visit(link)).heading).toBe('This account is switched off')
    const known = await server.mail()
    const form = await (await visitorOf(server)).login.follow('Create an account')
    const decoy = await form.submit({ username: 'off@example.com', password: goodPassword })
    expect(decoy.heading).toBe('Check your messages')
    expect(await server.mail()).toEqual(known)
  })

  test('what was never a link of ours gets one and the same answer, whoever it names', async () => {
    const { visitor, link } = await signUp('real@example.com')
    const change = (name: string, value: string | undefined): string => {
      const url = new URL(link)
      if (value === undefined) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
      return url.href
    }
    const code = new URL(link).searchParams.get('confirmation_code') ?? ''
    const wrong = [
      change('confirmation_code', undefined),
      change('confirmation_code', '482913'),
      change('confirmation_code', `${code}x`),
      change('confirmation_code', code.slice(0, -1)),
      change('confirmation_code', `${code.slice(0, 21)}${code[21] === 'A' ? 'B' : 'A'}${code.slice(22)}`),
      change('user_name', undefined),
      change('user_name', 'nobody'),
      change('user_name', 'real@example.com'),
      change('client_id', 'other'),
      change('client_id', 'unknown'),
      change('client_id', undefined),
      `${link}&confirmation_code=${code}`,
      `${link}&user_name=x`,
      `${server.publicUrl}/confirmUser`,
    ]
    for (const address of wrong) {
      const page = await visitor.visit(address)
      expect([page.status, page.heading], address).toEqual([400, 'This link isn’t complete'])
    }
    expect(whereItIs(await (await visitor.visit(link)).submit({}))).toBe('the app')
  })

  test('whatever is typed into its form, there is a page that says what to do', async () => {
    const { link } = await signUp('hostile@example.com')
    const agent = elsewhere()
    const csrf = (await agent.visit(link)).field('_csrf') ?? ''
    const post = (fields: [string, string][]): Promise<VisitedPage> => {
      const body = new URLSearchParams([...new URL(link).searchParams, ['_csrf', csrf], ...fields])
      return agent.visit('/confirmUser?client_id=email', { method: 'POST', body })
    }
    const hostile = [
      '',
      '   ',
      'a\0b',
      '\r\nx: y',
      '"><script>alert(1)</script>',
      '{{ x }}',
      '\u202e\ud800',
      'x'.repeat(9000),
    ]
    for (const value of hostile) {
      for (const choose of ['password', 'x', '']) {
        const page = await post([
          ['choose', choose],
          ['password', value],
        ])
        expect([200, 429], value).toContain(page.status)
        expect(page.heading, value).toBe('Confirm your account')
        expect(page.html).not.toMatch(/<script>alert|x: y/)
      }
    }
    expect(
      (
        await post([
          ['password', 'a'],
          ['password', 'b'],
        ])
      ).status,
    ).toBe(400)
    expect((await post([['password', 'x'.repeat(40_000)]])).status).toBe(413)
    clock.pass(1800)
    expect(await canSignIn('hostile@example.com', goodPassword)).toBe('Check your messages')
  })

  test('an address that has an account gets the same page, which waits for ever (threat row B13)', async () => {
    const { visitor, link, waiting } = await signUp('known@example.com')
    await (await visitor.visit(link)).submit({})
    const known = await server.mail()
    const form = await (await visitorOf(server)).login.follow('Create an account')
    const decoy = await form.submit({ username: 'known@example.com', password: goodPassword })
    expect(withoutIds(decoy.html)).toBe(withoutIds(waiting.html))
    expect((await decoy.submit({})).text).toContain('Please open the link in the message first.')
    clock.pass(31)
    const resent = await decoy.submit({}, 'Send a new link')
    expect(resent.text).toContain('We sent a new link to k***@e***.')
    const sent = (await settledMail(server)).filter(({ id }) => !known.some((mail) => mail.id === id))
    // In place of each link.
    const told = 'You already have an account at Latchkey'
    expect(sent.map(({ subject }) => subject)).toEqual([told, told])
  })

  test('forgotten passwords are still recovered by code', async () => {
    await signUp('forgot@example.com')
    const known = await server.mail()
    const { login } = await visitorOf(server)
    const reset = await (await login.follow('Forgot your password?')).submit({ username: 'forgot@example.com' })
    const code = await server.codeFor('forgot@example.com', known)
    expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
  })
})
