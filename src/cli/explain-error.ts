import { CommandFailure } from '../app/administration/command-failure.ts'
import { isDatabaseAway } from '../persistence/database-away.ts'
import { DatabaseInUseError } from '../persistence/folder-lock.ts'
import type { Environment } from '../platform/config/environment.ts'
import { exitStatus } from './exit-status.ts'

/** An error as the operator is told of it. */
export interface Explanation {
  message: string
  status: number
}

/** PostgreSQL's SQLSTATE classes that say that the URL is wrong, not that the server is away. */
const connectionRefusals: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'this user may not connect',
  '3D000': 'there is no such database',
}

/**
 * @param environment undefined when the environment itself is what is wrong
 */
export function explainError(error: unknown, environment: Environment | undefined): Explanation {
  if (error instanceof CommandFailure) return { message: error.message, status: exitStatus[error.reason] }
  if (error instanceof DatabaseInUseError) return { message: error.message, status: exitStatus.unreachable }
  const chain = causesOf(error)
  return (
    chain.map((each) => explainPort(each) ?? explainDatabase(each, environment)).find((each) => each !== undefined) ?? {
      message:
        chain
          .map((each) => each.message.trim())
          .filter((text) => text !== '')
          .join(' ') || String(error),
      status: exitStatus.failed,
    }
  )
}

interface SystemError extends Error {
  code?: string
  syscall?: string
  address?: string
  port?: number
}

function explainPort(error: SystemError): Explanation | undefined {
  if (error.syscall !== 'listen' || error.port === undefined) return undefined
  const place = `port ${error.port} on ${error.address ?? 'this machine'}`
  if (error.code === 'EADDRINUSE') {
    return { message: `Another process listens on ${place}: stop it, or set PORT.`, status: exitStatus.unreachable }
  }
  return {
    message: `The server cannot listen on ${place} (${error.code ?? error.message}).`,
    status: exitStatus.failed,
  }
}

function explainDatabase(error: SystemError, environment: Environment | undefined): Explanation | undefined {
  if (environment?.databaseUrl === undefined) return undefined
  // Never the URL itself: it may hold a password.
  const { host, pathname } = new URL(environment.databaseUrl)
  const name = `the PostgreSQL server ${host} (DATABASE_URL)`
  const code = error.code ?? ''
  if (isDatabaseAway(error)) {
    return { message: `Cannot reach ${name}: ${error.message || code}.`, status: exitStatus.unreachable }
  }
  const refusal = connectionRefusals[code]
  if (refusal === undefined) return undefined
  return { message: `Cannot use the database ${pathname.slice(1)} on ${name}: ${refusal}.`, status: exitStatus.failed }
}

/** The error, what it says caused it, and what it is made of (each address of a host fails by itself). */
function causesOf(error: unknown): readonly SystemError[] {
  if (!(error instanceof Error)) return []
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return [error, ...parts.flatMap(causesOf), ...causesOf(error.cause)]
}
