import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confirmUser, disableUser, findUser, setUserPassword } from '../../../src/domain/users/administer-user.ts'
import type { User } from '../../../src/domain/users/user.ts'
import { epochSeconds } from '../../../src/platform/clock.ts'
import { sha256 } from '../../../src/security/digest.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
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
import type { PoolName, Visitor } from '../../support/visitor.ts'
import { followsOn } from '../../support/way-on.ts'

describe.each(databaseKinds)('changed meanwhile, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
  })
  afterAll(() => server.stop())

  const services = () => server.services.domain
  const deleteUser = (user: User) => services().store.users.delete(user.userPoolId, user.sub)

  async function userOf(username: string): Promise<User> {
    const user = await findUser(services(), userPoolOf(server), username)
    if (user === undefined) throw new Error(`there is no user ${username}`)
    return user
  }

  async function waitsForSignUpCode(
    username: string,
  ): Promise<{ visitor: Visitor; confirm: VisitedPage; code: string }> {
    const visitor = await visitorOf(server)
    const signUp = await visitor.login.follow('Create an account')
    const confirm = await signUp.submit({ username, password: goodPassword })
    return { visitor, confirm, code: await server.codeFor(username) }
  }

  async function waitsForResetCode(username: string): Promise<{ visitor: Visitor; reset: VisitedPage; code: string }> {
    await haveAccount(server, { username, password: goodPassword })
    const visitor = await visitorOf(server)
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username })
    return { visitor, reset, code: await server.codeFor(username) }
  }

  async function waitsForNewPassword(username: string): Promise<VisitedPage> {
    await haveAccount(server, { username, password: goodPassword, temporary: true })
    return (await visitorOf(server)).login.submit({ username, password: goodPassword })
  }

  describe('the account', () => {
    test('confirmed elsewhere: the code’s page says so, and the password gets in', async () => {
      const username = 'confirmed@example.com'
      const { confirm, code } = await waitsForSignUpCode(username)
      await confirmUser(services(), await userOf(username))
      const login = await confirm.submit({ code })
      expect(login).toMatchObject({ status: 200, heading: 'Sign in' })
      expect(login.text).toContain('Your account is confirmed already. Sign in with your password.')
      expect(whereItIs(await login.submit({ username, password: goodPassword }))).toBe('the app')
    })

    test('confirmed elsewhere, and another code asked for: the page says so too', async () => {
      const username = 'confirmed2@example.com'
      const { confirm } = await waitsForSignUpCode(username)
      await confirmUser(services(), await userOf(username))
      clock.pass(31)
      const login = await confirm.submit({}, 'Send a new code')
      expect(login).toMatchObject({ status: 200, heading: 'Sign in' })
      expect(login.text).toContain('Your account is confirmed already. Sign in with your password.')
      expect(whereItIs(await login.submit({ username, password: goodPassword }))).toBe('the app')
    })

    test('disabled: whoever has the code is told that the account is switched off', async () => {
      const username = 'disabled@example.com'
      const { confirm, code } = await waitsForSignUpCode(username)
      await disableUser(services(), await userOf(username))
      const page = await confirm.submit({ code })
      expect(page).toMatchObject({ status: 400, heading: 'This account is switched off' })
      expect(page.text).toContain('ask the people who run the app')
    })

    test('deleted while a code is waited for: one can sign up anew', async () => {
      const username = 'deleted@example.com'
      const { confirm, code } = await waitsForSignUpCode(username)
      await deleteUser(await userOf(username))
      const signUp = await confirm.submit({ code })
      expect(signUp).toMatchObject({ status: 200, heading: 'Create your account' })
      expect(signUp.text).toContain('please start again')
      const known = await server.mail()
      const again = await signUp.submit({ username, password: goodPassword })
      expect(whereItIs(await again.submit({ code: await server.codeFor(username, known) }))).toBe('the app')
    })

    test('deleted while a reset code is waited for: nothing is told but that the code is no good', async () => {
      const username = 'deleted2@example.com'
      const { reset, code } = await waitsForResetCode(username)
      await deleteUser(await userOf(username))
      const page = await reset.submit({ code, password: 'Trajectory-1962' })
      expect(page).toMatchObject({ status: 200, heading: 'Choose a new password' })
      expect(page.text).toMatch(/Invalid (verification )?code provided/)
      const login = await page.follow('Back to')
      const signUp = await (await login.follow('Create an account')).submit({ username, password: goodPassword })
      expect(signUp.heading).toBe('Check your messages')
    })

    test.each([
      ['deleted', (user: User) => deleteUser(user)],
      ['disabled', (user: User) => disableUser(services(), user)],
      [
        'given another password',
        (user: User) => setUserPassword(services(), userPoolOf(server), user, 'Different-1815', true),
      ],
    ])('%s while a new password is asked for: one is led back to sign in', async (what, change) => {
      const username = `temporary-${what.replaceAll(' ', '-')}@example.com`
      const page = await waitsForNewPassword(username)
      await change(await userOf(username))
      const expired = await page.submit({ password: 'Trajectory-1962' })
      expect(expired).toMatchObject({ status: 400, heading: 'That took a little too long' })
      const login = await expired.follow('Go to sign-in')
      expect(login).toMatchObject({ status: 200, heading: 'Sign in' })
      const answer = await login.submit({ username, password: 'Different-1815' })
      expect(whereItIs(answer)).toBe(what === 'given another password' ? 'the app' : 'Sign in')
      await haveAccount(server, { username: `other-${username}`, password: goodPassword })
      const other = await login.submit({ username: `other-${username}`, password: goodPassword })
      expect(whereItIs(other)).toBe(what === 'given another password' ? 'This sign-in is already done' : 'the app')
    })

    /** A flow whose last step is done, and which waits for something else before it ends. */
    async function waitsToEnd(username: string): Promise<Visitor> {
      const user = await haveAccount(server, { username, password: goodPassword })
      const visitor = await visitorOf(server)
      const idHash = sha256(visitor.login.field('flow') ?? '')
      const flow = await services().store.flows.find(userPoolId('email'), idHash, clock.now())
      const authenticated = { userSub: user.sub, authTime: epochSeconds(clock.now()), amr: ['pwd'] }
      await services().store.flows.saveState(userPoolId('email'), idHash, { ...flow!.state, authenticated })
      return visitor
    }
    const end = (visitor: Visitor) => visitor.visit(visitor.login.url.href.replace('/login', '/confirm'))

    test('deleted at the last moment: the page says so, and somebody else may sign in', async () => {
      const visitor = await waitsToEnd('last-moment@example.com')
      await deleteUser(await userOf('last-moment@example.com'))
      const page = await end(visitor)
      expect(page).toMatchObject({ status: 400, heading: 'This account isn’t there any more' })
      await haveAccount(server, { username: 'next@example.com', password: goodPassword })
      expect(whereItIs(await followsOn(server, visitor, page, 'Go to sign-in', { username: 'next@example.com' }))).toBe(
        'the app',
      )
    })

    test('given a temporary password at the last moment: it is asked for', async () => {
      const username = 'changed@example.com'
      const visitor = await waitsToEnd(username)
      await setUserPassword(services(), userPoolOf(server), await userOf(username), 'Different-1815', false)
      const login = await end(visitor)
      expect(login).toMatchObject({ status: 200, heading: 'Sign in' })
      expect(login.text).toContain('Your account was changed in the meantime. Please sign in once more.')
      const newPassword = await login.submit({ username, password: 'Different-1815' })
      expect(whereItIs(await newPassword.submit({ password: 'Trajectory-1962' }))).toBe('the app')
    })

    test('its password reset elsewhere: the old one is refused, the new one gets in', async () => {
      const username = 'elsewhere@example.com'
      const { reset, code } = await waitsForResetCode(username)
      const here = await visitorOf(server)
      expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
      const refused = await here.login.submit({ username, password: goodPassword })
      expect(refused.text).toContain('Incorrect username or password.')
      expect(whereItIs(await refused.submit({ username, password: 'Trajectory-1962' }))).toBe('the app')
    })
  })

  describe('the settings', () => {
    const records = (pool: PoolName) => services().store.settings.appClients(userPoolId(pool))
    async function change(pool: PoolName, settings: Record<string, unknown>): Promise<void> {
      for (const record of await records(pool)) {
        const changed = { ...record, settings: { ...record.settings, ...settings } }
        await services().store.settings.saveAppClient(changed, new Date())
      }
      await server.services.directory.refresh()
    }

    test('a callback URL taken away: no code is sent there, the page says why, and another sign-in goes on', async () => {
      const account = { username: '+4930901820', password: goodPassword }
      await haveAccount(server, { ...account, userPoolId: userPoolId('phone') })
      const visitor = await visitorOf(server, 'phone')
      await change('phone', { CallbackURLs: ['https://app.example/elsewhere'] })
      for (const page of [await visitor.login.submit(account), await visitor.visit(visitor.login.url.href)]) {
        expect(page).toMatchObject({ status: 400, heading: 'We can’t send you back to this app' })
      }
      await change('phone', { CallbackURLs: [callback] })
      expect(whereItIs(await visitor.login.submit(account))).toBe('the app')
    })

    test('a callback URL taken away between the last form and its answer: no code is sent there', async () => {
      const account = { username: '+4930901821', password: goodPassword }
      await haveAccount(server, { ...account, userPoolId: userPoolId('phone') })
      const visitor = await visitorOf(server, 'phone')
      const { login } = visitor
      const body = new URLSearchParams({
        _csrf: login.field('_csrf') ?? '',
        flow: login.field('flow') ?? '',
        ...account,
      })
      const answer = await visitor.request(`${visitor.base}/login`, { method: 'POST', body })
      await change('phone', { CallbackURLs: ['https://app.example/elsewhere'] })
      const page = await visitor.visit(answer.headers.get('location') ?? '')
      await change('phone', { CallbackURLs: [callback] })
      expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
      expect(whereItIs(await followsOn(server, visitor, page, 'Start over', { ...account, pool: 'phone' }))).toBe(
        'the app',
      )
    })

    test('sign-up closed: the form says so and leads to sign in', async () => {
      const { login } = await visitorOf(server, 'profile')
      const signUp = await login.follow('Create an account')
      const record = (await services().store.settings.userPools()).find(({ id }) => id === userPoolId('profile'))!
      await services().store.settings.saveUserPool(
        { ...record, settings: { ...record.settings, AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } } },
        new Date(),
      )
      await server.services.directory.refresh()
      const page = await signUp.submit({ username: 'late@example.com', password: goodPassword })
      expect(page).toMatchObject({ status: 200, heading: 'Sign in' })
      expect(page.text).toContain('You can’t create an account here yourself.')
    })

    test('the app deleted: every page of its flows says that we do not know it any more', async () => {
      const visitor = await visitorOf(server, 'closed')
      await services().store.settings.deleteAppClient(userPoolId('closed'), 'closed')
      await server.services.directory.refresh()
      const account = { username: 'ada@example.com', password: goodPassword }
      for (const page of [await visitor.login.submit(account), await visitor.visit(visitor.login.url.href)]) {
        expect(page).toMatchObject({ status: 400, heading: 'We don’t know this app' })
        expect(page.text).toContain('or no longer is')
      }
      expect((await visitor.visit(visitor.authorization.url)).heading).toBe('We don’t know this app')
    })
  })
})
