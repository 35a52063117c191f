import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { disableUser, enableUser, createUser, signOutUser } from '../../src/domain/users/administer-user.ts'
import type { User } from '../../src/domain/users/user.ts'
import { decode, requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { codeForm, createBrowser, password, poolId, refresh, secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool, Tokens } from './pool.ts'

/*
 * Threat row A10: every way to tokens, against every way in which the one they are for has stopped to count. What was
 * prepared before is asked for after.
 */
describe.each(databaseKinds)('on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    pool = await startPool({ database })
  })
  afterAll(() => pool.stop())

  let count = 0
  interface Prepared {
    user: User
    browser: Browser
    tokens: Tokens
    rotating: Tokens
    code: Record<string, string>
  }

  async function prepare(clientId = 'app'): Promise<Prepared> {
    const { userPool } = await pool.snapshot()
    count += 1
    const request = { userPool, username: `user${count}`, attributes: {}, password, permanent: true }
    const outcome = await createUser(pool.domain, request)
    if (outcome.kind !== 'done') throw new Error(outcome.reason)
    const browser = createBrowser(pool.base, outcome.user)
    const tokens = await browser.signIn({ client_id: clientId })
    const rotating = await browser.signIn({ client_id: 'rotating' })
    const { answer, request: asked } = await browser.authorize({ client_id: clientId })
    return { user: outcome.user, browser, tokens, rotating, code: codeForm(answer, asked) }
  }

  const ways: [string, (prepared: Prepared) => Promise<unknown>][] = [
    ['redeeming a code', async ({ code }) => (await requestTokens(pool.base, code)).body.error],
    ['refreshing', async ({ tokens }) => (await refresh(pool.base, tokens.refreshToken)).body.error],
    [
      'refreshing with rotation',
      async ({ rotating }) => (await refresh(pool.base, rotating.refreshToken, { client_id: 'rotating' })).body.error,
    ],
  ]
  const silent = async ({ browser }: Prepared): Promise<string | null> =>
    (await browser.authorize({ prompt: 'none' })).answer.searchParams.get('error')

  const fates: [string, (user: User) => Promise<unknown>][] = [
    ['disabled', (user) => disableUser(pool.domain, user)],
    ['signed out everywhere', (user) => aSecondLater(() => signOutUser(pool.domain, user))],
    ['deleted', (user) => pool.domain.store.users.delete(poolId, user.sub)],
    ['disabled without a sign-out', (user) => change(user, { enabled: false })],
  ]
  const change = (user: User, what: { enabled?: boolean; status?: 'RESET_REQUIRED' | 'UNCONFIRMED' }) =>
    pool.domain.store.users.update(poolId, user.sub, what, new Date())
  /** Sign-in times are whole seconds: one passes first, so that the sign-out is later. */
  const aSecondLater = async (work: () => Promise<unknown>): Promise<void> => {
    pool.clock.ahead = 1
    await work().finally(() => {
      pool.clock.ahead = 0
    })
  }

  test('all of it works for a user in good standing', async () => {
    const prepared = await prepare()
    for (const [way, go] of ways) expect([way, await go(prepared)]).toEqual([way, undefined])
    expect((await userInfo(pool.base, prepared.tokens.accessToken)).status).toBe(200)
    expect(await silent(prepared)).toBeNull()
  })

  describe.each(fates)('a user who is %s', (_fate, befall) => {
    let prepared: Prepared
    beforeAll(async () => {
      prepared = await prepare()
      await befall(prepared.user)
    })

    test.each(ways)('is refused when %s', async (_way, go) => {
      expect(await go(prepared)).toBe('invalid_grant')
    })

    test('is refused at userInfo, and gets no code in silence', async () => {
      expect((await userInfo(pool.base, prepared.tokens.accessToken)).status).toBe(401)
      expect((await userInfo(pool.base, prepared.rotating.accessToken)).status).toBe(401)
      expect(await silent(prepared)).toBe('login_required')
    })

    test('finds the login page in the browser', async () => {
      const { agent } = prepared.browser
      const page = await agent.visit(prepared.tokens.request.url)
      expect([page.status, page.heading]).toEqual([200, 'Sign in'])
    })
  })

  test.each(['RESET_REQUIRED', 'UNCONFIRMED'] as const)('a user who is %s gets no tokens', async (status) => {
    const prepared = await prepare()
    await change(prepared.user, { status })
    for (const [way, go] of ways) expect([way, await go(prepared)]).toEqual([way, 'invalid_grant'])
    expect((await userInfo(pool.base, prepared.tokens.accessToken)).status).toBe(401)
  })

  test('who is disabled and enabled again signs in anew; the old tokens stay dead', async () => {
    const prepared = await prepare()
    await aSecondLater(() => disableUser(pool.domain, prepared.user))
    await enableUser(pool.domain, prepared.user)
    for (const [way, go] of ways) expect([way, await go(prepared)]).toEqual([way, 'invalid_grant'])
    await aSecondLater(async () => {
      const again = await prepared.browser.signIn()
      expect(decode(again.idToken)['sub']).toBe(prepared.user.sub)
    })
  })

  test('a client that is deleted: nothing works any more, for nobody', async () => {
    const { settings } = pool.domain.store
    const record = (await settings.appClients(poolId)).find(({ id }) => id === 'backend')
    if (record === undefined) throw new Error('no client')
    const prepared = await prepare('backend')
    await settings.deleteAppClient(poolId, 'backend')
    await pool.services.directory.refresh()
    try {
      const credentials = { client_id: 'backend', client_secret: secret }
      expect((await requestTokens(pool.base, prepared.code)).body.error).toBe('invalid_client')
      const refused = await refresh(pool.base, prepared.tokens.refreshToken, credentials)
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client'])
      expect((await userInfo(pool.base, prepared.tokens.accessToken)).status).toBe(401)
      const page = await prepared.browser.agent.visit(prepared.tokens.request.url)
      expect([page.status, page.url.origin]).toEqual([400, pool.base])
    } finally {
      await settings.saveAppClient(record, new Date())
      await pool.services.directory.refresh()
    }
    // A new client of the same name has nothing of the old one.
    const credentials = { client_id: 'backend', client_secret: secret }
    expect((await refresh(pool.base, prepared.tokens.refreshToken, credentials)).body.error).toBe('invalid_grant')
    expect((await requestTokens(pool.base, prepared.code)).body.error).toBe('invalid_grant')
    expect((await userInfo(pool.base, prepared.tokens.accessToken)).status).toBe(401)
  })

  test('disabled between the login page and its answer gets no code', async () => {
    const { userPool } = await pool.snapshot()
    const request = { userPool, username: 'late', attributes: {}, password, permanent: true }
    const outcome = await createUser(pool.domain, request)
    if (outcome.kind !== 'done') throw new Error(outcome.reason)
    const prepared = createBrowser(pool.base, outcome.user)
    const asked = (await createBrowser(pool.base, outcome.user).authorize()).request
    const page = await prepared.agent.visit(asked.url)
    await disableUser(pool.domain, outcome.user)
    const answer = await page.submit({ username: 'late', password })
    expect([answer.url.origin, answer.heading]).toEqual([pool.base, 'Sign in'])
  })
})
