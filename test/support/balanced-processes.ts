import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { rawRequest } from '../conformance/raw-request.ts'
import { createDatabase } from './postgres.ts'
import type { TokenResponse } from './relying-party.ts'
import { freePort, startServerProcess } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'

/** Two processes of the server on one PostgreSQL, under one address, as behind a balancer. */
export interface TwoProcesses {
  publicUrl: string
  ports: readonly [number, number]
  processes: readonly [ServerProcess, ServerProcess]
  /** Asks a process's token endpoint. */
  requestTokens(port: number, form: Record<string, string>): Promise<Pick<TokenResponse, 'status' | 'body'>>
  /** Looks into the database, or changes what is there, behind both. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  stop(): Promise<void>
}

export async function startTwoProcesses(configuration: string): Promise<TwoProcesses> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-two-'))
  const configFile = join(folder, 'latchkey.yaml')
  await writeFile(configFile, configuration)
  const database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
  const ports = [await freePort(), await freePort()] as const
  const publicUrl = `http://localhost:${ports[0]}`
  const start = (port: number): Promise<ServerProcess> =>
    startServerProcess({
      PORT: String(port),
      PUBLIC_URL: publicUrl,
      LATCHKEY_CONFIG: configFile,
      DATABASE_URL: database.url,
      LATCHKEY_SECRET: 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga',
      DATA_DIR: folder,
    })
  const processes = await Promise.all([start(ports[0]), start(ports[1])])
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  return {
    publicUrl,
    ports,
    processes: [processes[0], processes[1]],
    async requestTokens(port, form) {
      const headers = { host: new URL(publicUrl).host, 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(form).toString()
      const answer = await rawRequest(port, '/oauth2/token', { method: 'POST', headers, body })
      return { status: answer.status, body: JSON.parse(answer.body) as TokenResponse['body'] }
    },
    async sql<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      return (await client.query<Row>(text, [...values])).rows
    },
    async stop() {
      await client.end()
      await Promise.all(processes.map((process) => process.terminate()))
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
