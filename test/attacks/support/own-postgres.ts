import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createCluster } from '../../support/postgres-cluster.ts'
import { freePort } from '../../support/server-process.ts'

const patienceMs = 30_000

/** A PostgreSQL server of one test's own, which goes away and comes back at the same address. */
export interface OwnPostgres {
  url: string
  /** As an administrator restarts it: connections are told, and cut. */
  shutDown(): Promise<void>
  /** As the kernel kills it: nobody is told anything. */
  crash(): Promise<void>
  comeBack(): Promise<void>
  remove(): Promise<void>
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const cluster = await createCluster()
  const port = await freePort()
  const url = `postgres://${cluster.user}:${cluster.password}@127.0.0.1:${port}/postgres`
  const settings = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '' }
  const comeBack = async (): Promise<void> => {
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline) {
      // After a crash the orphans of the former one may still be on their way out: then it ends, and is started again.
      if (!cluster.isRunning()) cluster.start(settings)
      if (await answers(url)) return
      await sleep(50)
    }
    throw new Error(`PostgreSQL does not come back:\n${await cluster.log()}`)
  }
  await comeBack()
  return {
    url,
    shutDown: () => cluster.halt('SIGINT'),
    crash: () => cluster.halt('SIGKILL'),
    comeBack,
    remove: () => cluster.stop(),
  }
}

async function answers(url: string): Promise<boolean> {
  const connection = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  connection.on('error', () => {})
  try {
    await connection.connect()
    await connection.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await connection.end().catch(() => {})
  }
}
