import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { factorPoolId, factorPools } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent } from '../../support/user-agent.ts'
import { goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* Where apps ask at every visit (`MaxValidityMinutes: 0`), people look after their accounts all the same. */

const minute = 60

describe.each(databaseKinds)('a pool without single sign-on, on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    const configuration = factorPools({ SSOSession: { MaxValidityMinutes: 0 } })
    server = await startServer({ database, configuration, clock })
  })
  afterAll(() => server.stop())

  const poolId = factorPoolId('optional')
  const accountPage = (browser: UserAgent, path = '') => browser.visit(`${server.publicUrl}/${poolId}/account${path}`)
  let [browser, username] = [createUserAgent(''), '']
  let people = 0
  const stored = async () =>
    (await server.services.domain.store.users.findByIdentifier(poolId, username))?.attributes['given_name']
  beforeEach(async () => {
    username = `short-${(people += 1)}@example.com`
    await haveAccount(server, { username, password: goodPassword, userPoolId: poolId })
    browser = createUserAgent(server.publicUrl)
    const home = await (await accountPage(browser)).submit({ username, password: goodPassword })
    expect(home.heading).toBe('Your account')
  })

  test('one sign-in opens the account for as long as its forms are taken, and no app', async () => {
    const profile = await accountPage(browser, '/profile')
    expect(profile.heading).toBe('Your details')
    const { login } = await visitorAt(`${server.publicUrl}/${poolId}`, 'optional', { browser })
    expect(whereItIs(login)).not.toBe('the app')
    clock.pass(14 * minute)
    const saved = await profile.submit({ given_name: 'Ada' })
    expect([saved.heading, saved.text.includes('Saved.')]).toEqual(['Your account', true])
    expect(await stored()).toBe('Ada')
  })

  test('what changes the account asks again after five minutes, and everything after fifteen', async () => {
    const profile = await accountPage(browser, '/profile')
    clock.pass(6 * minute)
    expect((await accountPage(browser)).heading).toBe('Your account')
    expect((await accountPage(browser, '/password')).heading).toBe('Sign in')
    clock.pass(9 * minute)
    expect((await accountPage(browser)).heading).toBe('Sign in')
    expect((await profile.submit({ given_name: 'Ada' })).heading).toBe('Sign in')
    expect(await stored()).toBeUndefined()
  })
})
