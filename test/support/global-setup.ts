import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/persistence/database.ts'
import { createEmbeddedDump } from '../../src/persistence/embedded-dump.ts'
import { migrate } from '../../src/persistence/migrate.ts'
import { createLog } from '../../src/platform/log.ts'
import { createDatabase, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator's URL of the run's PostgreSQL server; make a database of your own with `createDatabase`. */
    postgresUrl: string
    /** Name of a migrated, empty database to copy: `createDatabase(url, { template })`. */
    postgresTemplate: string
    /** File with a dump of a migrated, empty embedded database. */
    embeddedDump: string
  }
}

/** Starts one PostgreSQL for the whole run and migrates once on each database; tests copy the result. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = createLog({ level: 'silent', pretty: false })
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  const postgres = await startPostgres({ durable: false })
  const template = await createDatabase(postgres.url)
  const database = await openDatabase({ databaseUrl: template.url, dataDir: folder, log })
  await migrate(database, { log })
  await database.close()
  const embeddedDump = join(folder, 'embedded.tar')
  await writeFile(embeddedDump, Buffer.from(await (await createEmbeddedDump({ log })).arrayBuffer()))
  project.provide('postgresUrl', postgres.url)
  project.provide('postgresTemplate', template.name)
  project.provide('embeddedDump', embeddedDump)
  return async () => {
    await template.drop()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
