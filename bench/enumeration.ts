import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openServices } from '../src/app/open-services.ts'
import { createUser } from '../src/domain/users/administer-user.ts'
import { createLog } from '../src/platform/log.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { authorizationRequest } from '../test/support/relying-party.ts'
import { createUserAgent } from '../test/support/user-agent.ts'
import type { VisitedPage } from '../test/support/user-agent.ts'
import { startServer } from './bench-server.ts'
import { mannWhitney } from './mann-whitney.ts'

/*
 * Threat row B14, measured: the time of every page for names that have an account and names that have none, by turns, one
 * request at a time, at a server in a process of its own on PostgreSQL, whose mail goes to another one. A page passes where
 * the times of the two could well be of one kind: p above 0.01, which one page in a hundred misses by chance. Run it on a
 * machine that does nothing else.
 *
 *   npm run bench:enumeration -- --pairs 1000
 */

const { values: options } = parseArgs({ options: { pairs: { type: 'string', default: '1000' } } })
const pairs = Number(options.pairs)
const callback = 'https://app.example.com/callback'
const secret = randomBytes(32).toString('base64url')
const own = 'The-attackers-1852'

const configuration = `
UserPools:
  - Id: us-east-1_bench
    PoolName: bench
    Default: true
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Clients:
      - { ClientId: web, CallbackURLs: [${callback}], AllowedOAuthFlows: [code], AllowedOAuthScopes: [openid] }
`

type Side = 'known' | 'unknown'
const nameOf = (side: Side, pair: number): string => `${side.padEnd(7, 'x')}-${pair}@example.com`

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  const postgres = await startPostgres()
  const database = await createDatabase(postgres.url)
  await writeFile(join(folder, 'latchkey.yaml'), configuration)
  const mail = spawn(process.execPath, [join(import.meta.dirname, 'mail-sink.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(mail.stdout, 'data')) as [Buffer]
  const environment = { DATABASE_URL: database.url, LATCHKEY_SECRET: secret, SMTP_URL: said.toString().trim() }
  const server = startServer(folder, environment)
  try {
    const base = await server.ready
    await addAccounts(database.url)
    for (let pair = 0; pair < Math.min(20, pairs); pair += 1) await walk(base, 'unknown', -1 - pair)
    const times = new Map<string, Record<Side, number[]>>()
    for (let pair = 0; pair < pairs; pair += 1) {
      const sides: Side[] = Math.random() < 0.5 ? ['known', 'unknown'] : ['unknown', 'known']
      for (const side of sides) {
        for (const [page, took] of await walk(base, side, pair)) {
          const both = times.get(page) ?? { known: [], unknown: [] }
          both[side].push(took)
          times.set(page, both)
        }
      }
    }
    report(times)
  } finally {
    server.child.kill('SIGTERM')
    await once(server.child, 'exit')
    mail.kill('SIGTERM')
    await database.drop()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Accounts with one password between them: what it is does not matter. */
async function addAccounts(databaseUrl: string): Promise<void> {
  const environment = {
    ...{ port: 0, host: '127.0.0.1', dataDir: '', secret, trustedProxies: [], logLevel: 'warn' },
    ...{ region: 'us-east-1', development: false, production: false, rateLimits: false, databaseUrl },
  }
  const { domain, directory, close } = await openServices({
    environment,
    log: createLog({ level: 'warn', pretty: false }),
  })
  const userPool = directory.default()
  if (userPool === undefined) throw new Error('the server has made no user pool')
  const passwordHash = await domain.passwordHasher.hash('Analytical-1843')
  for (let pair = 0; pair < pairs; pair += 1) {
    const attributes = { email_verified: 'true' }
    const user = { userPool, username: nameOf('known', pair), attributes, passwordHash, permanent: true }
    const made = await createUser(domain, user)
    if (made.kind !== 'done') throw new Error(JSON.stringify(made))
  }
  await close()
}

/** Everything that somebody can ask about one name. @returns milliseconds a page, the redirect behind it included */
async function walk(base: string, side: Side, pair: number): Promise<ReadonlyMap<string, number>> {
  const username = nameOf(side, pair)
  const times = new Map<string, number>()
  const timed = async (page: string, heading: string, send: () => Promise<VisitedPage>): Promise<VisitedPage> => {
    const began = performance.now()
    const answer = await send()
    times.set(page, performance.now() - began)
    if (answer.heading !== heading) throw new Error(`${page} for ${username} led to “${answer.heading}”`)
    return answer
  }
  const browser = createUserAgent(new URL(base).origin)
  const request = authorizationRequest(base, { client_id: 'web', redirect_uri: callback })
  const login = await browser.visit(request.url)
  const [signUp, forgot] = [await login.follow('Create an account'), await login.follow('Forgot your password?')]
  await timed('sign-in', 'Sign in', () => login.submit({ username, password: 'Wrong-guess-1' }))
  const reset = await timed('forgotten password', 'Choose a new password', () => forgot.submit({ username }))
  await timed('reset code', 'Choose a new password', () => reset.submit({ code: '000000', password: own }))
  const confirm = await timed('sign-up', 'Check your messages', () => signUp.submit({ username, password: own }))
  await timed('sign-up code', 'Check your messages', () => confirm.submit({ code: '000000' }))
  await timed('sign-in after it', 'Check your messages', () => login.submit({ username, password: own }))
  const again = await createUserAgent(new URL(base).origin).visit(request.url)
  const other = await again.follow('Create an account')
  await timed('sign-up again', 'Check your messages', () => other.submit({ username, password: own }))
  return times
}

function report(times: ReadonlyMap<string, Record<Side, number[]>>): void {
  const lines = [...times].map(([page, { known, unknown }]) => {
    const p = mannWhitney(known, unknown)
    const [one, other] = [median(known), median(unknown)]
    const verdict = p > 0.01 ? 'pass' : 'FAIL'
    const figures = `known ${one.toFixed(2)} ms   unknown ${other.toFixed(2)} ms   ratio ${(one / other).toFixed(3)}`
    return `${page.padEnd(20)}${figures}   p ${p.toFixed(4)}   ${verdict}`
  })
  process.stdout.write([`${pairs} pairs a page`, ...lines, ''].join('\n'))
  if (lines.some((line) => line.endsWith('FAIL'))) process.exitCode = 1
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0

await main()
