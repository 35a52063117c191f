import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { requestTokens } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { freePort, startServerProcess } from '../support/server-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import type { Mail } from '../support/server.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, whereItIs } from '../support/visitor.ts'
import { attackedPool, callerAt, signIn } from './support/attacked-pool.ts'
import type { Caller } from './support/attacked-pool.ts'
import { holdTable } from './support/held-table.ts'
import type { HeldTable } from './support/held-table.ts'

/*
 * F11, the process that dies in the middle: an attacker who can make a server crash (out of memory, a bug in a library)
 * must not get a second use of a code, a fork of a refresh token, a password set without its code, or tries given back.
 * The server is a process of its own and is killed with SIGKILL while its statement waits for a table that the test holds;
 * then it is started again on the same database. Guards src/persistence/authorization-code-rows.ts and
 * refresh-token-rows.ts (one statement spends and opens), src/domain/recovery/confirm-forgot-password.ts and
 * src/domain/sign-up/sign-up.ts (one transaction). Sign-ups and their mail: test/stories/crash.test.ts. A database that
 * dies: f11-database-away.
 */

const rotating = {
  ClientId: 'rotating',
  CallbackURLs: [callback],
  AllowedOAuthFlows: ['code'],
  AllowedOAuthScopes: ['openid', 'email'],
  RefreshTokenRotation: { Feature: 'ENABLED' },
}
const people = ['ada', 'bea', 'cat', 'dot', 'eve'].map((name) => ({
  Username: `${name}@example.com`,
  Password: goodPassword,
  Attributes: { email_verified: true },
}))

interface Installation {
  url: string
  databaseUrl: string
  start(): Promise<ServerProcess>
  remove(): Promise<void>
}

