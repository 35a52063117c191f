import { createLocalJWKSet, compactVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { rotateSigningKeys } from '../../src/domain/tokens/rotate-signing-keys.ts'
import { signOutUser } from '../../src/domain/users/administer-user.ts'
import { createLatchkey, newSecret } from '../cli/latchkey.ts'
import { haveAccount } from '../support/accounts.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { requestTokens } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { freePort } from '../support/server-process.ts'
import type { TestServer } from '../support/server.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, poolId, redeem, signIn, startAttackedServer } from './support/attacked-pool.ts'
import { makeOlder, migrationNames } from './support/older-database.ts'

/*
 * Threat row F12: what time and upgrades do to people who are signed in. A clock that is set forward or back by hours, new
 * signing keys, a database of an older release, one of a newer: old tokens verify, old sessions survive, nothing is spent
 * twice, and a release that would misread a database does not touch it. Guards src/domain/sign-in/sign-in-time.ts,
 * src/domain/tokens/rotate-signing-keys.ts, migrations/ and src/persistence/migrate.ts. (How keys come and go:
 * test/stories/key-rotation.test.ts.)
 */

const minute = 60
const hour = 3600

interface SignedIn {
  agent: UserAgent
  tokens: TokenResponse['body']
}
async function signedIn(base: string, username: string): Promise<SignedIn> {
  const caller = await callerAt(base)
  const app = await signIn(caller.page, username)
  expect(whereItIs(app)).toBe('the app')
  return { agent: caller.agent, tokens: (await redeem(base, caller, app)).body }
}
const userInfo = async (base: string, token = ''): Promise<number> =>
  (await fetch(`${base}/oauth2/userInfo`, { headers: { authorization: `Bearer ${token}` } })).status
const refresh = (base: string, refreshToken = ''): Promise<TokenResponse> =>
  requestTokens(base, { grant_type: 'refresh_token', client_id: 'email', refresh_token: refreshToken })
async function verifies(base: string, token = ''): Promise<boolean> {
  const jwks = (await (await fetch(`${base}/${poolId}/.well-known/jwks.json`)).json()) as JSONWebKeySet
  return compactVerify(token, createLocalJWKSet(jwks)).then(
    () => true,
    () => false,
  )
}
/** Whether the browser is signed in still. */
const silently = async (base: string, agent: UserAgent): Promise<string> =>
  whereItIs((await callerAt(base, { prompt: 'none' }, agent)).page)

describe('a clock that is set', () => {
  /** For the engine and the libraries as well: they read the system's clock. */
  const clock = {
    pass: (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000),
  }
  let server: TestServer
  let base: string
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true })
    server = await startAttackedServer()
    base = server.publicUrl
    for (const name of ['ada', 'bea', 'carl', 'dora', 'eve']) {
      await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
    }
  })
  afterAll(async () => {
    await server.stop()
    vi.useRealTimers()
  })
  // Each test sets it and puts it right again.
  afterEach(async () => {
    vi.setSystemTime(vi.getRealSystemTime())
    await server.services.directory.refresh()
  })

  test('back by hours: tokens verify, the session goes on, and the next sign-in is as good as any', async () => {
    const { agent, tokens } = await signedIn(base, 'ada@example.com')
    for (const hours of [3, 30]) {
      clock.pass(-hours * hour)
      expect(await userInfo(base, tokens.access_token)).toBe(200)
      expect(await verifies(base, tokens.id_token)).toBe(true)
      expect((await refresh(base, tokens.refresh_token)).status).toBe(200)
      expect(await silently(base, agent)).toBe('the app')
      const next = await signedIn(base, 'ada@example.com')
      expect(await userInfo(base, next.tokens.access_token)).toBe(200)
      expect(await silently(base, next.agent)).toBe('the app')
      clock.pass(hours * hour)
    }
    expect(await silently(base, agent)).toBe('the app')
  })

  test('forward by hours: what is over is over, what is not goes on, and is there again when it was a mistake', async () => {
    const { agent, tokens } = await signedIn(base, 'bea@example.com')
    clock.pass(3 * hour)
    expect(await userInfo(base, tokens.access_token)).toBe(401)
    expect(await silently(base, agent)).toBe('the app: login_required')
    const renewed = await refresh(base, tokens.refresh_token)
    expect(renewed.status).toBe(200)
    expect(await userInfo(base, renewed.body.access_token)).toBe(200)
    clock.pass(-3 * hour)
    expect(await userInfo(base, tokens.access_token)).toBe(200)
    // Issued by a clock that was ahead.
    expect(await userInfo(base, renewed.body.access_token)).toBe(200)
    expect((await refresh(base, tokens.refresh_token)).status).toBe(200)
  })

  test('back, and forward again: a code is redeemed once all the same', async () => {
    const caller = await callerAt(base)
    const app = await signIn(caller.page, 'carl@example.com')
    clock.pass(-2 * hour)
    expect((await redeem(base, caller, app)).status).toBe(200)
    expect((await redeem(base, caller, app)).status).toBe(400)
    clock.pass(4 * hour)
    expect((await redeem(base, caller, app)).status).toBe(400)
    clock.pass(-2 * hour)
    expect((await redeem(base, caller, app)).status).toBe(400)
  })

  test('forward: a code of a mail is too old, and no younger when the clock is back', async () => {
    const form = await (await callerAt(base)).page.follow('Forgot your password?')
    const reset = await form.submit({ username: 'carl@example.com' })
    const code = await server.codeFor('carl@example.com')
    clock.pass(25 * hour)
    // The page is over as well; what counts is that nothing was done.
    expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).not.toBe('the app')
    clock.pass(-25 * hour)
    expect(whereItIs(await signIn((await callerAt(base)).page, 'carl@example.com'))).toBe('the app')
  })

  test('back after signing out everywhere: nobody is in again', async () => {
    const { agent, tokens } = await signedIn(base, 'dora@example.com')
    const { domain } = server.services
    const user = await domain.store.users.findByIdentifier(poolId, 'dora@example.com')
    await signOutUser(domain, user!)
    for (const seconds of [0, -5 * hour, 5 * hour + minute]) {
      clock.pass(seconds)
      expect(await silently(base, agent)).toBe('the app: login_required')
      expect((await refresh(base, tokens.refresh_token)).status).toBe(400)
    }
  })

  test('back after wrong guesses: the owner waits as long as the lock-out lasts, not as long as the clock is late', async () => {
    const guess = async (password: string): Promise<VisitedPage> =>
      signIn((await callerAt(base)).page, 'eve@example.com', password)
    // Each when the lock of the one before is over: the last one's is two minutes long.
    for (let index = 0; index < 12; index += 1) {
      clock.pass(2 ** Math.max(0, index - 4))
      await guess('Somebody-else-1')
    }
    expect((await guess(goodPassword)).status).toBe(429)
    clock.pass(-5 * hour)
    expect(whereItIs(await guess(goodPassword))).toBe('the app')
  })

  test('in either direction while the signing keys change: every token verifies', async () => {
    const tokens = [(await signedIn(base, 'ada@example.com')).tokens]
    await rotateSigningKeys(server.services.domain, { userPoolId: poolId })
    for (const seconds of [11 * minute, -30 * minute, -5 * hour, 30 * minute + 5 * hour - 11 * minute]) {
      clock.pass(seconds)
      await server.services.directory.refresh()
      tokens.push((await signedIn(base, 'ada@example.com')).tokens)
      for (const { id_token, access_token } of tokens) {
        expect([await verifies(base, id_token), await verifies(base, access_token)]).toEqual([true, true])
      }
    }
  })
})

