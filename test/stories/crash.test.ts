import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { verifyTrail } from '../../src/domain/audit/verify-trail.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Database } from '../../src/persistence/database.ts'
import { createStore } from '../../src/persistence/store.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createLog } from '../../src/platform/log.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'
import { startSmtpServer } from '../messaging/support/smtp-server.ts'
import type { TestSmtpServer } from '../messaging/support/smtp-server.ts'
import { auditTrailOf } from '../support/audit-events.ts'
import { createDatabase } from '../support/postgres.ts'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'
import type { AuthorizationRequest } from '../support/relying-party.ts'
import { freePort, startServerProcess } from '../support/server-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'

const callback = 'https://app.example/callback'
const configuration = `
UserPools:
  - PoolName: people
    Default: true
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Clients:
      - ClientId: web
        CallbackURLs: ['${callback}']
        LogoutURLs: ['https://app.example/']
        AllowedOAuthFlows: [code]
        AllowedOAuthScopes: [openid, email]
`
const password = 'Analytical-1843'

/** One installation: what stays when its process dies. */
interface Installation {
  url: string
  port: number
  start(): Promise<ServerProcess>
  /** Time passes: what a dead process had in hand, and what waited to be tried again, is due now. */
  letMailBecomeDue(): Promise<void>
  /** How many users and messages are stored, and of how many sign-ups the audit trail tells, which must be whole. */
  count(): Promise<{ users: number; messages: number; signUps: number }>
  mailPort: number
  databaseUrl: string | undefined
  remove(): Promise<void>
}

async function install(kind: 'embedded' | 'postgres'): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-crash-'))
  const [port, mailPort] = [await freePort(), await freePort()]
  const url = `http://localhost:${port}`
  const configFile = join(folder, 'latchkey.yaml')
  await writeFile(configFile, configuration)
  const postgres =
    kind === 'postgres'
      ? await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
      : undefined
  const location = { dataDir: join(folder, 'data'), ...(postgres === undefined ? {} : { databaseUrl: postgres.url }) }
  const environment = {
    PORT: String(port),
    PUBLIC_URL: url,
    LATCHKEY_CONFIG: configFile,
    SMTP_URL: `smtp://127.0.0.1:${mailPort}`,
    DATA_DIR: location.dataDir,
    ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url, LATCHKEY_SECRET: secretOnPostgres }),
  }
  const withDatabase = async <Result>(work: (database: Database) => Promise<Result>): Promise<Result> => {
    const database = await openDatabase({ ...location, log: createLog({ level: 'silent', pretty: false }) })
    try {
      return await work(database)
    } finally {
      await database.close()
    }
  }
  const countOf = async ({ kysely }: Database, table: 'users' | 'outbox'): Promise<number> =>
    (await kysely.selectFrom(table).select('user_pool_id').execute()).length
  return {
    url,
    port,
    mailPort,
    databaseUrl: postgres?.url,
    start: () => startServerProcess(environment),
    letMailBecomeDue: () =>
      withDatabase(async ({ kysely }) => {
        await kysely.updateTable('outbox').set({ due_at: new Date() }).where('due_at', 'is not', null).execute()
      }),
    count: () =>
      withDatabase(async (database) => ({
        users: await countOf(database, 'users'),
        messages: await countOf(database, 'outbox'),
        signUps: await signUpsOnRecord(database, postgres === undefined ? join(location.dataDir, 'secret') : undefined),
      })),
    async remove() {
      await postgres?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const secretOnPostgres = 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga'

async function signUpsOnRecord(database: Database, secretFile: string | undefined): Promise<number> {
  const secret = secretFile === undefined ? secretOnPostgres : (await readFile(secretFile, 'utf8')).trim()
  const services = {
    store: createStore(database),
    sealedBox: createSealedBox(secret, systemRandom),
    clock: systemClock,
  }
  const [userPool] = await services.store.settings.userPools()
  const events = await auditTrailOf(services, userPool?.id ?? '')
  const verified = await verifyTrail(services, { userPoolId: userPool?.id ?? '' })
  expect([verified?.events, verified?.problem]).toEqual([events.length, undefined])
  return events.filter(({ eventType, response }) => eventType === 'SignUp' && response === 'Pass').length
}

/** Keeps codes from being stored, so that whoever signs up stands still in the middle. */
async function holdCodes(url: string): Promise<{ isWaitedFor(): Promise<void>; release(): Promise<void> }> {
  const [holder, watcher] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })]
  await Promise.all([holder.connect(), watcher.connect()])
  await holder.query('begin')
  await holder.query('lock table verification_codes in share mode')
  const waiting = `select count(*)::int as number from pg_locks
    where not granted and relation = 'verification_codes'::regclass
      and database = (select oid from pg_database where datname = current_database())`
  return {
    isWaitedFor: () =>
      expect
        .poll(async () => (await watcher.query<{ number: number }>(waiting)).rows[0]?.number, { timeout: 10_000 })
        .toBe(1),
    async release() {
      await holder.query('rollback')
      await expect
        .poll(async () => (await watcher.query<{ number: number }>(waiting)).rows[0]?.number, { timeout: 10_000 })
        .toBe(0)
      await Promise.all([holder.end(), watcher.end()])
    },
  }
}

