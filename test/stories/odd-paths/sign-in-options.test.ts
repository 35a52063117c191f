import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findUser } from '../../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { decode } from '../../support/relying-party.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import {
  callback,
  goodPassword,
  startServerWithPools,
  userPoolId,
  visitorOf,
  whereItIs,
} from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

describe.each(databaseKinds)('sign-in options, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
  })
  afterAll(() => server.stop())

  const claimsFrom = async (visitor: Visitor, page: VisitedPage): Promise<Record<string, unknown>> => {
    expect(whereItIs(page)).toBe('the app')
    return decode((await visitor.tokensFrom(page)).body.id_token)
  }

  test('a user name, and the address as an alias once it is verified', async () => {
    const visitor = await visitorOf(server, 'alias')
    expect(visitor.login.text).toContain('Username or email address')
    const signUp = await visitor.login.follow('Create an account')
    const typed = { username: 'ada', email: 'ada@example.com', password: goodPassword }
    const refused = await signUp.submit({ ...typed, username: 'ada@example.com' })
    expect(refused.text).toContain('Please choose a username that is not an email address.')
    const confirm = await signUp.submit(typed)
    expect(confirm.heading).toBe('Check your messages')

    const early = await visitorOf(server, 'alias')
    const notYet = await early.login.submit({ username: 'ada@example.com', password: goodPassword })
    expect(notYet.text).toContain('Incorrect username or password.')

    const app = await confirm.submit({ code: await server.codeFor('ada@example.com') })
    expect(await claimsFrom(visitor, app)).toMatchObject({ 'cognito:username': 'ada', email: 'ada@example.com' })
    for (const username of ['ada', 'ADA', 'ada@example.com', 'Ada@Example.com']) {
      const { login } = await visitorOf(server, 'alias')
      expect(whereItIs(await login.submit({ username, password: goodPassword }))).toBe('the app')
    }

    const taken = await (await (await visitorOf(server, 'alias')).login.follow('Create an account')).submit(typed)
    expect(taken.text).toContain('This username is taken. Please choose another.')
  })

  test('an alias belongs to whoever verifies it first', async () => {
    const confirmPageOf = async (username: string): Promise<VisitedPage> => {
      const { login } = await visitorOf(server, 'alias')
      const signUp = await login.follow('Create an account')
      return signUp.submit({ username, email: 'shared@example.com', password: goodPassword })
    }
    const first = await confirmPageOf('first')
    const firstCode = await server.codeFor('shared@example.com')
    const known = await server.mail()
    const second = await confirmPageOf('second')
    const secondCode = await server.codeFor('shared@example.com', known)
    expect(whereItIs(await second.submit({ code: secondCode }))).toBe('the app')
    expect((await first.submit({ code: firstCode })).heading).toBe('Check your messages')
    const visitor = await visitorOf(server, 'alias')
    const app = await visitor.login.submit({ username: 'shared@example.com', password: goodPassword })
    expect(await claimsFrom(visitor, app)).toMatchObject({ 'cognito:username': 'second' })
  })

  test('a phone number: the code comes by SMS, which the development mailbox shows', async () => {
    const visitor = await visitorOf(server, 'phone')
    const signUp = await visitor.login.follow('Create an account')
    const refused = await signUp.submit({ username: '030 901820', password: goodPassword })
    expect(refused.text).toContain('Please enter a phone number with its country code')
    expect(refused.field('username')).toBe('030 901820')
    const confirm = await signUp.submit({ username: '+49 (30) 901-820', password: goodPassword })
    expect(confirm.text).toContain('+*******1820')
    const app = await confirm.submit({ code: await server.codeFor('+4930901820') })
    expect(await claimsFrom(visitor, app)).toMatchObject({ phone_number: '+4930901820', phone_number_verified: true })
    const again = await visitorOf(server, 'phone')
    expect(whereItIs(await again.login.submit({ username: '+49 30 901820', password: goodPassword }))).toBe('the app')
    const forgot = await (await visitorOf(server, 'phone')).login.follow('Forgot your password?')
    const known = await server.mail()
    const reset = await forgot.submit({ username: '+4930901820' })
    const code = await server.codeFor('+4930901820', known)
    expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
  })

  test('attributes that are required are asked for, and come with the token', async () => {
    const visitor = await visitorOf(server, 'profile', { parameters: { scope: 'openid profile' } })
    const signUp = await visitor.login.follow('Create an account')
    expect(signUp.text).toContain('First name')
    expect(signUp.text).toContain('Date of birth')
    const typed = {
      username: 'grace@example.com',
      given_name: ' Grace ',
      birthdate: '1906-12-09',
      password: goodPassword,
    }
    const confirm = await signUp.submit(typed)
    const app = await confirm.submit({ code: await server.codeFor('grace@example.com') })
    expect(await claimsFrom(visitor, app)).toMatchObject({ given_name: 'Grace', birthdate: '1906-12-09' })
  })

  test('attributes that no form asks for are not taken', async () => {
    const visitor = await visitorOf(server)
    const signUp = await visitor.login.follow('Create an account')
    const more = { email_verified: 'true', sub: 'x', 'custom:role': 'admin', name: 'Eve', 'cognito:groups': 'admin' }
    const confirm = await signUp.submit({ username: 'eve@example.com', password: goodPassword, ...more })
    expect(confirm.heading).toBe('Check your messages')
    const user = await findUser(server.services.domain, userPoolOf(server), 'eve@example.com')
    expect(user!.attributes).toEqual({ email: 'eve@example.com' })
    expect(user!.status).toBe('UNCONFIRMED')
  })

  test('a temporary password leads to one of the user’s own, with what else is required', async () => {
    const account = { username: 'edith@example.com', password: 'Temporary-1843', userPoolId: userPoolId('profile') }
    await haveAccount(server, { ...account, temporary: true, attributes: { given_name: 'Edith' } })
    const visitor = await visitorOf(server, 'profile')
    const newPassword = await visitor.login.submit({ username: account.username, password: account.password })
    expect(newPassword.heading).toBe('Choose your own password')
    expect(newPassword.text).toContain('edith@example.com')
    const missing = await newPassword.submit({ password: 'short' })
    expect(missing.text).toContain('Please fill this in.')
    expect(missing.text).toContain('Your password doesn’t meet all of the points below yet.')
    // An attribute that is set already is nobody's to change here.
    const app = await missing.submit({ birthdate: '1883-05-01', given_name: 'Eve', password: 'Clarke-transform-1' })
    const claims = await claimsFrom(visitor, app)
    expect(claims).toMatchObject({ given_name: 'Edith', birthdate: '1883-05-01', email: 'edith@example.com' })
    const { login } = await visitorOf(server, 'profile')
    expect(whereItIs(await login.submit({ username: account.username, password: account.password }))).toBe('Sign in')
    const right = { username: account.username, password: 'Clarke-transform-1' }
    expect(whereItIs(await login.submit(right))).toBe('the app')
  })

  describe('where only administrators make accounts', () => {
    test('sign-up is neither offered nor done by its address', async () => {
      const visitor = await visitorOf(server, 'closed')
      expect(visitor.login.text).not.toContain('Create an account')
      const body = new URLSearchParams({
        _csrf: visitor.login.field('_csrf') ?? '',
        flow: visitor.login.field('flow') ?? '',
        username: 'mallory@example.com',
        password: goodPassword,
      })
      const answer = await visitor.visit(`${visitor.base}/signup`, { method: 'POST', body })
      expect(answer.heading).toBe('Sign in')
      expect(answer.text).toContain('You can’t create an account here yourself.')
      const userPool = userPoolOf(server, userPoolId('closed'))
      expect(await findUser(server.services.domain, userPool, 'mallory@example.com')).toBeUndefined()
      expect((await server.mail()).filter(({ to }) => to === 'mallory@example.com')).toEqual([])
    })

    test('nor is its form shown to whom an app or a link sends there', async () => {
      const { visit, base, authorization } = await visitorOf(server, 'closed')
      const { search } = new URL(authorization.url)
      for (const address of [`/oauth2/authorize${search}&prompt=create`, `/signup${search}`]) {
        const page = await visit(`${base}${address}`)
        expect(page.heading).toBe('Sign in')
        expect(page.text).toContain('You can’t create an account here yourself.')
      }
    })

    test('where they alone renew passwords, nobody else does', async () => {
      await haveAccount(server, {
        username: 'hedy@example.com',
        password: goodPassword,
        userPoolId: userPoolId('closed'),
      })
      const visitor = await visitorOf(server, 'closed')
      expect(visitor.login.text).not.toContain('Forgot your password?')
      const known = await server.mail()
      const hidden = { _csrf: visitor.login.field('_csrf') ?? '', flow: visitor.login.field('flow') ?? '' }
      const body = new URLSearchParams({ ...hidden, username: 'hedy@example.com' })
      expect((await visitor.visit(`${visitor.base}/forgotPassword`, { method: 'POST', body })).status).toBe(404)
      const query = new URLSearchParams({ flow: hidden.flow, client_id: 'closed' })
      expect((await visitor.visit(`${visitor.base}/forgotPassword?${query.toString()}`)).status).toBe(404)
      expect(await server.mail()).toEqual(known)
      expect(whereItIs(await visitor.login.submit({ username: 'hedy@example.com', password: goodPassword }))).toBe(
        'the app',
      )
    })
  })

  test('deep links lead to the page that they name', async () => {
    const { visit, authorization } = await visitorOf(server)
    const query = new URL(authorization.url).search
    expect(new URL(authorization.url).searchParams.get('redirect_uri')).toBe(callback)
    expect((await visit(`/login${query}`)).heading).toBe('Sign in')
    expect((await visit(`/signup${query}`)).heading).toBe('Create your account')
    expect((await visit(`/forgotPassword${query}`)).heading).toBe('Forgot your password?')
    expect((await visit(`/forgotpassword${query}`)).heading).toBe('Forgot your password?')
  })
})
