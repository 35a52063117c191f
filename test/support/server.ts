import { readFile } from 'node:fs/promises'
import { inject } from 'vitest'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { serve } from '../../src/app/compose.ts'
import type { RunningServer } from '../../src/app/compose.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Environment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Log } from '../../src/platform/log.ts'
import { createDatabase } from './postgres.ts'

export type DatabaseKind = 'embedded' | 'postgres'

/** Every story runs on both. */
export const databaseKinds: readonly DatabaseKind[] = ['embedded', 'postgres']

export interface Mail {
  id: string
  to: string
  subject: string
  text: string
  html: string
  createdAt: string
}

export interface TestServer extends RunningServer {
  /** Messages in the development mailbox, newest first. */
  mail(): Promise<readonly Mail[]>
  /** Waits for a message to the address and returns its six-digit code. `after` skips messages already seen. */
  codeFor(address: string, after?: readonly Mail[]): Promise<string>
}

export interface TestServerOptions {
  database?: DatabaseKind
  /** `latchkey.yaml`; absent: what a first run gets. */
  configuration?: string
  environment?: Partial<Environment>
  clock?: Clock
  /** Absent: one on standard output, of the level TEST_LOG_LEVEL. */
  log?: Log
}

/** Starts the whole server in this process on a free loopback port, with a database of its own. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await databaseFor(options.database ?? 'embedded')
  const environment: Environment = {
    port: 0,
    host: '127.0.0.1',
    dataDir: 'memory://',
    secret: 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga',
    trustedProxies: [],
    logLevel: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    region: 'eu-west-1',
    development: true,
    production: false,
    // Tests are not to be limited by each other; those of the limits switch them on.
    rateLimits: false,
    // What a hash costs is not what they are about.
    hashMemoryKiB: 1024,
    ...database.environment,
    ...options.environment,
  }
  const { configuration } = options
  const server = await serve({
    environment,
    configuration: configuration === undefined ? undefined : parseConfiguration(configuration, 'latchkey.yaml', {}),
    log: options.log ?? createLog({ level: environment.logLevel, pretty: false }),
    ...(database.loadDataDir === undefined ? {} : { loadDataDir: database.loadDataDir }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  const mail = async (): Promise<readonly Mail[]> => {
    const response = await fetch(`${server.publicUrl}/dev/mail`, { headers: { accept: 'application/json' } })
    return (await response.json()) as Mail[]
  }
  return {
    ...server,
    mail,
    codeFor: (address, after = []) => waitForCode(mail, address, new Set(after.map(({ id }) => id))),
    async stop() {
      await server.stop()
      await database.drop()
    },
  }
}

interface DatabaseParts {
  environment: Partial<Environment>
  loadDataDir?: Blob
  drop(): Promise<void>
}

async function databaseFor(kind: DatabaseKind): Promise<DatabaseParts> {
  if (kind === 'embedded') {
    const loadDataDir = new Blob([await readFile(inject('embeddedDump'))])
    return { environment: {}, loadDataDir, drop: () => Promise.resolve() }
  }
  const { url, drop } = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
  return { environment: { databaseUrl: url }, drop }
}

/** The sealed token of a link holds six digits in a row now and then; a code stands by itself. */
export const withoutLinks = (text: string): string => text.replaceAll(/https?:\S+/g, '')

async function waitForCode(
  mail: () => Promise<readonly Mail[]>,
  address: string,
  seen: ReadonlySet<string>,
): Promise<string> {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    // Notices of what has been done stand between.
    const messages = (await mail()).filter(({ id, to }) => to === address && !seen.has(id))
    const codes = messages.flatMap(({ text }) => /\b\d{6}\b/.exec(withoutLinks(text)) ?? [])
    const [code] = codes
    if (code !== undefined) return code
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no code arrived for ${address}`)
}
