import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import type { Store } from '../../src/domain/ports/store.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Database } from '../../src/persistence/database.ts'
import { createEmbeddedDump } from '../../src/persistence/embedded-dump.ts'
import { migrate } from '../../src/persistence/migrate.ts'
import { createStore } from '../../src/persistence/store.ts'
import { createLog } from '../../src/platform/log.ts'
import { createDatabase } from '../support/postgres.ts'

export const log = createLog({ level: 'silent', pretty: false })

export interface TestStore {
  kind: Database['kind']
  database: Database
  store: Store
}

/** One suite for every database: it runs on PostgreSQL and on the embedded database, each migrated and empty. */
export function onEachDatabase(define: (test: TestStore) => void): void {
  describe.each(['postgres', 'embedded'] as const)('%s', (kind) => {
    const test = { kind } as TestStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const opened = kind === 'postgres' ? await openPostgres() : await openEmbedded()
      close = opened.close
      test.database = opened.database
      test.store = createStore(opened.database)
    })
    afterAll(() => close())
    define(test)
  })
}

async function openPostgres(): Promise<{ database: Database; close(): Promise<void> }> {
  const { url, drop } = await createDatabase(inject('postgresUrl'))
  const database = await openDatabase({ databaseUrl: url, dataDir: '', log, poolSize: 12 })
  await migrate(database, { log })
  return {
    database,
    async close() {
      await database.close()
      await drop()
    },
  }
}

async function openEmbedded(): Promise<{ database: Database; close(): Promise<void> }> {
  const database = await openDatabase({ dataDir: 'memory://', log, loadDataDir: await embeddedDump() })
  return { database, close: () => database.close() }
}

const repository = join(import.meta.dirname, '..', '..')

/** The dump of a migrated embedded database, made once for each state of the migrations and kept beside the packages. */
async function embeddedDump(): Promise<Blob> {
  const cache = join(repository, 'node_modules', '.cache', 'latchkey')
  const file = join(cache, `embedded-${await migrationsHash()}.tar`)
  if (!existsSync(file)) {
    await mkdir(cache, { recursive: true })
    const dump = await createEmbeddedDump({ log })
    const partial = `${file}.${randomUUID()}`
    await writeFile(partial, Buffer.from(await dump.arrayBuffer()))
    await rename(partial, file)
  }
  return new Blob([await readFile(file)])
}

async function migrationsHash(): Promise<string> {
  const hash = createHash('sha256')
  const folder = join(repository, 'migrations')
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(await readFile(join(folder, name)))
  hash.update(await readFile(join(repository, 'node_modules', '@electric-sql', 'pglite', 'package.json')))
  return hash.digest('hex').slice(0, 16)
}
