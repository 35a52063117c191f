import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { openDatabase } from '../persistence/database.ts'
import type { Database } from '../persistence/database.ts'
import type { Schema } from '../persistence/schema.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import { hasEmbeddedDatabase } from './run-locally.ts'

type PreviewedDatabase = Pick<Database, 'kysely' | 'kind' | 'close'>

/** An embedded database that does not exist yet: every question to it is answered with nothing. */
const emptyDatabase = (): PreviewedDatabase => {
  const kysely = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  return { kysely, kind: 'embedded', close: () => kysely.destroy() }
}

/** For a dry run, which makes no folder. @throws DatabaseInUseError */
export async function openUnlessNew(environment: Environment, log: Log): Promise<PreviewedDatabase> {
  const isNew = environment.databaseUrl === undefined && !hasEmbeddedDatabase(environment)
  return isNew ? emptyDatabase() : openDatabase({ ...environment, log })
}
