import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createCluster, removeStaleClusters, type Cluster } from './postgres-cluster.ts'

export interface Postgres {
  /** An administrator's URL: it may make and drop databases. */
  url: string
  /** Stops the server, waits until its process is gone, and removes its data. Does nothing on a given server. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** False (for tests) trades safety after a crash for speed; benchmarks keep the default. */
  durable?: boolean
  /** Further settings, as in postgresql.conf. */
  settings?: Record<string, string>
}

/** What a crash may take with it is of no interest to a test. */
const volatileSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

const startAttempts = 3
const startTimeoutMs = 30_000

/**
 * Starts a PostgreSQL server of our own on a free loopback port, with its data in a temporary directory.
 * Where TEST_DATABASE_URL is set, that server is used instead and left running.
 * A server whose starter was killed lives on: such a one is stopped first.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) return { url: given, stop: async () => {} }
  await removeStaleClusters()
  const cluster = await createCluster()
  try {
    const url = await startCluster(cluster, options)
    return { url, stop: () => cluster.stop() }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

async function startCluster(cluster: Cluster, options: PostgresOptions): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    cluster.start({
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '100',
      ...(options.durable === false ? volatileSettings : {}),
      ...options.settings,
    })
    const url = `postgres://${cluster.user}:${cluster.password}@127.0.0.1:${port}/postgres`
    if (await answers(url, cluster)) return url
    // Another process may have taken the port between the question and the start.
    if (attempt === startAttempts) throw new Error(`PostgreSQL did not start:\n${await cluster.log()}`)
  }
}

/** Waits until the server takes connections; false if it ended instead. */
async function answers(url: string, cluster: Cluster): Promise<boolean> {
  const deadline = Date.now() + startTimeoutMs
  while (cluster.isRunning()) {
    try {
      await query(url, 'select 1')
      return cluster.isRunning()
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`PostgreSQL does not answer:\n${await cluster.log()}`, { cause: error })
      await sleep(50)
    }
  }
  return false
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface TestDatabase {
  url: string
  /** The database's name: what another one's `template` takes (nobody may be connected to it then). */
  name: string
  /** Closes all connections to the database and removes it. */
  drop(): Promise<void>
}

/** Makes a database with a name of its own, empty or as a copy of the database `template`. */
export async function createDatabase(adminUrl: string, options: { template?: string } = {}): Promise<TestDatabase> {
  const name = `latchkey_test_${randomBytes(8).toString('hex')}`
  const template = pg.escapeIdentifier(options.template ?? 'template1')
  // File copies beat logged ones where nothing has to reach the disk.
  const strategy = options.template === undefined ? '' : ' strategy file_copy'
  await query(adminUrl, `create database ${name} template ${template}${strategy}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    name,
    drop: () => query(adminUrl, `drop database if exists ${name} with (force)`),
  }
}

async function query(url: string, text: string): Promise<void> {
  const connection = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await connection.connect()
  try {
    await connection.query(text)
  } finally {
    await connection.end()
  }
}
