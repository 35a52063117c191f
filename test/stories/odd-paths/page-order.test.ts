import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { disableUser, findUser } from '../../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

describe.each(databaseKinds)('no page before its turn, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
    await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
  })
  afterAll(() => server.stop())

  const at = (page: VisitedPage, path: string): string => `${path}?${page.url.searchParams.toString()}`

  /** Posts to a path of the flow with its own token, as somebody who knows the forms would. */
  const post = (visitor: Visitor, page: VisitedPage, path: string, fields: Record<string, string>) => {
    const hidden = { _csrf: page.field('_csrf') ?? '', flow: page.field('flow') ?? '' }
    return visitor.visit(path, { method: 'POST', body: new URLSearchParams({ ...hidden, ...fields }) })
  }

  const laterPages = ['/confirm', '/resetPassword', '/confirmforgotPassword', '/changePassword']
  const everything = { code: '123456', password: 'Somebody-else-1', username: 'ada@example.com' }

  test.each(laterPages)('%s of a fresh flow leads to the sign-in page', async (path) => {
    const visitor = await visitorOf(server)
    expect((await visitor.visit(at(visitor.login, path))).heading).toBe('Sign in')
    expect((await post(visitor, visitor.login, path, everything)).heading).toBe('Sign in')
    expect((await post(visitor, visitor.login, path, {})).heading).toBe('Sign in')
    const app = await visitor.login.submit({ username: 'ada@example.com', password: goodPassword })
    expect(whereItIs(app)).toBe('the app')
  })

  test('a request for another code out of turn leads to the sign-in page and sends nothing', async () => {
    const visitor = await visitorOf(server)
    const before = await server.mail()
    expect((await post(visitor, visitor.login, '/resendcode', everything)).heading).toBe('Sign in')
    expect(await server.mail()).toEqual(before)
  })

  test.each(['/confirm', '/changePassword'])(
    'waiting for a reset code, %s leads back to it, and an empty code too',
    async (path) => {
      const visitor = await visitorOf(server)
      const forgot = await visitor.login.follow('Forgot your password?')
      const reset = await forgot.submit({ username: 'ada@example.com' })
      expect(reset.heading).toBe('Choose a new password')
      expect((await visitor.visit(at(reset, path))).heading).toBe('Choose a new password')
      expect((await post(visitor, reset, path, everything)).heading).toBe('Choose a new password')
      for (const code of ['', ' ', 'undefined', 'null', '000000000000']) {
        expect(whereItIs(await reset.submit({ code, password: 'Somebody-else-1' }))).toBe('Choose a new password')
      }
      // Begun again, as in the attack that row B3 tells of: the form still wants a code.
      const again = await visitor.visit(at(reset, '/forgotPassword'))
      expect(again.heading).toBe('Forgot your password?')
      const reopened = await again.submit({ username: 'ada@example.com' })
      expect(whereItIs(await reopened.submit({ password: 'Somebody-else-1' }))).toBe('Choose a new password')
      const { login } = await visitorOf(server)
      expect(whereItIs(await login.submit({ username: 'ada@example.com', password: 'Somebody-else-1' }))).toBe(
        'Sign in',
      )
      expect(whereItIs(await login.submit({ username: 'ada@example.com', password: goodPassword }))).toBe('the app')
    },
  )

  test('waiting for a sign-up code, no other page lets anyone in', async () => {
    const visitor = await visitorOf(server)
    const signUp = await visitor.login.follow('Create an account')
    const confirm = await signUp.submit({ username: 'grace@example.com', password: goodPassword })
    for (const path of ['/resetPassword', '/changePassword']) {
      expect((await visitor.visit(at(confirm, path))).heading).toBe('Check your messages')
      expect((await post(visitor, confirm, path, everything)).heading).toBe('Check your messages')
    }
    expect((await confirm.submit({ code: '' })).text).toContain('Please enter the code from the message.')
    // The back button: the sign-in page is there, and the code page is still what is due.
    const login = await visitor.visit(at(confirm, '/login'))
    expect(login.heading).toBe('Sign in')
    expect((await visitor.visit(at(confirm, '/confirm'))).heading).toBe('Check your messages')
    const app = await confirm.submit({ code: await server.codeFor('grace@example.com') })
    expect(whereItIs(app)).toBe('the app')
  })

  test('a finished flow is finished, in every tab and for every page', async () => {
    const visitor = await visitorOf(server)
    const { login } = visitor
    const typed = { username: 'ada@example.com', password: goodPassword }
    expect(whereItIs(await login.submit(typed))).toBe('the app')
    expect((await login.submit(typed)).heading).toBe('This sign-in is already done')
    for (const path of ['/login', '/signup', ...laterPages]) {
      expect((await visitor.visit(at(login, path))).heading).toBe('This sign-in is already done')
    }
  })

  test('another browser can neither look at a flow nor go on with it, with or without cookies of its own', async () => {
    const visitor = await visitorOf(server)
    const confirm = await (
      await visitor.login.follow('Create an account')
    ).submit({ username: 'edith@example.com', password: goodPassword })
    const code = await server.codeFor('edith@example.com')
    const stranger = createUserAgent(server.publicUrl)
    const other = await visitorOf(server)
    for (const { visit } of [stranger, other]) {
      const looked = await visit(at(confirm, '/confirm'))
      expect(looked).toMatchObject({ status: 400, heading: 'This was begun in another browser' })
      const hidden = { _csrf: confirm.field('_csrf') ?? '', flow: confirm.field('flow') ?? '' }
      const posted = await visit('/confirm', { method: 'POST', body: new URLSearchParams({ ...hidden, code }) })
      expect(posted).toMatchObject({ status: 400, heading: 'This was begun in another browser' })
    }
    expect(whereItIs(await confirm.submit({ code }))).toBe('the app')
  })

  test.each([
    ['missing', {}],
    ['empty', { _csrf: '' }],
    ['wrong', { _csrf: 'A'.repeat(43) }],
  ])('a form whose token is %s is refused, with a way back', async (_what, token: Record<string, string>) => {
    const { login, visit } = await visitorOf(server)
    const body = new URLSearchParams({
      flow: login.field('flow') ?? '',
      username: 'ada@example.com',
      password: goodPassword,
      ...token,
    })
    const refused = await visit('/login', { method: 'POST', body })
    expect(refused).toMatchObject({ status: 403, heading: 'This form is out of date' })
    const back = await refused.follow('Try again')
    expect(whereItIs(await back.submit({ username: 'ada@example.com', password: goodPassword }))).toBe('the app')
  })

  test.each([
    ['missing', {}],
    ['wrong', { _csrf: 'A'.repeat(43) }],
  ])(
    'another code asked for with a token that is %s: nothing is sent, and the page is there again',
    async (what, token) => {
      const visitor = await visitorOf(server)
      const signUp = await visitor.login.follow('Create an account')
      const confirm = await signUp.submit({ username: `${what}@example.com`, password: goodPassword })
      const forgot = await (
        await visitorOf(server, 'email', { browser: visitor })
      ).login.follow('Forgot your password?')
      const reset = await forgot.submit({ username: 'ada@example.com' })
      const before = await server.mail()
      for (const page of [confirm, reset]) {
        const body = new URLSearchParams({ flow: page.field('flow') ?? '', ...token })
        const refused = await visitor.visit('/resendcode?client_id=email', { method: 'POST', body })
        expect(refused).toMatchObject({ status: 403, heading: 'This form is out of date' })
        expect((await refused.follow('Try again')).heading).toBe(page.heading)
      }
      expect(await server.mail()).toEqual(before)
    },
  )

  test('another flow’s token is refused', async () => {
    const browser = createUserAgent(server.publicUrl)
    const [one, two] = [await visitorOf(server, 'email', { browser }), await visitorOf(server, 'email', { browser })]
    const refused = await one.login.submit({ _csrf: two.login.field('_csrf') ?? '', username: 'a', password: 'b' })
    expect(refused.status).toBe(403)
  })

  describe('an account switched off on the way', () => {
    const switchOff = async (email: string): Promise<void> => {
      const user = await findUser(server.services.domain, userPoolOf(server), email)
      await disableUser(server.services.domain, user!)
    }

    test('does not get in by its sign-up code', async () => {
      const { login } = await visitorOf(server)
      const confirm = await (
        await login.follow('Create an account')
      ).submit({ username: 'off1@example.com', password: goodPassword })
      await switchOff('off1@example.com')
      const answer = await confirm.submit({ code: await server.codeFor('off1@example.com') })
      expect(answer).toMatchObject({ status: 400, heading: 'This account is switched off' })
    })

    test('does not get in by a new password, nor is it told more than its owner knows', async () => {
      const { login } = await visitorOf(server)
      await haveAccount(server, { username: 'off2@example.com', password: goodPassword, temporary: true })
      const newPassword = await login.submit({ username: 'off2@example.com', password: goodPassword })
      await switchOff('off2@example.com')
      expect(whereItIs(await newPassword.submit({ password: 'Trajectory-1962' }))).not.toBe('the app')
      const again = await (
        await visitorOf(server)
      ).login.submit({ username: 'off2@example.com', password: goodPassword })
      expect(again.text).toContain('This account is switched off.')
    })

    test('does not get in by a reset code', async () => {
      const { login } = await visitorOf(server)
      await haveAccount(server, { username: 'off3@example.com', password: goodPassword })
      const reset = await (await login.follow('Forgot your password?')).submit({ username: 'off3@example.com' })
      const code = await server.codeFor('off3@example.com')
      await switchOff('off3@example.com')
      const answer = await reset.submit({ code, password: 'Trajectory-1962' })
      expect(answer.text).toContain('This account is switched off.')
    })

    test('loses the session that it had', async () => {
      await haveAccount(server, { username: 'off4@example.com', password: goodPassword })
      const visitor = await visitorOf(server)
      expect(whereItIs(await visitor.login.submit({ username: 'off4@example.com', password: goodPassword }))).toBe(
        'the app',
      )
      const app = await visitor.visit(visitor.authorization.url)
      expect(whereItIs(app)).toBe('the app')
      await switchOff('off4@example.com')
      expect((await visitor.visit(visitor.authorization.url)).heading).toBe('Sign in')
    })
  })
})
