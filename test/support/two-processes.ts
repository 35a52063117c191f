import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { createDatabase } from './postgres.ts'
import { freePort, startServerProcess } from './server-process.ts'

/** Two servers as an operator runs them, each a process of its own, on one PostgreSQL. */
export interface TwoProcesses {
  /** Where each is reached; both serve the same user pools there. */
  urls: readonly [string, string]
  databaseUrl: string
  stop(): Promise<void>
}

/** @param userPools of `latchkey.yaml`, given the origins of both servers for the pool's `Domains` */
export async function startTwoProcesses(
  userPools: (origins: readonly string[]) => readonly object[],
  environment: Record<string, string> = {},
): Promise<TwoProcesses> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-two-'))
  const database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
  const ports = [await freePort(), await freePort()] as const
  const [first, second] = ports.map((port) => `http://localhost:${port}`) as [string, string]
  const configFile = join(folder, 'latchkey.yaml')
  // JSON, which is YAML too.
  await writeFile(configFile, JSON.stringify({ UserPools: userPools([first, second]) }))
  const shared = {
    PUBLIC_URL: first,
    DATABASE_URL: database.url,
    LATCHKEY_SECRET: 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga',
    LATCHKEY_CONFIG: configFile,
    LATCHKEY_DEV: '1',
    ...environment,
  }
  const servers = await Promise.all(ports.map((port) => startServerProcess({ PORT: String(port), ...shared })))
  return {
    urls: [first, second],
    databaseUrl: database.url,
    async stop() {
      await Promise.all(servers.map((server) => server.kill()))
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
