import { openDatabase } from '../persistence/database.ts'
import { migrate, migrationState, NewerDatabaseError } from '../persistence/migrate.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import type { Cli } from './cli.ts'
import { createCommandLog } from './command-log.ts'
import { onDatabase } from './on-database.ts'
import { hasEmbeddedDatabase } from './run-locally.ts'

interface Outcome {
  /** By this call. */
  Applied: readonly string[]
  Pending: readonly string[]
}

/** A running server has migrated its embedded database already; it is asked all the same. */
export async function migrateCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const environment = cli.environment()
  const outcome = await onDatabase(environment, {
    throughServer: async (run): Promise<Outcome> => ({
      Applied: [],
      Pending: (await run('migrations.show', {})).Pending,
    }),
    locally: () => migrateLocally(environment, createCommandLog(environment), dryRun),
  })
  cli.answer(outcome, describe)
}

async function migrateLocally(environment: Environment, log: Log, dryRun: boolean): Promise<Outcome> {
  // A dry run makes no folder: an embedded database in memory has the same migrations before it.
  const isNew = environment.databaseUrl === undefined && !hasEmbeddedDatabase(environment)
  const dataDir = dryRun && isNew ? 'memory://' : environment.dataDir
  const database = await openDatabase({ ...environment, dataDir, log })
  try {
    if (!dryRun) return { Applied: await migrate(database, { log }), Pending: [] }
    const { pending, unknown } = await migrationState(database)
    if (unknown.length > 0) throw new NewerDatabaseError(unknown)
    return { Applied: [], Pending: pending }
  } finally {
    await database.close()
  }
}

function describe({ Applied: applied, Pending: pending }: Outcome): string {
  const lines = [...applied.map((name) => `applied  ${name}`), ...pending.map((name) => `pending  ${name}`)]
  return lines.length === 0 ? 'The database is up to date.' : lines.join('\n')
}