describe.each(databaseKinds)('a server that is killed, on %s', (kind) => {
  let installation: Installation
  let server: ServerProcess | undefined
  let mailServer: TestSmtpServer | undefined
  beforeAll(async () => {
    installation = await install(kind)
    server = await installation.start()
  })
  afterAll(async () => {
    await server?.kill()
    await mailServer?.stop()
    await installation.remove()
  })

  /** A browser, and the app's own part of the sign-in that it is in. */
  async function beginSignIn(): Promise<{ browser: UserAgent; request: AuthorizationRequest; login: VisitedPage }> {
    const browser = createUserAgent(installation.url)
    const request = authorizationRequest(installation.url, {
      client_id: 'web',
      redirect_uri: callback,
      scope: 'openid email',
    })
    return { browser, request, login: await browser.visit(request.url) }
  }

  async function fillInSignUp(email: string): Promise<{ send(): Promise<VisitedPage>; request: AuthorizationRequest }> {
    const { request, login } = await beginSignIn()
    const signUp = await login.follow('Create an account')
    return { request, send: () => signUp.submit({ username: email, password }) }
  }

  const codesTo = (email: string): string[] =>
    (mailServer?.received ?? [])
      .filter(({ to }) => to.includes(email))
      .map(({ parsed }) => /\b\d{6}\b/.exec(parsed.text ?? '')?.[0] ?? 'none')

  async function receiveCode(email: string): Promise<string> {
    await expect.poll(() => codesTo(email).length, { timeout: 15_000 }).toBeGreaterThan(0)
    return codesTo(email)[0]!
  }

  async function tokensFrom(page: VisitedPage, request: AuthorizationRequest): Promise<Record<string, unknown>> {
    expect(`${page.url.origin}${page.url.pathname}`).toBe(callback)
    expect(page.url.searchParams.get('state')).toBe(request.state)
    const { status, body } = await requestTokens(installation.url, {
      grant_type: 'authorization_code',
      client_id: 'web',
      code: page.url.searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.codeVerifier,
    })
    expect(status).toBe(200)
    return decode(body.id_token)
  }

  test('between a sign-up and its mail: the mail arrives, and the page that is still open takes its code', async () => {
    const { send, request } = await fillInSignUp('ada@example.com')
    const confirm = await send()
    await server!.kill()
    expect(confirm.heading).toBe('Check your messages')

    await installation.letMailBecomeDue()
    mailServer = await startSmtpServer({ port: installation.mailPort })
    server = await installation.start()
    const code = await receiveCode('ada@example.com')
    const app = await confirm.submit({ code })
    const claims = await tokensFrom(app, request)
    expect(claims).toMatchObject({ email: 'ada@example.com', email_verified: true })
    expect(new Set(codesTo('ada@example.com'))).toEqual(new Set([code]))
  })

  test.each([15, 50, 100])('in the middle of sign-ups, after %i ms: no half user is left', async (delay) => {
    const emails = ['grace', 'edith', 'hedy'].map((name) => `${name}-${delay}@example.com`)
    const forms = await Promise.all(emails.map(fillInSignUp))
    const sent = forms.map(({ send }) => send().catch(() => undefined))
    await sleep(delay)
    await server!.kill()
    const answers = await Promise.all(sent)

    const { users, messages, signUps } = await installation.count()
    expect([messages, signUps]).toEqual([users, users])
    await installation.letMailBecomeDue()
    server = await installation.start()
    for (const [index, email] of emails.entries()) {
      const { login } = await beginSignIn()
      const answer = await login.submit({ username: email, password })
      if (answer.heading === 'Check your messages') {
        const app = await answer.submit({ code: await receiveCode(email) })
        expect(app.url.searchParams.has('code')).toBe(true)
      } else {
        // Nobody was told that it had worked, and nothing is left in the way of another try.
        expect(answer.text).toContain('Incorrect username or password.')
        expect(answers[index]).toBeUndefined()
        const confirm = await (await fillInSignUp(email)).send()
        expect(confirm.heading).toBe('Check your messages')
        const app = await confirm.submit({ code: await receiveCode(email) })
        expect(app.url.searchParams.has('code')).toBe(true)
      }
      // At least once: a mail may come twice, but never with another code.
      expect(new Set(codesTo(email)).size).toBe(1)
    }
  })

  // An embedded database has one connection: nothing could hold its sign-up in the middle.
  if (kind === 'postgres') {
    test('between a user and their code, within the transaction: there is no user', async () => {
      const before = await installation.count()
      const { send } = await fillInSignUp('katherine@example.com')
      const codes = await holdCodes(installation.databaseUrl ?? '')
      const sent = send().catch(() => undefined)
      await codes.isWaitedFor()
      await server!.kill()
      await codes.release()
      expect(await sent).toBeUndefined()
      expect(await installation.count()).toEqual(before)

      server = await installation.start()
      const confirm = await (await fillInSignUp('katherine@example.com')).send()
      const app = await confirm.submit({ code: await receiveCode('katherine@example.com') })
      expect(app.url.searchParams.has('code')).toBe(true)
    })
  }

  test('asked to stop, it finishes what is under way, takes nothing new, and ends well', async () => {
    const body = 'username=grace%40example.com&password=x'
    const socket = connect(installation.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (text: Buffer) => (answer += text.toString()))
    await once(socket, 'connect')
    socket.write(
      [
        'POST /login HTTP/1.1',
        `Host: localhost:${installation.port}`,
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${body.length}`,
        '',
        body.slice(0, 10),
      ].join('\r\n'),
    )
    await sleep(200)
    server!.askToStop()
    await sleep(500)
    await expect(fetch(`${installation.url}/healthz`)).rejects.toThrow()
    expect(answer).toBe('')
    socket.write(body.slice(10))
    const code = await server!.ended
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('That took a little too long')
    expect(code).toBe(0)
  })
})
