import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { appFrom, factorPoolId, factorPools, visitorIn } from '../support/factor-pools.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'

/*
 * B10, a code of an authenticator app that counts twice, or for too long (Logto before 1.41; Keycloak CVE-2024-7318, where
 * it was good for a minute). Whoever looks over a shoulder, and knows the password, must not get in with it. Guards
 * `useTimeStep` in src/persistence/software-token-repository.ts and `timeStepOf` in src/domain/mfa/software-token.ts.
 */

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  let app: { codeAt(time: Date): string }
  const username = 'ada@example.com'
  const signIn = async (): Promise<VisitedPage> =>
    (await visitorIn(server, 'app')).login.submit({ username, password: goodPassword })
  beforeAll(async () => {
    // Codes are compared here, not counted.
    const configuration = factorPools({ LockOut: { FirstLockingFailure: 100, FailuresPerDay: 10_000 } })
    server = await startServer({ database, configuration, clock })
    await haveAccount(server, { username, password: goodPassword, userPoolId: factorPoolId('app') })
    const setUp = await signIn()
    app = appFrom(setUp)
    const code = app.codeAt(clock.now())
    expect(whereItIs(await setUp.submit({ code }))).toBe('the app')
    // The code of the set-up is used up as well.
    expect((await (await signIn()).submit({ code })).text).toContain('This code has been used.')
  })
  afterAll(() => server.stop())

  const codeIn = (seconds: number): string => app.codeAt(new Date(clock.now().getTime() + seconds * 1000))

  test('of fifty who show the same code at once, one gets in', async () => {
    clock.pass(90)
    const pages = await Promise.all(Array.from({ length: 50 }, signIn))
    const code = codeIn(0)
    const answers = await Promise.all(pages.map((page) => page.submit({ code })))
    expect(answers.filter((page) => whereItIs(page) === 'the app')).toHaveLength(1)
    expect(answers.filter(({ text }) => text.includes('This code has been used.'))).toHaveLength(49)
  })

  test('an older code than the last one counts no more, though it is fresh', async () => {
    clock.pass(90)
    const [older, newer] = [codeIn(0), codeIn(30)]
    expect(whereItIs(await (await signIn()).submit({ code: newer }))).toBe('the app')
    for (const code of [older, newer]) {
      expect((await (await signIn()).submit({ code })).text).toContain('This code has been used.')
    }
  })

  test('a code counts in its own half minute and the one before and after, and never later', async () => {
    clock.pass(120)
    for (const seconds of [-90, -60, 60, 90, 3600]) {
      expect([seconds, (await (await signIn()).submit({ code: codeIn(seconds) })).text]).toEqual([
        seconds,
        expect.stringContaining('Invalid verification code'),
      ])
    }
    expect(whereItIs(await (await signIn()).submit({ code: codeIn(-30) }))).toBe('the app')
  })

  test('a clock that goes back brings no code to life again', async () => {
    clock.pass(120)
    const code = codeIn(0)
    expect(whereItIs(await (await signIn()).submit({ code }))).toBe('the app')
    clock.pass(-60)
    expect((await (await signIn()).submit({ code: codeIn(0) })).text).toContain('This code has been used.')
    clock.pass(60)
  })
})
