import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confirmUser, findUser } from '../../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { callback, goodPassword, visitorOf, whereItIs } from '../../support/visitor.ts'

const client = `{ ClientId: email, CallbackURLs: ['${callback}'], AllowedOAuthScopes: [openid, email] }`
const configuration = `UserPools:
  - PoolName: approve
    Default: true
    Id: eu-west-1_approve
    UsernameAttributes: [email]
    Clients: [${client}]
`

/* Statuses that only an operator brings about or ends. */
describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration, database })
  })
  afterAll(() => server.stop())

  test('where an operator confirms, sign-up and sign-in say so until it is done', async () => {
    const account = { username: 'ada@example.com', password: goodPassword }
    const visitor = await visitorOf(server)
    const form = await visitor.login.follow('Create an account')
    const waiting = await form.submit(account)
    expect(waiting).toMatchObject({ status: 200, heading: 'Almost there' })
    expect(await server.mail()).toEqual([])
    const early = await (await visitorOf(server)).login.submit(account)
    expect(early).toMatchObject({ status: 200, heading: waiting.heading })
    const { domain } = server.services
    const user = await findUser(domain, userPoolOf(server), account.username)
    await confirmUser(domain, user!)
    expect(whereItIs(await (await visitorOf(server)).login.submit(account))).toBe('the app')
  })

  test('a password that has to be renewed leads to the pages for a forgotten one, and from there to the app', async () => {
    const account = { username: 'grace@example.com', password: goodPassword }
    const { sub, userPoolId } = await haveAccount(server, account)
    const { store, clock } = server.services.domain
    await store.users.update(userPoolId, sub, { status: 'RESET_REQUIRED' }, clock.now())
    const { login } = await visitorOf(server)
    expect((await login.submit({ ...account, password: 'Wrong-1906' })).text).toContain(
      'Incorrect username or password.',
    )
    const forgot = await login.submit(account)
    expect(forgot.heading).toBe('Forgot your password?')
    expect(forgot.text).toContain('Your password has to be renewed before you can sign in.')
    const reset = await forgot.submit({ username: forgot.field('username') ?? '' })
    const code = await server.codeFor(account.username)
    expect(whereItIs(await reset.submit({ code, password: 'Nanoseconds-1984' }))).toBe('the app')
    const again = await (await visitorOf(server)).login.submit({ ...account, password: 'Nanoseconds-1984' })
    expect(whereItIs(again)).toBe('the app')
  })
})
