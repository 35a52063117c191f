import { afterAll, beforeAll, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { requestTokens } from '../support/relying-party.ts'
import type { TestServer } from '../support/server.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, redeem, signIn, startAttackedServer } from './support/attacked-pool.ts'
import { holdTable } from './support/held-table.ts'
import { startOwnPostgres } from './support/own-postgres.ts'
import type { OwnPostgres } from './support/own-postgres.ts'

/*
 * F11, the database that goes away under the server's feet, by a restart or by a crash, and comes back: whoever makes it
 * fail must not get a "yes" (a revocation that was none, Hydra CVE-2020-15223) nor a "wrong password" told to its owner,
 * and the server must find back to it by itself. It says 503 and when to come back, on pages and endpoints, and goes on
 * where everybody was. Guards src/persistence/database-away.ts, src/app/request-errors.ts, src/oidc/token-errors.ts and
 * src/persistence/postgres-database.ts. One lost connection: test/persistence/postgres-connections.test.ts.
 */

let postgres: OwnPostgres
let server: TestServer
beforeAll(async () => {
  postgres = await startOwnPostgres()
  server = await startAttackedServer({ environment: { databaseUrl: postgres.url, rateLimits: true } })
  for (const name of ['ada', 'bea']) {
    await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
  }
})
afterAll(async () => {
  await server.stop()
  await postgres.remove()
})

const statusOf = async (path: string, init?: RequestInit): Promise<number> =>
  (await fetch(`${server.publicUrl}${path}`, { redirect: 'manual', ...init })).status
const isReady = () => expect.poll(() => statusOf('/readyz'), { timeout: 20_000 }).toBe(200)

test.each([
  ['restart', 'shutDown'],
  ['crash', 'crash'],
] as const)(
  'a %s: every answer says that it is us, and for a moment; then all goes on where it was',
  async (name, how) => {
    const base = server.publicUrl
    const half = await callerAt(base)
    const signUp = await (await callerAt(base)).page.follow('Create an account')
    const waiting = await signUp.submit({ username: `${name}@example.com`, password: goodPassword })
    const code = await server.codeFor(`${name}@example.com`)
    const whole = await callerAt(base)
    const { body: tokens } = await redeem(base, whole, await signIn(whole.page, 'ada@example.com'))
    const refresh = { grant_type: 'refresh_token', client_id: 'email', refresh_token: tokens.refresh_token ?? '' }

    await postgres[how]()

    const pages = [
      await signIn(half.page, 'ada@example.com'),
      await signIn(half.page, 'ada@example.com', 'Somebody-else-1'),
      await half.agent.visit(half.page.url.href),
      await waiting.submit({ code }),
      await half.agent.visit(half.request.url),
    ]
    for (const page of pages) {
      expect(page.url.href).not.toMatch(/^https:\/\/app\.example/)
      expect([page.status, page.heading]).toEqual([503, 'Back in a moment'])
      expect(page.headers.get('retry-after')).toBe('5')
      expect(page.html).not.toMatch(/ECONN|57P0|postgres|connection|terminat|Error:/i)
    }
    // Nobody looks at a page that was asked for in silence: the app is told the same (RFC 6749 §4.1.2.1).
    const { url: silent } = await whole.agent.visit(`${whole.request.url}&prompt=none`)
    expect(silent.href).toMatch(/^https:\/\/app\.example\/callback\?error=temporarily_unavailable&/)
    expect(silent.searchParams.has('code')).toBe(false)
    const bearer = { authorization: `Bearer ${tokens.access_token}` }
    const json = [
      await fetch(`${base}/oauth2/token`, { method: 'POST', body: new URLSearchParams(refresh) }),
      await fetch(`${base}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams(refresh),
        headers: { accept: 'text/html' },
      }),
      await fetch(`${base}/oauth2/userInfo`, { headers: bearer }),
      await fetch(`${base}/oauth2/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'email', token: tokens.refresh_token ?? '' }),
      }),
    ]
    for (const answer of json) {
      expect([answer.url, answer.status]).toEqual([answer.url, 503])
      expect(answer.headers.get('retry-after')).toBe('5')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' })
    }
    // What needs no database is there: apps go on verifying tokens.
    expect(await statusOf('/eu-west-1_email/.well-known/openid-configuration')).toBe(200)
    expect(await statusOf('/eu-west-1_email/.well-known/jwks.json')).toBe(200)
    expect([await statusOf('/healthz'), await statusOf('/readyz')]).toEqual([200, 503])

    await postgres.comeBack()
    await isReady()

    expect(whereItIs(await signIn(half.page, 'ada@example.com', 'Somebody-else-1'))).toBe('Sign in')
    expect(whereItIs(await signIn(half.page, 'ada@example.com'))).toBe('the app')
    expect(whereItIs(await waiting.submit({ code }))).toBe('the app')
    expect(whereItIs(await whole.agent.visit(whole.request.url))).toBe('the app')
    // It had not been revoked, and nobody was told that it had.
    expect((await requestTokens(base, refresh)).status).toBe(200)
    // Mail leaves again.
    const next = await (await callerAt(base)).page.follow('Create an account')
    await next.submit({ username: `after-${name}@example.com`, password: goodPassword })
    expect(await server.codeFor(`after-${name}@example.com`)).toMatch(/^\d{6}$/)
  },
)

test('in the middle of a redemption: it is told that it failed, and may be made again, once', async () => {
  const base = server.publicUrl
  const caller = await callerAt(base)
  const app = await signIn(caller.page, 'bea@example.com')
  const held = await holdTable(postgres.url, 'refresh_tokens')
  const asked = redeem(base, caller, app)
  await held.isWaitedFor()
  await postgres.crash()
  const { status, body } = await asked
  expect([status, body.error]).toEqual([503, 'temporarily_unavailable'])
  await held.release()
  await postgres.comeBack()
  await isReady()
  const again = await Promise.all([1, 2, 3].map(() => redeem(base, caller, app)))
  expect(again.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 400, 400])
})

test('in the middle of a reset: the old password holds, and the code is still to be spent', async () => {
  const base = server.publicUrl
  const reset = await (
    await (await callerAt(base)).page.follow('Forgot your password?')
  ).submit({ username: 'bea@example.com' })
  const code = await server.codeFor('bea@example.com')
  const held = await holdTable(postgres.url, 'browser_sessions')
  const asked = reset.submit({ code, password: 'Trajectory-1962' })
  await held.isWaitedFor()
  await postgres.crash()
  expect((await asked).heading).toBe('Back in a moment')
  await held.release()
  await postgres.comeBack()
  await isReady()
  expect(whereItIs(await signIn((await callerAt(base)).page, 'bea@example.com', 'Trajectory-1962'))).toBe('Sign in')
  expect(whereItIs(await signIn((await callerAt(base)).page, 'bea@example.com'))).toBe('the app')
  expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
  expect(whereItIs(await signIn((await callerAt(base)).page, 'bea@example.com', 'Trajectory-1962'))).toBe('the app')
})
