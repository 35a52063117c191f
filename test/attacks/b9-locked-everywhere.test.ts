import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { guesses, strangerFrom, times, verdictOf } from '../support/attackers.ts'
import { linkFor, linkPools } from '../support/confirmation-links.ts'
import { movableClock } from '../support/movable-clock.ts'
import { requestTokens } from '../support/relying-party.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { goodPassword, visitorOf, whereItIs } from '../support/visitor.ts'

/* Threat row B9: what one door refuses another lets in. Locked is locked wherever a password is asked for. */

describe.each(databaseKinds)('a locked account, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration: linkPools, database, clock })
  })
  afterAll(() => server.stop())

  const lockOut = async (username: string) => {
    const { login } = await strangerFrom(server)
    const verdicts = await guesses(login, 6, () => ({ username, password: 'Wrong-guess-1' }))
    expect(verdicts).toEqual([...times(5, 'wrong'), 'locked'])
  }

  test('is locked at every app client', async () => {
    const username = 'doors@example.com'
    await haveAccount(server, { username, password: goodPassword })
    await lockOut(username)
    const browser = createUserAgent(server.publicUrl)
    const other = await visitorOf(server, 'email', { browser, parameters: { client_id: 'other' } })
    expect(verdictOf(await other.login.submit({ username, password: goodPassword }))).toBe('locked')
  })

  test('is locked at the password that a confirmation link asks for, and the other way round', async () => {
    const username = 'link@example.com'
    const { login } = await strangerFrom(server)
    await (await login.follow('Create an account')).submit({ username, password: goodPassword })
    const page = await createUserAgent(server.publicUrl).visit(await linkFor(server, username))
    await lockOut(username)
    expect(verdictOf(await page.submit({ password: goodPassword }))).toBe('locked')
    clock.pass(1)
    expect(verdictOf(await page.submit({ password: 'Wrong-guess-1' }))).toBe('wrong')
    const other = await strangerFrom(server)
    expect(verdictOf(await other.login.submit({ username, password: goodPassword }))).not.toBe('right')
    clock.pass(2)
    expect((await page.submit({ password: goodPassword })).heading).toBe('Your account is confirmed')
  })

  test('keeps the sessions and refresh tokens that it has', async () => {
    const username = 'session@example.com'
    await haveAccount(server, { username, password: goodPassword })
    const visitor = await visitorOf(server)
    const tokens = await visitor.tokensFrom(await visitor.login.submit({ username, password: goodPassword }))
    await lockOut(username)
    const silent = await visitorOf(server, 'email', { browser: visitor, parameters: { prompt: 'none' } })
    expect(whereItIs(silent.login)).toBe('the app')
    const refreshed = await requestTokens(server.publicUrl, {
      grant_type: 'refresh_token',
      client_id: 'email',
      refresh_token: tokens.body.refresh_token ?? '',
    })
    expect(refreshed.status).toBe(200)
    const userInfo = await fetch(`${server.publicUrl}/oauth2/userInfo`, {
      headers: { authorization: `Bearer ${refreshed.body.access_token}` },
    })
    expect(userInfo.status).toBe(200)
  })
})