describe('an upgrade', () => {
  let full: TestDatabase
  let scene: Awaited<ReturnType<typeof live>>
  let port: number
  /** On the same address each time, as behind one name: tokens name it. */
  const start = (url: string): Promise<TestServer> => startAttackedServer({ environment: { databaseUrl: url, port } })

  /** Somebody signed in, and somebody in the middle of each thing. */
  async function live(server: TestServer) {
    const base = server.publicUrl
    for (const name of ['ada', 'half', 'lost']) {
      await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
    }
    const ada = await signedIn(base, 'ada@example.com')
    const half = await callerAt(base)
    const [joining, losing] = [await callerAt(base), await callerAt(base)]
    const form = await joining.page.follow('Create an account')
    const waiting = await form.submit({ username: 'new@example.com', password: goodPassword })
    const lost = await losing.page.follow('Forgot your password?')
    const reset = await lost.submit({ username: 'lost@example.com' })
    const codes = { new: await server.codeFor('new@example.com'), lost: await server.codeFor('lost@example.com') }
    const caller = await callerAt(base, {}, ada.agent)
    const agents = [ada.agent, half.agent, joining.agent, losing.agent]
    const cookies = agents.map((agent) => [...agent.cookies])
    /** Every upgrade finds the browsers as they were left. */
    const restore = (): void =>
      agents.forEach((agent, index) => {
        agent.cookies.clear()
        for (const [name, value] of cookies[index] ?? []) agent.cookies.set(name, value)
      })
    return { base, ada, half, waiting, reset, codes, caller, restore }
  }

  beforeAll(async () => {
    port = await freePort()
    full = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    const server = await start(full.url)
    scene = await live(server)
    await server.stop()
  })
  afterAll(() => full.drop())

  test.each([-1, -3, -5, -7])(
    'of a database %i migrations back: whoever was in is in, whoever was half way goes on',
    async (back) => {
      const older = await createDatabase(inject('postgresUrl'))
      const last = (await migrationNames()).at(back - 1) ?? ''
      await makeOlder(older.url, last, full.url)
      const server = await start(older.url)
      try {
        const { base, ada, half, waiting, reset, codes, caller } = scene
        expect(server.publicUrl).toBe(base)
        scene.restore()
        expect(await userInfo(base, ada.tokens.access_token)).toBe(200)
        expect([await verifies(base, ada.tokens.id_token), await verifies(base, ada.tokens.access_token)]).toEqual([
          true,
          true,
        ])
        expect((await refresh(base, ada.tokens.refresh_token)).status).toBe(200)
        expect(await silently(base, ada.agent)).toBe('the app')
        // A code of before is redeemed by what comes after.
        expect((await redeem(base, caller, caller.page)).status).toBe(200)
        expect(whereItIs(await signIn(half.page, 'half@example.com'))).toBe('the app')
        expect(whereItIs(await waiting.submit({ code: codes.new }))).toBe('the app')
        expect(whereItIs(await reset.submit({ code: codes.lost, password: 'Trajectory-1962' }))).toBe('the app')
        await signedIn(base, 'ada@example.com')
      } finally {
        await server.stop()
        await older.drop()
      }
    },
  )
})

