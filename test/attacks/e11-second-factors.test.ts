import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setUserPassword } from '../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { factorPoolId, factorPools, visitorIn } from '../support/factor-pools.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'

/*
 * E11, messages that somebody who knows a password can ask for: a code at each sign-in, and at a set-up to any number that
 * is typed, which is what toll fraud is made of. They count for the user, and apart from those that strangers ask for.
 * Guards src/domain/mfa/limit-mfa-codes.ts and its use in src/domain/sign-in/ and src/domain/mfa/.
 */

describe.each(databaseKinds)('codes of second factors, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  beforeAll(async () => {
    const configuration = factorPools({ RateLimits: { MessagesPerRecipient: { PerHour: 3 } } })
    const environment = { rateLimits: true }
    server = await startServer({ database, configuration, clock, environment })
  })
  afterAll(() => server.stop())

  const account = (username: string, attributes = {}) =>
    haveAccount(server, { username, password: goodPassword, userPoolId: factorPoolId('all'), attributes })
  async function signIn(username: string): Promise<VisitedPage> {
    clock.pass(60)
    return (await visitorIn(server, 'all')).login.submit({ username, password: goodPassword })
  }
  const sentTo = async (to: string) => (await settledMail(server)).filter((mail) => mail.to === to).length

  test('three sign-ins an hour bring one each; the fourth waits, and says for how long', async () => {
    const username = 'ada@example.com'
    await account(username)
    for (let turn = 0; turn < 3; turn += 1) expect((await signIn(username)).heading).toBe('One more step')
    const limited = await signIn(username)
    expect([limited.status, limited.heading]).toEqual([429, 'Sign in'])
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(limited.text).toMatch(/You can try again in/)
    expect(await sentTo(username)).toBe(3)
  })

  test('asking for another one counts as well', async () => {
    const username = 'bea@example.com'
    await account(username)
    let page = await signIn(username)
    for (let turn = 0; turn < 2; turn += 1) {
      clock.pass(31)
      page = await page.submit({}, 'Send a new code')
      expect(page.heading).toBe('One more step')
    }
    clock.pass(31)
    page = await page.submit({}, 'Send a new code')
    expect([page.status, page.heading]).toEqual([429, 'A short pause, please'])
    expect(await sentTo(username)).toBe(3)
  })

  test('a set-up writes to three numbers an hour, whichever are typed', async () => {
    const username = 'cat@example.com'
    await account(username, { email_verified: 'false' })
    const setUp = await signIn(username)
    for (let number = 0; number < 3; number += 1) {
      const page = await setUp.submit({ type: 'SMS_MFA', phone_number: `+4420794609${number}0` }, 'Continue')
      expect(page.text).toContain(`+*******09${number}0`)
    }
    const limited = await setUp.submit({ type: 'SMS_MFA', phone_number: '+442079460990' }, 'Continue')
    expect([limited.status, limited.heading]).toEqual([429, 'A short pause, please'])
    expect(await sentTo('+442079460990')).toBe(0)
  })

  test('a temporary password is not used up by a code that cannot be sent', async () => {
    const username = 'eve@example.com'
    const user = await account(username)
    for (let turn = 0; turn < 3; turn += 1) await signIn(username)
    const { domain } = server.services
    await setUserPassword(domain, userPoolOf(server, user.userPoolId), user, goodPassword, false)
    const newPassword = await signIn(username)
    expect(newPassword.heading).toBe('Choose your own password')
    const limited = await newPassword.submit({ password: 'Babbage-Engine-2' })
    expect([limited.status, limited.heading]).toEqual([429, 'A short pause, please'])
    expect((await signIn(username)).heading).toBe('Choose your own password')
  })

  test('what strangers ask for in the owner’s name takes nothing from them', async () => {
    const username = 'dot@example.com'
    await account(username)
    for (let turn = 0; turn < 4; turn += 1) {
      clock.pass(60)
      const { login } = await visitorIn(server, 'all')
      await (await login.follow('Forgot your password?')).submit({ username })
    }
    const known = await server.mail()
    const page = await signIn(username)
    expect(page.heading).toBe('One more step')
    expect(whereItIs(await page.submit({ code: await server.codeFor(username, known) }))).toBe('the app')
  })
})
