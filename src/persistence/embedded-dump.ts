import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import type { Log } from '../platform/log.ts'
import { migrate } from './migrate.ts'
import type { Schema } from './schema.ts'

/**
 * An embedded database, migrated and empty, to be given to `openDatabase` as `loadDataDir`: loading it takes a fraction
 * of what making and migrating one does.
 */
export async function createEmbeddedDump({ log }: { log: Log }): Promise<Blob> {
  const pglite = await PGlite.create({ dataDir: 'memory://' })
  try {
    const kysely = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) })
    await migrate({ kysely, kind: 'embedded' }, { log })
    return await pglite.dumpDataDir('none')
  } finally {
    await pglite.close()
  }
}
