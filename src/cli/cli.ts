import type { CommandName, InputOf, ValueOf } from '../app/administration/commands.ts'
import { readEnvironment } from '../platform/config/environment.ts'
import type { Environment } from '../platform/config/environment.ts'
import { createCommandLog } from './command-log.ts'
import { onDatabase } from './on-database.ts'
import type { Run } from './on-database.ts'

/** What the commands have in common: how they reach the database, and how they answer. */
export interface Cli {
  readonly env: NodeJS.ProcessEnv
  /** Read at its first use, so that `--help` works with a bad one. @throws ConfigError */
  environment(): Environment
  /** Only JSON on standard output. */
  json: boolean
  /** @throws CommandFailure, DatabaseInUseError and whatever opening the database throws */
  run<Name extends CommandName>(name: Name, input: InputOf<Name>, options?: RunOptions): Promise<ValueOf<Name>>
  /** Several commands on a database that is opened once. @throws as `run` */
  session<T>(work: (run: Run) => Promise<T>): Promise<T>
  /** Prints what a command came to: as JSON, or as the text made of it. */
  answer<Value extends object>(value: Value, text: (value: Value) => string): void
}

interface RunOptions {
  /** A database that is new or empty is set up first. */
  makesDatabase?: boolean
}

export function createCli(env: NodeJS.ProcessEnv): Cli {
  let environment: Environment | undefined
  const cli: Cli = {
    env,
    json: false,
    environment: () => (environment ??= readEnvironment(env)),
    run: (name, input, { makesDatabase = false } = {}) => {
      const known = cli.environment()
      return onDatabase<ValueOf<typeof name>>(known, {
        throughServer: (run) => run(name, input),
        locally: async () => {
          // Loaded when it is needed: a running server has all of it already.
          const { runLocally } = await import('./run-locally.ts')
          return runLocally({ environment: known, log: createCommandLog(known), makesDatabase }, name, input)
        },
      })
    },
    session: (work) => {
      const known = cli.environment()
      return onDatabase(known, {
        throughServer: work,
        locally: async () => {
          const { workLocally } = await import('./run-locally.ts')
          return workLocally({ environment: known, log: createCommandLog(known), makesDatabase: false }, work)
        },
      })
    },
    answer: (value, text) => void process.stdout.write(`${cli.json ? JSON.stringify(value, null, 2) : text(value)}\n`),
  }
  return cli
}
