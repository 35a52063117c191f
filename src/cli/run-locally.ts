import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { operatedBy } from '../app/administration/administration.ts'
import { removeLeftover } from '../app/administration/admin-socket.ts'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { CommandName, InputOf, ValueOf } from '../app/administration/commands.ts'
import { runCommand } from '../app/administration/run-command.ts'
import { openServices } from '../app/open-services.ts'
import { openDatabase } from '../persistence/database.ts'
import { migrationState, NewerDatabaseError } from '../persistence/migrate.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import { valueOf } from './on-database.ts'
import type { Run } from './on-database.ts'
import { operatorName } from './operator-name.ts'

interface LocalOptions {
  environment: Environment
  log: Log
  /** A database that is new or empty is set up first; without, that is a failure. */
  makesDatabase: boolean
}

/** Opens the database, runs a command and closes it again. @throws as `workLocally` */
export const runLocally = <Name extends CommandName>(
  options: LocalOptions,
  name: Name,
  input: InputOf<Name>,
): Promise<ValueOf<Name>> => workLocally(options, (run) => run(name, input))

/**
 * Opens the database, does work with commands and closes it again.
 * @throws CommandFailure, DatabaseInUseError, NewerDatabaseError, ConfigError
 */
export async function workLocally<T>(
  { environment, log, makesDatabase }: LocalOptions,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  await (environment.databaseUrl === undefined ? checkFolder : checkPostgres)(environment, log, makesDatabase)
  const services = await openServices({ environment, log })
  try {
    await removeLeftover(services.database.lock?.previous?.adminSocket)
    const located = { ...services, publicUrl: publicUrlOf(environment), region: environment.region }
    const administration = operatedBy(located, operatorName())
    return await work(async (name, input) => valueOf<typeof name>(await runCommand(administration, name, input)))
  } finally {
    await services.close()
  }
}

/** As the server would have it, but for a port that is chosen when it starts. */
export const publicUrlOf = ({ publicUrl, port }: Environment): string => publicUrl ?? `http://localhost:${port}`

/** A mistyped DATA_DIR must not come into being by being asked about. */
async function checkFolder(environment: Environment, _log: Log, makesDatabase: boolean): Promise<void> {
  if (makesDatabase || hasEmbeddedDatabase(environment)) return
  throw new CommandFailure(
    'failed',
    `There is no database in ${resolve(environment.dataDir)} (DATA_DIR): start the server once, or run \`latchkey migrate\`.`,
  )
}

export const hasEmbeddedDatabase = ({ dataDir }: Environment): boolean => existsSync(join(dataDir, 'pgdata'))

/** Older servers may be running: a command does not change the schema under them in passing. */
async function checkPostgres(environment: Environment, log: Log, makesDatabase: boolean): Promise<void> {
  const database = await openDatabase({ ...environment, log, poolSize: 1 })
  try {
    const { applied, pending, unknown } = await migrationState(database)
    if (unknown.length > 0) throw new NewerDatabaseError(unknown)
    if (pending.length === 0 || (makesDatabase && applied.length === 0)) return
    const state = applied.length === 0 ? 'is empty' : `lacks ${pending.length} of this release's migrations`
    throw new CommandFailure('failed', `The database ${state}: run \`latchkey migrate\` first.`)
  } finally {
    await database.close()
  }
}
