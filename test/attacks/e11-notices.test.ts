import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { times } from '../support/attackers.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { goodPassword, visitorOf, whereItIs } from '../support/visitor.ts'
import { attackedPool } from './support/attacked-pool.ts'

/*
 * E11, a mailbox filled by notices: whoever knows a password signs in over and over, each time in another browser. And the other way
 * round: messages that anybody may ask for must not use up the notice that tells the owner of a stranger. Guards
 * `withholdsNotice` in src/domain/rate-limits/consume-limits.ts and its use in src/domain/lock-out/known-browsers.ts.
 */

describe.each(databaseKinds)('notices of further browsers, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    const configuration = JSON.stringify({
      UserPools: [attackedPool({ RateLimits: { MessagesPerRecipient: { PerHour: 3 } } })],
    })
    server = await startServer({ database, configuration, environment: { rateLimits: true } })
  })
  afterAll(() => server.stop())

  async function signIn(username: string): Promise<void> {
    const { login } = await visitorOf(server)
    expect(whereItIs(await login.submit({ username, password: goodPassword }))).toBe('the app')
  }
  /** With one browser that is no news. */
  async function haveOwner(username: string): Promise<void> {
    await haveAccount(server, { username, password: goodPassword })
    await signIn(username)
  }
  const subjectsOf = async (username: string): Promise<readonly string[]> =>
    (await settledMail(server)).filter(({ to }) => to === username).map(({ subject }) => subject)

  test('three an hour for one account; all of the sign-ins work', async () => {
    await haveOwner('ada@example.com')
    await haveOwner('bea@example.com')
    for (let turn = 0; turn < 5; turn += 1) await signIn('ada@example.com')
    await signIn('bea@example.com')
    expect(await subjectsOf('ada@example.com')).toEqual(times(3, 'A new sign-in to Latchkey'))
    expect(await subjectsOf('bea@example.com')).toEqual(['A new sign-in to Latchkey'])
  })

  test('as many codes as anybody may ask for hide no stranger', async () => {
    const username = 'cleo@example.com'
    await haveOwner(username)
    for (let turn = 0; turn < 5; turn += 1) {
      const { login } = await visitorOf(server)
      await (await login.follow('Forgot your password?')).submit({ username })
    }
    await signIn(username)
    expect((await subjectsOf(username)).filter((subject) => subject === 'A new sign-in to Latchkey')).toHaveLength(1)
  })
})
