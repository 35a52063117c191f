import { setTimeout as sleep } from 'node:timers/promises'
import { AdminChannelClosedError, callAdminChannel } from '../app/administration/admin-client.ts'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { CommandName, InputOf, ValueOf } from '../app/administration/commands.ts'
import type { CommandAnswer } from '../app/administration/run-command.ts'
import { DatabaseInUseError, readLock } from '../persistence/folder-lock.ts'
import type { Environment } from '../platform/config/environment.ts'
import { operatorName } from './operator-name.ts'

/** Runs a command by name, wherever that is. @throws CommandFailure */
export type Run = <Name extends CommandName>(name: Name, input: InputOf<Name>) => Promise<ValueOf<Name>>

/** Another command is done in a moment, a server that starts or stops in a few seconds. */
const patienceMs = 15_000
const pauseMs = 200
const silentMs = 1_000

/**
 * Does work on the database: through the running server where that holds the folder of an embedded database, else by
 * opening it (`locally`). Never beside a server: the folder's lock decides, and a channel that nobody listens on any more
 * only means that the lock is asked.
 * @throws DatabaseInUseError, CommandFailure
 */
export async function onDatabase<T>(
  environment: Environment,
  work: { throughServer: (run: Run) => Promise<T>; locally: () => Promise<T> },
): Promise<T> {
  if (environment.databaseUrl !== undefined) return work.locally()
  const begun = performance.now()
  for (let told = false; ; await sleep(pauseMs)) {
    try {
      return await throughServerOrLocally(environment.dataDir, work)
    } catch (error) {
      const waited = performance.now() - begun
      if (!(error instanceof DatabaseInUseError)) throw error
      if (waited > patienceMs) throw givingUp(error)
      if (told || waited < silentMs) continue
      told = true
      process.stderr.write('Waiting for another process to let go of the database …\n')
    }
  }
}

/** A server lives, but its channel is not to be seen from here: another container, another user's temporary folder. */
function givingUp(error: DatabaseInUseError): Error {
  const { message, holder } = error
  if (holder?.adminSocket === undefined) return error
  const hint = `Its admin channel (${holder.adminSocket}) does not answer here: run commands where the server runs, as the same user.`
  return new CommandFailure('unreachable', `${message} ${hint}`, { cause: error })
}

async function throughServerOrLocally<T>(
  dataDir: string,
  work: { throughServer: (run: Run) => Promise<T>; locally: () => Promise<T> },
): Promise<T> {
  const holder = await readLock(dataDir)
  if (holder?.adminSocket === undefined) return work.locally()
  try {
    return await work.throughServer(async (name, input) =>
      valueOf<typeof name>(await callAdminChannel(holder, operatorName(), name, input)),
    )
  } catch (error) {
    if (!(error instanceof AdminChannelClosedError)) throw error
    return work.locally()
  }
}

/** @throws CommandFailure */
export function valueOf<Name extends CommandName>(answer: CommandAnswer): ValueOf<Name> {
  if (answer.ok) return answer.value as ValueOf<Name>
  throw new CommandFailure(answer.reason, answer.message)
}
