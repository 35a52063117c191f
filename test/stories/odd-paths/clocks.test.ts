import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { setUserPassword, signOutUser, findUser } from '../../../src/domain/users/administer-user.ts'
import { addSeconds, systemClock } from '../../../src/platform/clock.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { createDatabase } from '../../support/postgres.ts'
import type { TestServer } from '../../support/server.ts'
import { startTlsFront } from '../../support/tls-front.ts'
import type { TlsFront } from '../../support/tls-front.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'
import type { VisitedPage } from '../../support/user-agent.ts'

const account = { username: 'ada@example.com', password: goodPassword }

/* Two servers on one database, behind one address, whose clocks differ by a minute. Every request may meet either. */
describe('two servers whose clocks differ by a minute', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let front: TlsFront
  let onTime: TestServer
  let ahead: TestServer
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    front = await startTlsFront()
    const environment = { databaseUrl: database.url, publicUrl: front.origin }
    const fast = { now: () => addSeconds(systemClock.now(), 60) }
    onTime = await startServerWithPools({ environment })
    ahead = await startServerWithPools({ environment, clock: fast })
    await haveAccount(onTime, account)
  })
  afterAll(async () => {
    await Promise.all([onTime.stop(), ahead.stop()])
    await front.stop()
    await database.drop()
  })

  const meet = (server: TestServer): void => front.forwardTo(server.port)

  async function expectTokens(visitor: Visitor, page: VisitedPage): Promise<void> {
    expect(whereItIs(page)).toBe('the app')
    const { status, body } = await visitor.tokensFrom(page)
    expect([status, body.error]).toEqual([200, undefined])
    for (const server of [onTime, ahead]) {
      meet(server)
      const headers = { authorization: `Bearer ${body.access_token}` }
      expect((await fetch(`${front.origin}/oauth2/userInfo`, { headers })).status).toBe(200)
      const silent = await visitor.visit(`${visitor.authorization.url}&prompt=none`)
      expect(whereItIs(silent)).toBe('the app')
    }
  }

  const orders: [string, () => [TestServer, TestServer]][] = [
    ['the one ahead first', () => [ahead, onTime]],
    ['the one ahead last', () => [onTime, ahead]],
  ]

  test.each(orders)('a sign-in from the one to the other, %s, comes to the app', async (_order, servers) => {
    const [first, second] = servers()
    meet(first)
    const visitor = await visitorOf(onTime)
    meet(second)
    const app = await visitor.login.submit(account)
    meet(first)
    await expectTokens(visitor, app)
  })

  test.each(orders)('a sign-up from the one to the other, %s, comes to the app', async (order, servers) => {
    const [first, second] = servers()
    const username = `${order.replaceAll(' ', '-')}@example.com`
    meet(first)
    const visitor = await visitorOf(onTime)
    const confirm = await (await visitor.login.follow('Create an account')).submit({ ...account, username })
    const code = await first.codeFor(username)
    meet(second)
    await expectTokens(visitor, await confirm.submit({ code }))
  })

  test.each(orders)('whoever was signed out everywhere signs in again at once, %s', async (order, servers) => {
    const [first, second] = servers()
    const username = `signed-out-${order.replaceAll(' ', '-')}@example.com`
    await haveAccount(onTime, { ...account, username })
    const user = (await findUser(onTime.services.domain, userPoolOf(onTime), username))!
    await signOutUser(first.services.domain, user)
    meet(second)
    const visitor = await visitorOf(onTime)
    await expectTokens(visitor, await visitor.login.submit({ ...account, username }))
  })

  test.each(orders)('whoever is given a temporary password uses it at once, %s', async (order, servers) => {
    const [first, second] = servers()
    const username = `temporary-${order.replaceAll(' ', '-')}@example.com`
    await haveAccount(onTime, { ...account, username })
    const user = (await findUser(onTime.services.domain, userPoolOf(onTime), username))!
    await setUserPassword(first.services.domain, userPoolOf(onTime), user, 'Different-1815', false)
    meet(second)
    const visitor = await visitorOf(onTime)
    const newPassword = await visitor.login.submit({ username, password: 'Different-1815' })
    expect(newPassword.heading).toBe('Choose your own password')
    await expectTokens(visitor, await newPassword.submit({ password: 'Trajectory-1962' }))
  })

  test.each(orders)('a password that was reset at the one is good at the other, %s', async (order, servers) => {
    const [first, second] = servers()
    const username = `reset-${order.replaceAll(' ', '-')}@example.com`
    await haveAccount(onTime, { ...account, username })
    meet(first)
    const visitor = await visitorOf(onTime)
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username })
    const code = await first.codeFor(username)
    expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
    meet(second)
    const next = await visitorOf(onTime)
    await expectTokens(next, await next.login.submit({ username, password: 'Trajectory-1962' }))
  })

  test('a session of before a sign-out everywhere is over on both, whichever wrote it', async () => {
    for (const server of [onTime, ahead]) {
      const username = `over-${server.port}@example.com`
      await haveAccount(onTime, { ...account, username })
      const user = (await findUser(onTime.services.domain, userPoolOf(onTime), username))!
      meet(server)
      const visitor = await visitorOf(onTime)
      expect(whereItIs(await visitor.login.submit({ ...account, username }))).toBe('the app')
      await signOutUser(server.services.domain, user)
      for (const either of [onTime, ahead]) {
        meet(either)
        expect((await visitor.visit(visitor.authorization.url)).heading).toBe('Sign in')
      }
    }
  })
})