async function install(kind: 'embedded' | 'postgres'): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-killed-'))
  const port = await freePort()
  const url = `http://localhost:${port}`
  const pool = attackedPool({ Users: people }) as { Clients: object[] }
  await writeFile(
    join(folder, 'latchkey.yaml'),
    JSON.stringify({ UserPools: [{ ...pool, Clients: [...pool.Clients, rotating] }] }),
  )
  const database: TestDatabase | undefined =
    kind === 'postgres'
      ? await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
      : undefined
  const environment = {
    PORT: String(port),
    PUBLIC_URL: url,
    LATCHKEY_CONFIG: join(folder, 'latchkey.yaml'),
    LATCHKEY_SECRET: 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga',
    LATCHKEY_DEV: '1',
    DATA_DIR: join(folder, 'data'),
    ...(database === undefined ? {} : { DATABASE_URL: database.url }),
  }
  return {
    url,
    databaseUrl: database?.url ?? '',
    start: () => startServerProcess(environment),
    async remove() {
      await database?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

let installation: Installation
let server: ServerProcess

const mailTo = async (address: string): Promise<Mail[]> => {
  const answer = await fetch(`${installation.url}/dev/mail`, { headers: { accept: 'application/json' } })
  return ((await answer.json()) as Mail[]).filter(({ to }) => to === address)
}
const codeIn = (mail: Mail | undefined): string => /\b\d{6}\b/.exec(mail?.text ?? '')?.[0] ?? 'none'
const codeFor = async (address: string): Promise<string> => {
  await expect.poll(async () => (await mailTo(address)).length, { timeout: 20_000 }).toBeGreaterThan(0)
  return codeIn((await mailTo(address))[0])
}
/** Nobody is there to answer: what was sent may have been done or not. */
const unanswered = <Answer>(asked: Promise<Answer>): Promise<Answer | undefined> => asked.catch(() => undefined)
const signedIn = async (username: string, clientId = 'email'): Promise<{ caller: Caller; app: VisitedPage }> => {
  const caller = await callerAt(installation.url, { client_id: clientId })
  const app = await signIn(caller.page, username)
  expect(whereItIs(app)).toBe('the app')
  return { caller, app }
}
const redeemAt = ({ caller, app }: { caller: Caller; app: VisitedPage }, clientId = 'email'): Promise<TokenResponse> =>
  requestTokens(installation.url, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code: app.url.searchParams.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: caller.request.codeVerifier,
  })
const refreshWith = (token: string): Promise<TokenResponse> =>
  requestTokens(installation.url, { grant_type: 'refresh_token', client_id: 'rotating', refresh_token: token })
const passwordIs = async (username: string, password: string): Promise<boolean> =>
  whereItIs(await signIn((await callerAt(installation.url)).page, username, password)) === 'the app'

describe('on PostgreSQL, in the middle of', () => {
  beforeAll(async () => {
    installation = await install('postgres')
    server = await installation.start()
  })
  afterAll(async () => {
    await server.kill()
    await installation.remove()
  })

  /** Kills the server while it waits for the table, and starts it again. What it had begun is dropped or finished. */
  async function killWhile<Answer>(
    table: string,
    ask: () => Promise<Answer>,
    end: 'drop' | 'release' = 'drop',
  ): Promise<Answer | undefined> {
    const held: HeldTable = await holdTable(installation.databaseUrl, table)
    const asked = unanswered(ask())
    await held.isWaitedFor()
    await server.kill()
    await held[end]()
    const answer = await asked
    server = await installation.start()
    return answer
  }

  test('a redemption: the code is as good as it was, once', async () => {
    const signIn = await signedIn('ada@example.com')
    expect(await killWhile('refresh_tokens', () => redeemAt(signIn))).toBeUndefined()
    const again = await Promise.all([1, 2, 3, 4].map(() => redeemAt(signIn)))
    expect(again.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400])
    expect((await redeemAt(signIn)).body.error).toBe('invalid_grant')
  })

  test('a redemption that the database finishes for nobody: the code is spent', async () => {
    const signIn = await signedIn('ada@example.com')
    expect(await killWhile('refresh_tokens', () => redeemAt(signIn), 'release')).toBeUndefined()
    const again = await Promise.all([1, 2, 3, 4].map(() => redeemAt(signIn)))
    expect(again.map(({ body }) => body.error)).toEqual(Array(4).fill('invalid_grant'))
  })

  test('a rotation: the token is as good as it was, and has one successor', async () => {
    const { body } = await redeemAt(await signedIn('bea@example.com', 'rotating'), 'rotating')
    const first = body.refresh_token ?? ''
    expect(await killWhile('refresh_tokens', () => refreshWith(first))).toBeUndefined()
    const next = await refreshWith(first)
    expect(next.status).toBe(200)
    expect((await refreshWith(next.body.refresh_token ?? '')).status).toBe(200)
    // Shown once more, the first one is stolen: the family ends.
    expect((await refreshWith(first)).body.error).toBe('invalid_grant')
  })

  test('a reset: the old password holds, and the code is still to be spent, once', async () => {
    const { page } = await callerAt(installation.url)
    const reset = await (await page.follow('Forgot your password?')).submit({ username: 'cat@example.com' })
    const code = await codeFor('cat@example.com')
    // The password has been written and the code spent, in a transaction that never ends.
    const answer = await killWhile('browser_sessions', () => reset.submit({ code, password: 'Trajectory-1962' }))
    expect(answer).toBeUndefined()
    expect(await passwordIs('cat@example.com', goodPassword)).toBe(true)
    expect(await passwordIs('cat@example.com', 'Trajectory-1962')).toBe(false)
    expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
    expect(await passwordIs('cat@example.com', 'Trajectory-1962')).toBe(true)
    expect(await passwordIs('cat@example.com', goodPassword)).toBe(false)
    const { page: other } = await callerAt(installation.url)
    const late = await (await other.follow('Forgot your password?')).submit({ username: 'cat@example.com' })
    expect(whereItIs(await late.submit({ code, password: 'Somebody-else-1' }))).not.toBe('the app')
    expect(await passwordIs('cat@example.com', 'Somebody-else-1')).toBe(false)
  })

  test('a sign-up, with the user written and the mail not: there is no user, and the address is free', async () => {
    const { page } = await callerAt(installation.url)
    const form = await page.follow('Create an account')
    const typed = { username: 'new@example.com', password: goodPassword }
    expect(await killWhile('outbox', () => form.submit(typed))).toBeUndefined()
    expect(await mailTo('new@example.com')).toEqual([])
    const confirm = await form.submit(typed)
    expect(confirm.heading).toBe('Check your messages')
    expect(whereItIs(await confirm.submit({ code: await codeFor('new@example.com') }))).toBe('the app')
  })

  test('guesses at a code: those that were made are made', async () => {
    const { page } = await callerAt(installation.url)
    const reset = await (await page.follow('Forgot your password?')).submit({ username: 'dot@example.com' })
    const code = await codeFor('dot@example.com')
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0')
    for (let tries = 0; tries < 4; tries += 1) await reset.submit({ code: wrong, password: 'Trajectory-1962' })
    await reset.submit({ code: wrong, password: 'Trajectory-1962' })
    await server.kill()
    server = await installation.start()
    const { page: other } = await callerAt(installation.url)
    const fresh = await (await other.follow('Forgot your password?')).submit({ username: 'dot@example.com' })
    // The next wrong one is the sixth, and locks for two seconds: had they been forgotten, it would be a first one.
    await fresh.submit({ code: wrong, password: 'Trajectory-1962' })
    expect((await fresh.submit({ code, password: 'Trajectory-1962' })).status).toBe(429)
    expect(await passwordIs('dot@example.com', goodPassword)).toBe(true)
  })
})

describe('on the embedded database, in the middle of', () => {
  beforeAll(async () => {
    installation = await install('embedded')
    server = await installation.start()
  })
  afterAll(async () => {
    await server.kill()
    await installation.remove()
  })

  test('a redemption: it is never done twice', async () => {
    const signIn = await signedIn('eve@example.com')
    const asked = unanswered(redeemAt(signIn))
    await sleep(8)
    await server.kill()
    const first = await asked
    server = await installation.start()
    const second = await redeemAt(signIn)
    const answered = [first, second].filter((answer) => answer?.status === 200)
    expect(answered.length).toBeLessThanOrEqual(1)
    // What nobody was told of may have been done: then the code is spent, and its owner signs in again.
    if (answered.length === 0) expect(second.body.error).toBe('invalid_grant')
    expect((await redeemAt(signIn)).status).toBe(400)
  })
})