describe('a downgrade', () => {
  test('is refused before anything is done, and says what helps', async () => {
    const { url, drop } = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query("insert into kysely_migration values ('9999-of-the-future', '2100-01-01T00:00:00Z')")
    await client.query('create table of_the_future (id text)')
    const all = async (): Promise<unknown> => {
      const counts = await client.query('select relname, n_live_tup from pg_stat_user_tables order by 1')
      const pools = await client.query('select * from user_pools')
      const migrations = await client.query('select * from kysely_migration order by name')
      return [counts.rows.map(({ relname }: { relname: string }) => relname), pools.rows, migrations.rows]
    }
    const before = await all()
    const port = await freePort()
    const latchkey = await createLatchkey({
      ...{ DATABASE_URL: url, LATCHKEY_SECRET: newSecret(), PORT: String(port), LATCHKEY_DEV: '0' },
    })
    try {
      for (const command of [
        ['serve'],
        ['migrate'],
        ['migrate', '--dry-run'],
        ['serve', '--dry-run'],
        ['user', 'list'],
      ]) {
        const { status, stdout, stderr } = await latchkey.run(command)
        expect([command, status, stdout.includes('"level":60')]).toEqual([command, 1, false])
        expect(stderr).toMatch(/newer release of Latchkey \(unknown here: 9999-of-the-future\)/)
        expect(stderr).toContain('restore a backup made before the upgrade')
        expect(stderr).not.toMatch(/\n\s+at |password|postgres:\/\//)
      }
      await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
      expect(await all()).toEqual(before)
    } finally {
      await latchkey.remove()
      await client.end()
      await drop()
    }
  }, 180_000)
})
