import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linkWaitingEvents } from '../../../src/domain/audit/link-events.ts'
import type { AppClient } from '../../../src/domain/app-clients/app-client.ts'
import { signInByLink } from '../../../src/domain/passwordless/sign-in-by-link.ts'
import { makeSignInLink } from '../../../src/domain/passwordless/sign-in-link.ts'
import { confirmSignInCode } from '../../../src/domain/passwordless/confirm-sign-in-code.ts'
import type { SignInCodeAnswer } from '../../../src/domain/passwordless/confirm-sign-in-code.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { appFrom } from '../../support/factor-pools.ts'
import { guessesIn } from '../../support/guesses-in-time.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { Mail, TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/* A code, or the link beside it, in place of a password. */

const pools = {
  plain: { MfaConfiguration: 'OFF' },
  two: { MfaConfiguration: 'ON', SoftwareTokenMfaConfiguration: { Enabled: true } },
  names: { MfaConfiguration: 'OFF', UsernameAttributes: [], AliasAttributes: ['email'] },
  same: { MfaConfiguration: 'ON', SoftwareTokenMfaConfiguration: { Enabled: true }, EmailMfaConfiguration: {} },
} as const
type Pool = keyof typeof pools
const idOf = (pool: Pool): string => `eu-west-1_${pool}`
const client = (id: string, flows: readonly string[]): object => ({
  ClientId: id,
  CallbackURLs: [callback],
  AllowedOAuthScopes: ['openid', 'email'],
  ExplicitAuthFlows: flows,
})
const configuration = JSON.stringify({
  UserPools: Object.entries(pools).map(([name, settings], index) => ({
    Id: `eu-west-1_${name}`,
    PoolName: name,
    Default: index === 0,
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email'],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'SMS_OTP'] } },
    ...settings,
    Clients: [
      client(name, ['ALLOW_USER_AUTH']),
      ...(name === 'plain' ? [client('password-only', []), client('another', ['ALLOW_USER_AUTH'])] : []),
    ],
  })),
})

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  const clock = movableClock({ stopped: true })
  beforeAll(async () => {
    server = await startServer({ database, configuration, clock })
  })
  afterAll(() => server.stop())

  let people = 0
  const haveUser = async (pool: Pool = 'plain', attributes: Record<string, string> = {}): Promise<string> => {
    const username = `person-${(people += 1)}@example.com`
    await haveAccount(server, { username, password: goodPassword, userPoolId: idOf(pool), attributes })
    return username
  }
  const visit = (pool: Pool = 'plain', clientId: string = pool): Promise<Visitor> =>
    visitorAt(`${server.publicUrl}/${idOf(pool)}`, clientId)
  const ask = async (username: string, pool: Pool = 'plain', button = 'Email me a code') => {
    const seen = await server.mail()
    const visitor = await visit(pool)
    return { visitor, seen, page: await visitor.login.submit({ username }, button) }
  }
  const linkIn = async (username: string, seen: readonly Mail[]): Promise<string> => {
    await server.codeFor(username, seen)
    const ids = new Set(seen.map(({ id }) => id))
    const mail = (await server.mail()).find(({ id, to }) => to === username && !ids.has(id))
    return /https?:\S+\/signInLink\?\S+/.exec(mail?.text ?? '')?.[0] ?? 'no link'
  }
  const refused = (page: VisitedPage): void => expect(page.heading).toBe('Check your messages')

  test('the code signs in, once, and tokens say how', async () => {
    const username = await haveUser()
    const { visitor, seen, page } = await ask(username)
    expect(page.text).toContain('p***@e***')
    const code = await server.codeFor(username, seen)
    const wrong = await page.submit({ code: code === '000000' ? '111111' : '000000' })
    expect(wrong.text).toContain('Invalid verification code')
    const atApp = await wrong.submit({ code })
    expect(whereItIs(atApp)).toBe('the app')
    const { body } = await visitor.tokensFrom(atApp)
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({ email: username, amr: ['email_otp'] })
    const other = await ask(username)
    refused(await other.page.submit({ code }))
  })

  test('the link does the same in the browser that asked, and opening it does nothing yet', async () => {
    const username = await haveUser()
    const { visitor, seen, page } = await ask(username)
    const link = await linkIn(username, seen)
    const code = await server.codeFor(username, seen)
    const opened = await visitor.visit(link)
    expect([opened.heading, opened.text.includes(username)]).toEqual(['Sign in', true])
    expect((await visitor.visit(link)).heading).toBe('Sign in')
    const atApp = await opened.submit({})
    expect(whereItIs(atApp)).toBe('the app')
    expect(decodeJwt((await visitor.tokensFrom(atApp)).body.id_token ?? '')['amr']).toEqual(['email_otp'])
    // Used up: the link, and the code of the same message.
    expect((await visitor.visit(link)).heading).toBe('Sign in')
    const second = await visit()
    const again = await second.login.submit({ username }, 'Email me a code')
    refused(await again.submit({ code }))
    expect(page.heading).toBe('Check your messages')
  })

  test('the link is worth nothing in another browser, after its code, or after a quarter of an hour', async () => {
    const username = await haveUser()
    const { visitor, seen, page } = await ask(username)
    const link = await linkIn(username, seen)
    const stranger = await visit()
    expect((await stranger.visit(link)).heading).toBe('Almost: this is another browser')
    const forged = await stranger.visit(link.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))
    expect(forged.heading).toBe('This link doesn’t work any more')
    const form = await visitor.visit(link)
    expect(whereItIs(await page.submit({ code: await server.codeFor(username, seen) }))).toBe('the app')
    expect((await form.submit({})).heading).not.toBe('the app')
    clock.pass(31)
    const later = await ask(username)
    const old = await linkIn(username, later.seen)
    clock.pass(901)
    expect((await later.visitor.visit(old)).heading).toBe('This link doesn’t work any more')
    expect((await later.page.submit({ code: await server.codeFor(username, later.seen) })).text).toContain(
      'Invalid code',
    )
  })

  test.each(['plain', 'two'] as const)('a link pressed twice is as good as once: %s', async (pool) => {
    const username = await haveUser(pool)
    const { visitor, seen } = await ask(username, pool)
    const form = await visitor.visit(await linkIn(username, seen))
    const page = await form.submitTwice({})
    if (pool === 'two') return expect(page.heading).toBe('Set up an authenticator app')
    expect(whereItIs(page)).toBe('the app')
    expect((await visitor.tokensFrom(page)).body.id_token).toBeDefined()
    // The browser has been there.
    expect((await form.submitTwice({})).heading).toBe('This link doesn’t work any more')
  })

  test('of many who press the button of a link at once, one signs in', async () => {
    const username = await haveUser()
    const { visitor, seen } = await ask(username)
    const opened = await visitor.visit(await linkIn(username, seen))
    await Promise.all(Array.from({ length: 10 }, () => opened.submit({})))
    await linkWaitingEvents(server.services.domain, { wait: true })
    const { auditTrail } = server.services.domain.store
    const user = await server.services.domain.store.users.findByIdentifier(idOf('plain'), username)
    const events = await auditTrail.page({
      userPoolId: idOf('plain'),
      limit: 50,
      oldestFirst: true,
      subjects: [user?.sub ?? ''],
    })
    expect(events.filter(({ eventType, response }) => eventType === 'SignIn' && response === 'Pass')).toHaveLength(1)
  })

  test('a link is used up by itself, for the app that it is of, whatever waits in its browser', async () => {
    const { domain, directory } = server.services
    const userPool = userPoolOf(server, idOf('plain'))
    const { appClients } = (await directory.get(userPool.id)) ?? {}
    const user = await domain.store.users.findByIdentifier(userPool.id, await haveUser())
    const appClient = appClients?.get('plain')
    const other = appClients?.get('another')
    if (user === undefined || appClient === undefined || other === undefined) throw new Error('somebody is missing')
    const origin = { signInLinkUrl: 'https://id.example/signInLink', clientId: 'plain', browserHash: 'b', flowId: 'f' }
    const link = makeSignInLink(domain, origin, user, 'hash of its code', clock.now())
    const token = new URL(link).searchParams.get('token') ?? ''
    const follow = (client: AppClient, browserHash = 'b') =>
      signInByLink(domain, { userPool, appClient: client, token, browserHash, languages: [] })
    const closed = { kind: 'refused', reason: 'linkClosed' }
    expect(await follow(other)).toEqual(closed)
    expect(await follow(appClient, 'another browser')).toEqual(closed)
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => follow(appClient)))
    expect(outcomes.filter(({ kind }) => kind === 'done')).toMatchObject([{ amr: ['email_otp'] }])
    expect(outcomes.filter(({ kind }) => kind !== 'done')).toEqual(Array.from({ length: 4 }, () => closed))
    expect(await follow(appClient)).toEqual(closed)
  })

  test('a new password, another address or a sign-out everywhere ends the link', async () => {
    const { users } = server.services.domain.store
    for (const change of [
      { passwordHash: 'other' },
      { attributes: { email: 'other@example.com' } },
      { signedOutAt: new Date(clock.now().getTime() + 1000) },
      { enabled: false },
      { attributes: { email_verified: 'false' } },
    ]) {
      const username = await haveUser()
      const { visitor, seen } = await ask(username)
      const link = await linkIn(username, seen)
      const user = await users.findByIdentifier(idOf('plain'), username)
      await users.update(idOf('plain'), user?.sub ?? '', change, clock.now())
      expect((await visitor.visit(link)).heading).toBe('This link doesn’t work any more')
    }
  })

  test('another address, one that is not proved any more, or a locked account ends the code', async () => {
    const { users } = server.services.domain.store
    for (const change of [
      { attributes: { email: 'other@example.com' } },
      { attributes: { email_verified: 'false' } },
      { enabled: false },
      { status: 'RESET_REQUIRED' as const },
    ]) {
      const username = await haveUser()
      const { seen, page } = await ask(username)
      const code = await server.codeFor(username, seen)
      const user = await users.findByIdentifier(idOf('plain'), username)
      await users.update(idOf('plain'), user?.sub ?? '', change, clock.now())
      const answer = await page.submit({ code })
      expect([JSON.stringify(change), answer.heading]).toEqual([JSON.stringify(change), 'Check your messages'])
      expect(answer.text).toContain('please request a code again')
    }
  })

  test('a way that the operator has closed since is closed, and a code goes one way alone', async () => {
    const { domain, directory } = server.services
    const userPool = userPoolOf(server, idOf('plain'))
    const appClient = (await directory.get(userPool.id))?.appClients.get('plain')
    if (appClient === undefined) throw new Error('there is no app client plain')
    const confirm = async (changed: Partial<Pick<SignInCodeAnswer, 'userPool' | 'appClient' | 'factor'>>) => {
      const username = await haveUser('plain', { phone_number: '+4915112345678', phone_number_verified: 'true' })
      const code = await server.codeFor(username, (await ask(username)).seen)
      const userSub = (await domain.store.users.findByIdentifier(userPool.id, username))?.sub
      const answer = { userPool, appClient, factor: 'EMAIL_OTP', userSub, username, code } as const
      return confirmSignInCode(domain, { ...answer, languages: [], ...changed })
    }
    const closed = { kind: 'refused', reason: 'codeExpired' }
    expect(await confirm({ userPool: { ...userPool, firstFactors: ['PASSWORD'] } })).toEqual(closed)
    expect(await confirm({ appClient: { ...appClient, explicitAuthFlows: [] } })).toEqual(closed)
    expect(await confirm({ factor: 'SMS_OTP' })).toEqual(closed)
    expect(await confirm({})).toMatchObject({ kind: 'done', amr: ['email_otp'] })
  })

  test('nobody gets a code whose account is not theirs for sure', async () => {
    const sent = async (): Promise<number> => (await server.mail()).length
    const unproved = await haveUser('plain', { email_verified: 'false' })
    const temporary = `person-${(people += 1)}@example.com`
    const userPoolId = idOf('plain')
    await haveAccount(server, { username: temporary, password: goodPassword, userPoolId, temporary: true })
    const signedUp = `person-${(people += 1)}@example.com`
    const { login } = await visit()
    await (await login.follow('Create an account')).submit({ username: signedUp, password: goodPassword })
    await server.codeFor(signedUp)
    const before = await sent()
    for (const username of [unproved, temporary, signedUp, 'nobody@example.com']) {
      const { page } = await ask(username)
      expect([username, page.heading, page.text.includes('***@e***')]).toEqual([username, 'Check your messages', true])
      expect((await page.submit({ code: '000000' })).text).toContain('Invalid verification code')
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await sent()).toBe(before)
  })

  test('by text message, to a number that is proved', async () => {
    const username = await haveUser('plain', { phone_number: '+442079460958', phone_number_verified: 'true' })
    const { visitor, page, seen } = await ask(username, 'plain', 'Text me a code')
    expect(page.text).toContain('0958')
    const atApp = await page.submit({ code: await server.codeFor('+442079460958', seen) })
    expect(whereItIs(atApp)).toBe('the app')
    expect(decodeJwt((await visitor.tokensFrom(atApp)).body.id_token ?? '')['amr']).toEqual(['sms'])
  })

  test('guesses lock the code, for whatever sign-in they are made in, and the link still lets its owner in', async () => {
    const username = await haveUser()
    const { visitor, seen, page } = await ask(username)
    const link = await linkIn(username, seen)
    const code = await server.codeFor(username, seen)
    const guesses = ['000001', '000002', '000003', '000004', '000005', '000006'].filter((guess) => guess !== code)
    let locked = page
    for (const guess of guesses) locked = await page.submit({ code: guess })
    expect(locked.status).toBe(429)
    const elsewhere = await ask(username)
    expect((await elsewhere.page.submit({ code })).status).toBe(429)
    expect(whereItIs(await (await visitor.visit(link)).submit({}))).toBe('the app')
  })

  test('guesses under one name of an account count for its other one, and nobody finds the right code meanwhile', async () => {
    const attributes = { email: 'two-names@example.com', email_verified: 'true' }
    await haveAccount(server, { username: 'ada', password: goodPassword, userPoolId: idOf('names'), attributes })
    const { seen, page } = await ask('ada', 'names')
    const code = await server.codeFor(attributes.email, seen)
    for (let guess = 0; guess < 5; guess += 1) await page.submit({ code: '00000x' })
    const { page: other } = await ask(attributes.email, 'names')
    // As any wrong one: that it is locked would tell that the two are one.
    expect((await other.submit({ code })).text).toContain('Invalid verification code')
    clock.pass(1)
    expect(whereItIs(await other.submit({ code }))).toBe('the app')
  })

  test('200 parallel guesses are looked at no more often than one after the other', async () => {
    const username = await haveUser()
    const { page, seen } = await ask(username)
    const code = await server.codeFor(username, seen)
    const guesses = Array.from({ length: 200 }, (_, index) => String(index).padStart(6, '7')).filter((g) => g !== code)
    const began = performance.now()
    const answers = await Promise.all(guesses.map((guess) => page.submit({ code: guess })))
    const allowed = guessesIn(performance.now() - began)
    const looked = answers.filter(({ text }) => text.includes('Invalid verification code'))
    expect(looked.length).toBeGreaterThanOrEqual(5)
    expect(looked.length).toBeLessThanOrEqual(allowed)
  })

  test('a second factor is asked for where the pool insists: set up, then shown', async () => {
    const username = await haveUser('two')
    const first = await ask(username, 'two')
    const setUp = await first.page.submit({ code: await server.codeFor(username, first.seen) })
    expect(setUp.heading).toBe('Set up an authenticator app')
    const app = appFrom(setUp)
    expect(whereItIs(await setUp.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
    clock.pass(31)
    const { visitor, page, seen } = await ask(username, 'two')
    const more = await page.submit({ code: await server.codeFor(username, seen) })
    expect(more.heading).toBe('One more step')
    const atApp = await more.submit({ code: app.codeAt(clock.now()) })
    expect(whereItIs(atApp)).toBe('the app')
    expect(decodeJwt((await visitor.tokensFrom(atApp)).body.id_token ?? '')['amr']).toEqual(['email_otp', 'otp', 'mfa'])
  })

  test('one mailbox is not two factors: the password has to come first', async () => {
    const username = await haveUser('same')
    const { page, seen } = await ask(username, 'same')
    const login = await page.submit({ code: await server.codeFor(username, seen) })
    expect([login.heading, login.text]).toEqual(['Sign in', expect.stringContaining('two different proofs')])
    clock.pass(31)
    const after = await server.mail()
    const more = await login.submit({ username, password: goodPassword })
    expect(whereItIs(await more.submit({ code: await server.codeFor(username, after) }))).toBe('the app')
  })

  test('nothing of it is there where the app does not offer it', async () => {
    const username = await haveUser()
    const visitor = await visit('plain', 'password-only')
    expect(visitor.login.html).not.toContain('requestSignInCode')
    const before = (await server.mail()).length
    const forced = visitor.login.url.href.replace('/login?', '/requestSignInCode?')
    const body = new URLSearchParams({
      flow: visitor.login.field('flow') ?? '',
      _csrf: visitor.login.field('_csrf') ?? '',
      username,
      factor: 'EMAIL_OTP',
    })
    expect((await visitor.visit(forced, { method: 'POST', body })).heading).toBe('Sign in')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await server.mail()).length).toBe(before)
  })

  test('the name is asked for, and stays', async () => {
    const { login } = await visit()
    const page = await login.submit({ username: ' ' }, 'Email me a code')
    expect([page.heading, page.text]).toEqual(['Sign in', expect.stringContaining('Please fill this in')])
    const username = await haveUser()
    const asked = await page.submit({ username }, 'Email me a code')
    const back = await asked.follow('Back to sign-in')
    expect(back.field('username')).toBe(username)
  })
})
