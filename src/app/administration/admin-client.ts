import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { LockRecord } from '../../persistence/folder-lock.ts'
import { adminPath } from './admin-socket.ts'
import { CommandFailure } from './command-failure.ts'
import type { CommandAnswer } from './run-command.ts'

/** Long enough for the hash of a password behind a queue of them. */
const timeoutMs = 60_000

/** Nobody listens there: the command has not been sent. */
export class AdminChannelClosedError extends Error {
  override readonly name = 'AdminChannelClosedError'
}

/**
 * Hands a command to the server that holds the folder.
 * @throws AdminChannelClosedError when it cannot be reached; CommandFailure unreachable when it stops answering midway
 */
export async function callAdminChannel(
  holder: LockRecord,
  operator: string,
  command: string,
  input: unknown,
): Promise<CommandAnswer> {
  const { adminSocket, adminToken } = holder
  if (adminSocket === undefined || adminToken === undefined) throw new AdminChannelClosedError('no admin channel')
  const body = JSON.stringify({ command, input, operator })
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${adminToken}` }
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(connectFailure(error) ?? midwayFailure(holder, error))
    const call = request({ socketPath: adminSocket, path: adminPath, method: 'POST', headers, agent: false })
    call.setTimeout(timeoutMs, () => call.destroy(new Error(`no answer within ${timeoutMs / 1000} seconds`)))
    call.on('response', (response) => {
      text(response)
        .then((answered) => resolve(JSON.parse(answered) as CommandAnswer))
        .catch(fail)
    })
    call.on('error', fail)
    call.end(body)
  })
}

/** ENOENT: removed already. ECONNREFUSED: left behind. EACCES: another user's. */
function connectFailure(error: NodeJS.ErrnoException): Error | undefined {
  if (error.syscall !== 'connect') return undefined
  return new AdminChannelClosedError(error.message, { cause: error })
}

const midwayFailure = (holder: LockRecord, error: Error): CommandFailure =>
  new CommandFailure(
    'unreachable',
    `The server (process ${holder.pid}) did not answer (${error.message}): whether the command was carried out is not known.`,
    { cause: error },
  )
