import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resetMfa } from '../../../src/domain/mfa/reset-mfa.ts'
import { findUser } from '../../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { guessesIn } from '../../support/guesses-in-time.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'
import { appFrom, factorPoolId, factorPools, visitorIn } from '../../support/factor-pools.ts'
import type { FactorPool } from '../../support/factor-pools.ts'

/* A password and something else: set up at the first sign-in where the user pool insists, asked for ever after. */

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({ database, configuration: factorPools(), clock })
  })
  afterAll(() => server.stop())

  let people = 0
  const newAddress = (): string => `person-${(people += 1)}@example.com`
  const haveUser = (pool: FactorPool, more: { attributes?: Record<string, string>; temporary?: boolean } = {}) =>
    haveAccount(server, { username: newAddress(), password: goodPassword, userPoolId: factorPoolId(pool), ...more })
  const emailOf = ({ attributes }: { attributes: Readonly<Record<string, string>> }): string =>
    attributes['email'] ?? ''
  const signIn = async (pool: FactorPool, username: string): Promise<{ visitor: Visitor; page: VisitedPage }> => {
    const visitor = await visitorIn(server, pool)
    return { visitor, page: await visitor.login.submit({ username, password: goodPassword }) }
  }
  const amrOf = async (visitor: Visitor, page: VisitedPage) => {
    const { body } = await visitor.tokensFrom(page)
    return decodeJwt(body.id_token ?? '')['amr']
  }
  /** Signs in, sets up an app, and waits until its code would be another one. */
  const haveApp = async (pool: FactorPool, username: string) => {
    const { page } = await signIn(pool, username)
    const setUp = page.heading === 'Protect your account' ? await page.submit({ type: 'SOFTWARE_TOKEN_MFA' }) : page
    const app = appFrom(setUp)
    expect(whereItIs(await setUp.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
    clock.pass(30)
    return app
  }

  test('an app is set up at the very first sign-in, after a sign-up too, and asked for at the next', async () => {
    const email = newAddress()
    const first = await visitorIn(server, 'app')
    const confirm = await (
      await first.login.follow('Create an account')
    ).submit({ username: email, password: goodPassword })
    const setUp = await confirm.submit({ code: await server.codeFor(email) })
    expect(setUp.heading).toBe('Set up an authenticator app')
    const app = appFrom(setUp)
    const wrong = await setUp.submit({ code: '000000' })
    expect(wrong.text).toContain('Invalid verification code')
    // Reloaded or refused, the key stays.
    expect(appFrom(wrong).codeAt(clock.now())).toBe(app.codeAt(clock.now()))
    const atApp = await wrong.submit({ code: app.codeAt(clock.now()) })
    expect(whereItIs(atApp)).toBe('the app')
    expect(await amrOf(first, atApp)).toEqual(['pwd', 'otp', 'mfa'])

    clock.pass(30)
    const { visitor, page } = await signIn('app', email)
    expect(page.heading).toBe('One more step')
    const done = await page.submit({ code: app.codeAt(clock.now()) })
    expect(whereItIs(done)).toBe('the app')
    expect(await amrOf(visitor, done)).toEqual(['pwd', 'otp', 'mfa'])
  })

  test('a temporary password, then the app: both before anything else', async () => {
    const email = emailOf(await haveUser('app', { temporary: true }))
    const { page } = await signIn('app', email)
    const setUp = await page.submit({ password: 'Babbage-Engine-2' })
    expect(setUp.heading).toBe('Set up an authenticator app')
    expect(whereItIs(await setUp.submit({ code: appFrom(setUp).codeAt(clock.now()) }))).toBe('the app')
  })

  test('a new password by mail leads to the app as well', async () => {
    const email = emailOf(await haveUser('app'))
    const app = await haveApp('app', email)
    const visitor = await visitorIn(server, 'app')
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username: email })
    const page = await reset.submit({ code: await server.codeFor(email), password: 'Babbage-Engine-2' })
    expect(page.heading).toBe('One more step')
    expect(whereItIs(await page.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
  })

  test('a code works once, and a clock may be half a minute off', async () => {
    const email = emailOf(await haveUser('app'))
    const app = await haveApp('app', email)
    const code = app.codeAt(clock.now())
    const one = await signIn('app', email)
    const two = await signIn('app', email)
    expect(whereItIs(await one.page.submit({ code }))).toBe('the app')
    const again = await two.page.submit({ code })
    expect(again.text).toContain('This code has been used.')
    const early = app.codeAt(new Date(clock.now().getTime() + 30_000))
    expect(whereItIs(await again.submit({ code: early }))).toBe('the app')
    // The one between is used up with it.
    const three = await signIn('app', email)
    expect((await three.page.submit({ code })).text).toContain('This code has been used.')
  })

  test('guesses lock the step, for whatever sign-in they are made in', async () => {
    const email = emailOf(await haveUser('app'))
    const app = await haveApp('app', email)
    const { page } = await signIn('app', email)
    for (const code of ['000001', '000002', '000003', '000004', '000005']) await page.submit({ code })
    const { page: other } = await signIn('app', email)
    const locked = await other.submit({ code: app.codeAt(clock.now()) })
    expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '1'])
    expect(locked.text).toContain('Attempt limit exceeded')
    clock.pass(30)
    expect(whereItIs(await other.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
  })

  test('of 200 guesses at once no more are looked at than one after the other', async () => {
    const email = emailOf(await haveUser('app'))
    const app = await haveApp('app', email)
    const { page } = await signIn('app', email)
    const right = [-30, 0, 30].map((seconds) => app.codeAt(new Date(clock.now().getTime() + seconds * 1000)))
    const guesses = Array.from({ length: 200 }, (_, index) => String(index).padStart(6, '8'))
    const began = performance.now()
    const answers = await Promise.all(
      guesses.filter((guess) => !right.includes(guess)).map((code) => page.submit({ code })),
    )
    const allowed = guessesIn(performance.now() - began)
    const looked = answers.filter(({ text }) => text.includes('Invalid verification code'))
    expect(looked.length).toBeGreaterThanOrEqual(5)
    expect(looked.length).toBeLessThanOrEqual(allowed)
  })

  test('a mailbox that is proved is a second factor where the pool sends codes to it', async () => {
    const email = emailOf(await haveUser('all'))
    const { visitor, page } = await signIn('all', email)
    expect(page.heading).toBe('One more step')
    expect(page.text).toContain('p***@e***')
    expect((await page.submit({ code: '000000' })).text).toContain('Invalid verification code')
    const atApp = await page.submit({ code: await server.codeFor(email) })
    expect(whereItIs(atApp)).toBe('the app')
    expect(await amrOf(visitor, atApp)).toEqual(['pwd', 'email_otp', 'mfa'])
  })

  test('another code can be asked for after a while, and the first one is worth nothing then', async () => {
    const email = emailOf(await haveUser('all'))
    const { page } = await signIn('all', email)
    const first = await server.codeFor(email)
    const seen = await server.mail()
    expect((await page.submit({}, 'Send a new code')).text).not.toContain('We sent a new code')
    clock.pass(31)
    const again = await page.submit({}, 'Send a new code')
    expect(again.text).toContain('We sent a new code to p***@e***')
    const second = await server.codeFor(email, seen)
    if (first !== second) expect((await again.submit({ code: first })).text).toContain('Invalid verification code')
    expect(whereItIs(await again.submit({ code: second }))).toBe('the app')
  })

  test('a code belongs to its own sign-in', async () => {
    const email = emailOf(await haveUser('all'))
    const one = await signIn('all', email)
    const first = await server.codeFor(email)
    const two = await signIn('all', email)
    expect((await two.page.submit({ code: first })).text).toContain('Invalid verification code')
    expect(whereItIs(await one.page.submit({ code: first }))).toBe('the app')
  })

  test('a phone is set up by a code to it, and is proved by that', async () => {
    const user = await haveUser('all', { attributes: { email_verified: 'false' } })
    const { page } = await signIn('all', emailOf(user))
    expect(page.heading).toBe('Protect your account')
    const missing = await page.submit({ phone_number: '' }, 'Continue')
    expect(missing.text).toContain('Please enter the phone number')
    const bad = await page.submit({ phone_number: '12345' }, 'Continue')
    expect([bad.text.includes('country code'), bad.field('phone_number')]).toEqual([true, '12345'])
    const sent = await page.submit({ phone_number: '+44 20 7946 0958' }, 'Continue')
    expect(sent.text).toContain('+*******0958')
    expect(whereItIs(await sent.submit({ code: await server.codeFor('+442079460958') }))).toBe('the app')
    const now = await findUser(server.services.domain, userPoolOf(server, factorPoolId('all')), user.sub)
    expect(now).toMatchObject({ mfaTypes: ['SMS_MFA'], preferredMfa: 'SMS_MFA' })
    expect(now?.attributes).toMatchObject({ phone_number: '+442079460958', phone_number_verified: 'true' })
  })

  test('somebody with several factors chooses, and may choose another', async () => {
    const user = await haveUser('optional')
    const { users } = server.services.domain.store
    const change = { mfaTypes: ['EMAIL_OTP', 'SMS_MFA'] as const }
    const attributes = { phone_number: '+442079460959', phone_number_verified: 'true' }
    await users.update(user.userPoolId, user.sub, { ...change, attributes }, clock.now())
    const { page } = await signIn('optional', emailOf(user))
    expect(page.heading).toBe('How do you want to go on?')
    expect(page.text).toMatch(/Email p\*\*\*@e\*\*\*.*Text message \+\*{7}0959/)
    const byMail = await page.submit({ type: 'EMAIL_OTP' })
    expect(byMail.text).toContain('p***@e***')
    const choice = await byMail.follow('Use another way')
    const byPhone = await choice.submit({ type: 'SMS_MFA' })
    expect(byPhone.text).toContain('+*******0959')
    // The code to the mailbox is worth nothing for the phone.
    expect((await byPhone.submit({ code: await server.codeFor(emailOf(user)) })).heading).toBe('One more step')
    expect(whereItIs(await byPhone.submit({ code: await server.codeFor('+442079460959') }))).toBe('the app')
  })

  test('where it is optional nobody is asked who has not set one up', async () => {
    const { visitor, page } = await signIn('optional', emailOf(await haveUser('optional')))
    expect(whereItIs(page)).toBe('the app')
    expect(await amrOf(visitor, page)).toEqual(['pwd'])
  })

  test('an operator resets it, and the next sign-in leads to the set-up', async () => {
    const user = await haveUser('app')
    const app = await haveApp('app', emailOf(user))
    const waiting = await signIn('app', emailOf(user))
    await resetMfa(server.services.domain, user)
    expect((await waiting.page.submit({ code: app.codeAt(clock.now()) })).heading).toBe('That took a little too long')
    expect((await signIn('app', emailOf(user))).page.heading).toBe('Set up an authenticator app')
  })
})
