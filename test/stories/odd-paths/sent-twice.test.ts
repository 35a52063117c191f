import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'
import { followsOn } from '../../support/way-on.ts'

const account = { username: 'ada@example.com', password: goodPassword }

describe.each(databaseKinds)('a form sent twice, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
    await haveAccount(server, account)
  })
  afterAll(() => server.stop())

  const receivesTokens = async (visitor: Visitor, page: VisitedPage): Promise<void> => {
    expect(whereItIs(page)).toBe('the app')
    expect(page.url.searchParams.get('state')).toBe(visitor.authorization.state)
    expect((await visitor.tokensFrom(page)).status).toBe(200)
  }

  test('at sign-in comes to the app', async () => {
    const visitor = await visitorOf(server)
    await receivesTokens(visitor, await visitor.login.submitTwice(account))
  })

  test('at sign-up sends one code, which comes to the app when it is sent twice', async () => {
    const visitor = await visitorOf(server)
    const typed = { ...account, username: 'twice@example.com' }
    const confirm = await (await visitor.login.follow('Create an account')).submitTwice(typed)
    expect(confirm).toMatchObject({ status: 200, heading: 'Check your messages' })
    const code = await server.codeFor('twice@example.com')
    expect((await server.mail()).filter(({ to }) => to === 'twice@example.com')).toHaveLength(1)
    await receivesTokens(visitor, await confirm.submitTwice({ code }))
  })

  test('at sign-up with a user name of one’s own, too', async () => {
    const visitor = await visitorOf(server, 'alias')
    const typed = { username: 'twice', email: 'twice-alias@example.com', password: goodPassword }
    const confirm = await (await visitor.login.follow('Create an account')).submitTwice(typed)
    expect(confirm).toMatchObject({ status: 200, heading: 'Check your messages' })
    const code = await server.codeFor('twice-alias@example.com')
    await receivesTokens(visitor, await confirm.submitTwice({ code }))
  })

  test('with a forgotten password sends one code, and the new password comes to the app', async () => {
    const visitor = await visitorOf(server)
    await haveAccount(server, { ...account, username: 'forgot@example.com' })
    const forgot = await visitor.login.follow('Forgot your password?')
    const reset = await forgot.submitTwice({ username: 'forgot@example.com' })
    expect(reset).toMatchObject({ status: 200, heading: 'Choose a new password' })
    const code = await server.codeFor('forgot@example.com')
    expect((await server.mail()).filter(({ to }) => to === 'forgot@example.com')).toHaveLength(1)
    await receivesTokens(visitor, await reset.submitTwice({ code, password: 'Trajectory-1962' }))
  })

  test('with a temporary password comes to the page for a new one, and that one to the app', async () => {
    const visitor = await visitorOf(server)
    await haveAccount(server, { ...account, username: 'temporary@example.com', temporary: true })
    const typed = { ...account, username: 'temporary@example.com' }
    const newPassword = await visitor.login.submitTwice(typed)
    expect(newPassword).toMatchObject({ status: 200, heading: 'Choose your own password' })
    await receivesTokens(visitor, await newPassword.submitTwice({ password: 'Trajectory-1962' }))
  })

  test('whose answer was lost on the way may be sent again, and the page be reloaded', async () => {
    const visitor = await visitorOf(server)
    const { login } = visitor
    const body = new URLSearchParams({ _csrf: login.field('_csrf') ?? '', flow: login.field('flow') ?? '', ...account })
    expect((await visitor.request(`${server.publicUrl}/login`, { method: 'POST', body })).status).toBe(303)
    clock.pass(200)
    await receivesTokens(visitor, await visitor.visit(login.url.href))
    // Once only: the answer has been fetched.
    const again = await login.submit(account)
    expect(again).toMatchObject({ status: 400, heading: 'This sign-in is already done' })
    expect(whereItIs(await followsOn(server, visitor, again, 'Start over', account))).toBe('the app')
  })

  test('is not gone on with after five minutes, nor by another browser', async () => {
    const visitor = await visitorOf(server)
    const { login } = visitor
    const body = new URLSearchParams({ _csrf: login.field('_csrf') ?? '', flow: login.field('flow') ?? '', ...account })
    expect((await visitor.request(`${server.publicUrl}/login`, { method: 'POST', body })).status).toBe(303)
    const other = await visitorOf(server)
    expect((await other.visit(login.url.href)).heading).toBe('This was begun in another browser')
    clock.pass(301)
    const late = await visitor.visit(login.url.href)
    expect(late).toMatchObject({ status: 400, heading: 'This sign-in is already done' })
    expect(whereItIs(await followsOn(server, visitor, late, 'Start over', account))).toBe('the app')
  })

  test('another code asked for twice is one message', async () => {
    const visitor = await visitorOf(server)
    const signUp = await visitor.login.follow('Create an account')
    const confirm = await signUp.submit({ ...account, username: 'resent@example.com' })
    const first = await server.mail()
    clock.pass(31)
    const fields = { _csrf: confirm.field('_csrf') ?? '', flow: confirm.field('flow') ?? '' }
    const again = () =>
      visitor.visit('/resendcode?client_id=email', { method: 'POST', body: new URLSearchParams(fields) })
    const pages = await Promise.all([again(), again()])
    expect(pages.map(({ status, heading }) => [status, heading])).toEqual(Array(2).fill([200, 'Check your messages']))
    const code = await server.codeFor('resent@example.com', first)
    expect((await server.mail()).filter(({ to }) => to === 'resent@example.com')).toHaveLength(2)
    await receivesTokens(visitor, await confirm.submit({ code }))
  })

  test('a refusal sent again is the same refusal, and the right password still gets in', async () => {
    const visitor = await visitorOf(server)
    const wrong = { ...account, password: 'Not-her-password-1' }
    for (let time = 0; time < 2; time += 1) {
      const refused = await visitor.login.submit(wrong)
      expect(refused).toMatchObject({ status: 200, heading: 'Sign in' })
      expect(refused.text).toContain('Incorrect username or password.')
    }
    await receivesTokens(visitor, await visitor.login.submit(account))
  })

  describe('a sign-up corrected by way of the back button', () => {
    test('a mistyped address: the code goes to the right one, and the name is still one’s own', async () => {
      const visitor = await visitorOf(server, 'alias')
      const signUp = await visitor.login.follow('Create an account')
      const typed = { username: 'corrected', email: 'wrong@example.com', password: goodPassword }
      await signUp.submit(typed)
      const confirm = await signUp.submit({ ...typed, email: 'right@example.com' })
      expect(confirm).toMatchObject({ status: 200, heading: 'Check your messages' })
      await receivesTokens(visitor, await confirm.submit({ code: await server.codeFor('right@example.com') }))
    })

    test('another password: the last one counts, and the code that came is good', async () => {
      const visitor = await visitorOf(server)
      const signUp = await visitor.login.follow('Create an account')
      const typed = { username: 'second-thought@example.com', password: 'First-thought-1' }
      await signUp.submit(typed)
      const confirm = await signUp.submit({ ...typed, password: goodPassword })
      await receivesTokens(visitor, await confirm.submit({ code: await server.codeFor(typed.username) }))
      const { login } = await visitorOf(server)
      expect(whereItIs(await login.submit(typed))).toBe('Sign in')
      expect(whereItIs(await login.submit({ ...typed, password: goodPassword }))).toBe('the app')
    })

    test('but nobody else’s name may be had that way', async () => {
      const owner = await visitorOf(server, 'alias')
      const typed = { username: 'taken', email: 'taken@example.com', password: goodPassword }
      await (await owner.login.follow('Create an account')).submit(typed)
      const other = await visitorOf(server, 'alias')
      const signUp = await other.login.follow('Create an account')
      await signUp.submit({ ...typed, username: 'somebody', email: 'somebody@example.com' })
      const refused = await signUp.submit({ ...typed, email: 'thief@example.com' })
      expect(refused.text).toContain('This username is taken. Please choose another.')
    })
  })
})
