import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { createPasswordHasher } from '../src/security/password-hash.ts'
import { systemRandom } from '../src/platform/random.ts'
import { startServer } from './bench-server.ts'

/*
 * A full login through the pages: authorize, the login page, the password, the code, the tokens. Its ceiling is the
 * password hash, so the figure to watch is the ratio to bare hashing measured in the same run on the same machine.
 *
 *   npm run bench -- --logins 200 --concurrency 4 --database postgres
 */

const { values: options } = parseArgs({
  options: {
    logins: { type: 'string', default: '150' },
    concurrency: { type: 'string', default: String(availableParallelism()) },
    database: { type: 'string', default: 'postgres' },
  },
})
const logins = Number(options.logins)
const concurrency = Number(options.concurrency)
const password = 'Analytical-1843'
const callback = 'https://app.example.com/callback'

const configuration = `
UserPools:
  - Id: us-east-1_bench
    PoolName: bench
    Default: true
    Clients:
      - ClientId: web
        CallbackURLs: [${callback}]
    Users:
      - { Username: ada, Password: ${password}, Attributes: { email: ada@example.com } }
`

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  const postgres = options.database === 'postgres' ? await startPostgres() : undefined
  const database = postgres && (await createDatabase(postgres.url))
  await writeFile(join(folder, 'latchkey.yaml'), configuration)
  const server = startServer(folder, {
    LATCHKEY_SECRET: randomBytes(32).toString('base64url'),
    ...(database === undefined ? {} : { DATABASE_URL: database.url }),
  })
  try {
    const base = await server.ready
    await run(Math.min(20, logins), () => login(base))
    const before = await hashesPerSecond()
    const took = await run(logins, () => login(base))
    const after = await hashesPerSecond()
    report(took, (before + after) / 2)
  } finally {
    server.child.kill('SIGTERM')
    await once(server.child, 'exit')
    await database?.drop()
    await postgres?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function report(took: Timing, floor: number): void {
  const perSecond = logins / took.seconds
  const at = (share: number): string =>
    `${took.latencies[Math.floor((took.latencies.length - 1) * share)]?.toFixed(0)} ms`
  process.stdout.write(
    [
      `database      ${options.database}, ${concurrency} at a time, ${logins} logins`,
      `logins        ${perSecond.toFixed(1)}/s   median ${at(0.5)}   p95 ${at(0.95)}`,
      `argon2 floor  ${floor.toFixed(1)}/s   (the same hash, nothing else)`,
      `ratio         ${(perSecond / floor).toFixed(2)}`,
      '',
    ].join('\n'),
  )
}

interface Timing {
  seconds: number
  latencies: number[]
}

async function run(times: number, work: () => Promise<void>): Promise<Timing> {
  const latencies: number[] = []
  const began = performance.now()
  let left = times
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const start = performance.now()
      await work()
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return { seconds: (performance.now() - began) / 1000, latencies: latencies.sort((a, b) => a - b) }
}

async function hashesPerSecond(): Promise<number> {
  const hasher = await createPasswordHasher({ random: systemRandom })
  const phc = await hasher.hash(password)
  const took = await run(60, async () => {
    await hasher.verify(password, phc)
  })
  return 60 / took.seconds
}

/** What a browser and an app do; throws when anything is not as it should be. */
async function login(base: string): Promise<void> {
  const cookies = new Map<string, string>()
  const send = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(new URL(url, base), { ...init, redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split('=')
      cookies.set(name, value)
    }
    return response
  }
  const follow = async (response: Response): Promise<string> => {
    await response.arrayBuffer()
    const location = response.headers.get('location')
    if (location === null) throw new Error(`expected a redirect, got ${response.status}`)
    return location
  }
  const codeVerifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: 'web',
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const loginUrl = await follow(await send(`/oauth2/authorize?${query.toString()}`))
  const page = await (await send(loginUrl)).text()
  const form = new URLSearchParams({
    _csrf: hidden(page, '_csrf'),
    flow: hidden(page, 'flow'),
    username: 'ada',
    password,
  })
  const resume = await follow(await send('/login', { method: 'POST', body: form }))
  const answer = new URL(await follow(await send(resume)))
  const code = answer.searchParams.get('code')
  if (code === null) throw new Error(`no code in ${answer.href}`)
  const grant = {
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: callback,
    code,
    code_verifier: codeVerifier,
  }
  const tokens = await fetch(new URL('/oauth2/token', base), { method: 'POST', body: new URLSearchParams(grant) })
  const body = (await tokens.json()) as { id_token?: string }
  if (body.id_token === undefined) throw new Error(`no tokens: ${JSON.stringify(body)}`)
}

const hidden = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]+)"`).exec(page)?.[1] ?? ''

await main()
