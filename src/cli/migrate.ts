import { openDatabase } from '../persistence/database.ts'
import { migrate, migrationState, NewerDatabaseError } from '../persistence/migrate.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import type { Cli } from './cli.ts'
import { createCommandLog } from './command-log.ts'
import { onDatabase } from './on-database.ts'
import { openUnlessNew } from './open-unless-new.ts'

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
  if (dryRun) return previewMigrations(environment, log)
  const database = await openDatabase({ ...environment, log })
  try {
    return { Applied: await migrate(database, { log }), Pending: [] }
  } finally {
    await database.close()
  }
}

async function previewMigrations(environment: Environment, log: Log): Promise<Outcome> {
  const database = await openUnlessNew(environment, log)
  try {
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
