import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { appFrom, factorPoolId, factorPools, visitorIn } from '../support/factor-pools.ts'
import type { FactorPool } from '../support/factor-pools.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * B11, a sign-in that counts before its second factor (better-auth GHSA-xg6x-h9c9-2m83; Casdoor CVE-2026-9091; Kratos
 * CVE-2024-45042; ZITADEL CVE-2025-64103). What the password alone has brought is a stored attempt: no session, no cookie of
 * one, and good for nothing but its own challenge. Guards src/domain/sign-in/next-challenge.ts, `continueSignIn` where
 * src/hosted/open-step.ts finishes a flow, src/hosted/dispatcher.ts and `factor_missing` in src/oidc/interaction-policy.ts.
 */

let server: TestServer
const clock = movableClock()
const username = 'ada@example.com'
const apps = new Map<FactorPool, { codeAt(time: Date): string }>()
const withPassword = async (pool: FactorPool, browser?: Visitor): Promise<{ visitor: Visitor; page: VisitedPage }> => {
  const visitor = await visitorIn(server, pool, browser === undefined ? {} : { browser })
  return { visitor, page: await visitor.login.submit({ username, password: goodPassword }) }
}
beforeAll(async () => {
  server = await startServer({ configuration: factorPools(), clock })
  for (const pool of ['app', 'optional'] as const) {
    const user = await haveAccount(server, { username, password: goodPassword, userPoolId: factorPoolId(pool) })
    if (pool === 'optional') {
      const change = { mfaTypes: ['EMAIL_OTP'] } as const
      await server.services.domain.store.users.update(user.userPoolId, user.sub, change, clock.now())
      continue
    }
    const { page } = await withPassword(pool)
    const app = appFrom(page)
    apps.set(pool, app)
    expect(whereItIs(await page.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
    clock.pass(30)
  }
})
afterAll(() => server.stop())

describe.each(['app', 'optional'] as const)('the password alone, in the pool %s,', (pool) => {
  const half = () => withPassword(pool)

  test('brings no session', async () => {
    const { visitor } = await half()
    expect([...visitor.cookies.keys()].filter((name) => /session|known/.test(name))).toEqual([])
  })

  test('answers nobody who asks in silence', async () => {
    const { visitor } = await half()
    const silent = await visitorIn(server, pool, { browser: visitor, parameters: { prompt: 'none' } })
    expect(whereItIs(silent.login)).toBe('the app: login_required')
  })

  test('opens no page but the one that is due', async () => {
    const { visitor, page } = await half()
    const query = page.url.search
    const due = page.heading
    for (const path of ['/consent', '/changePassword', '/selectAccount', '/confirm', '/resetPassword', '/mfaSetup']) {
      const seen = await visitor.visit(`${visitor.base}${path}${query}`)
      expect([path, seen.heading]).toEqual([path, due])
      const flow = page.field('flow') ?? ''
      const body = new URLSearchParams({ flow, _csrf: page.field('_csrf') ?? '', answer: 'allow', type: '', code: '' })
      const posted = await visitor.visit(`${visitor.base}${path}${query}`, { method: 'POST', body })
      expect([path, posted.heading]).toEqual([path, due])
    }
  })

  test('is not enough for another flow, nor for the same request again', async () => {
    const { visitor } = await half()
    const again = await visitor.visit(visitor.authorization.url)
    expect(again.heading).toBe('Sign in')
  })

  test('an empty, missing or repeated answer is none', async () => {
    const { page } = await half()
    for (const fields of [{}, { code: '' }, { code: '0' }, { code: 'null' }, { type: 'SOFTWARE_TOKEN_MFA' }]) {
      expect((await page.submit(fields)).heading).toBe('One more step')
    }
  })
})

test('an attempt of one user takes no code of another', async () => {
  const other = 'eve@example.com'
  await haveAccount(server, { username: other, password: goodPassword, userPoolId: factorPoolId('app') })
  const visitor = await visitorIn(server, 'app')
  const setUp = await visitor.login.submit({ username: other, password: goodPassword })
  const eve = appFrom(setUp)
  expect(whereItIs(await setUp.submit({ code: eve.codeAt(clock.now()) }))).toBe('the app')
  clock.pass(30)
  const { page } = await withPassword('app')
  expect((await page.submit({ code: eve.codeAt(clock.now()) })).text).toContain('Invalid verification code')
})

test('an attempt belongs to its client, and ends with a sign-out, a new password or a disabled account', async () => {
  const { page } = await withPassword('app')
  const { store } = server.services.domain
  const userPoolId = factorPoolId('app')
  const user = await store.users.findByIdentifier(userPoolId, username)
  await store.users.update(userPoolId, user!.sub, { enabled: false }, clock.now())
  const code = apps.get('app')!.codeAt(clock.now())
  expect((await page.submit({ code })).heading).toBe('That took a little too long')
  const signedOutAt = new Date(clock.now().getTime() + 1000)
  await store.users.update(userPoolId, user!.sub, { enabled: true, signedOutAt }, clock.now())
  expect((await page.submit({ code })).heading).toBe('That took a little too long')
  clock.pass(5)
  expect(whereItIs(await (await withPassword('app')).page.submit({ code: apps.get('app')!.codeAt(clock.now()) }))).toBe(
    'the app',
  )
})

test('a session from before the pool insisted is asked for the factor', async () => {
  await haveAccount(server, { username, password: goodPassword, userPoolId: factorPoolId('later') })
  const { visitor, page } = await withPassword('later')
  expect(whereItIs(page)).toBe('the app')
  const { directory, domain } = server.services
  const record = (await domain.store.settings.userPools()).find(({ id }) => id === 'eu-west-1_later')!
  const { version: _version, ...rest } = record
  await domain.store.settings.saveUserPool(
    { ...rest, settings: { ...record.settings, MfaConfiguration: 'ON' } },
    clock.now(),
  )
  await directory.refresh()
  const again = await visitorIn(server, 'later', { browser: visitor })
  expect(again.login.heading).toBe('Sign in')
  const silent = await visitorIn(server, 'later', { browser: visitor, parameters: { prompt: 'none' } })
  expect(whereItIs(silent.login)).toBe('the app: login_required')
})
