import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { guesses, strangerFrom, times, verdictOf } from '../support/attackers.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { goodPassword, startServerWithPools, userPoolId } from '../support/visitor.ts'

/* Threat row B7: who has several names has several times as many guesses coming. */

describe.each(databaseKinds)('an account with several names, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
    const attributes = { email: 'ada@example.com', email_verified: 'true' }
    await haveAccount(server, { username: 'ada', password: goodPassword, attributes, userPoolId: userPoolId('alias') })
  })
  afterAll(() => server.stop())
  beforeEach(() => {
    clock.pass(86_400)
  })

  const login = async () => (await strangerFrom(server, undefined, 'alias')).login

  test('has one counter, whichever of them is typed and however it is spelt', async () => {
    const names = ['ada', 'ADA', 'ada@example.com', ' Ada@EXAMPLE.com ', 'ａｄａ']
    const page = await login()
    expect(await guesses(page, 5, (n) => ({ username: names[n]!, password: 'Wrong-guess-1' }))).toEqual(
      times(5, 'wrong'),
    )
    for (const username of names) {
      expect(verdictOf(await page.submit({ username, password: goodPassword })), username).not.toBe('right')
    }
    clock.pass(1)
    expect(verdictOf(await page.submit({ username: 'ada@example.com', password: goodPassword }))).toBe('right')
  })

  test('does not tell by its lock that two names are of one account: the other one locks as nobody’s does', async () => {
    const attempt = async (username: string) =>
      guesses(await login(), 6, () => ({ username, password: 'Wrong-guess-1' }))
    const lockedAfterFive = [...times(5, 'wrong'), 'locked']
    expect(await attempt('ada')).toEqual(lockedAfterFive)
    expect(await attempt('ada@example.com')).toEqual(lockedAfterFive)
    expect(await attempt('eve@example.com')).toEqual(lockedAfterFive)
  })

  test('has one counter for the code of a reset', async () => {
    const ask = async (username: string) => (await (await login()).follow('Forgot your password?')).submit({ username })
    const typed = { code: '00000x', password: goodPassword }
    expect(await guesses(await ask('ada'), 5, () => typed)).toEqual(times(5, 'wrong'))
    const code = await server.codeFor('ada@example.com')
    const reset = await ask('ada@example.com')
    expect(verdictOf(await reset.submit({ ...typed, code }))).toBe('wrong')
    clock.pass(1)
    expect(verdictOf(await reset.submit({ ...typed, code }))).toBe('right')
  })

  test('says nothing in the database of who is being guessed at, nor whether that is anybody', async () => {
    const page = await login()
    for (const username of ['ada', 'nobody']) await page.submit({ username, password: 'Wrong-guess-1' })
    const { kysely } = server.services.database
    const rows = await kysely.selectFrom('guess_counters').selectAll().execute()
    expect(rows.length).toBeGreaterThan(2)
    expect(JSON.stringify(rows)).not.toMatch(/ada|nobody|example/i)
    for (const { bucket } of rows) expect(bucket).toMatch(/^[\w-]{43}$/)
  })
})
