import pino from 'pino'
import type { Logger } from 'pino'
import pretty from 'pino-pretty'

export type Log = Logger

/** Members that may carry a secret; their values never reach a log line, however deep they sit (threat row F10). */
const secretMembers = [
  'password',
  'newPassword',
  'passwordHash',
  'secret',
  'code',
  'code_verifier',
  'codeVerifier',
  'handle',
  'token',
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'id_token',
  'idToken',
  'id_token_hint',
  'adminToken',
  'client_secret',
  'clientSecret',
  'client_assertion',
  'authorization',
  'cookie',
  'set-cookie',
]

const redactedPaths = secretMembers.flatMap((name) => {
  const member = name.includes('-') ? `["${name}"]` : name
  const below = name.includes('-') ? '' : '.'
  return [member, `*${below}${member}`, `*.*${below}${member}`]
})

/**
 * What a log says of an error. Errors of libraries carry more than they say (a database error its whole connection, keys
 * included), so members are named one by one.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: 'something that is no error was thrown' }
  const code = (error as { code?: unknown }).code
  return {
    type: error.name,
    message: error.message,
    // Not `code`: that name is redacted.
    ...(typeof code === 'string' ? { reason: code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  }
}

/**
 * JSON lines in production, readable lines otherwise.
 * @param options.level pino's level name; `silent` for none
 * @param options.toStderr where standard output belongs to something else: a command's answer
 */
export function createLog(options: { level: string; pretty: boolean; toStderr?: boolean }): Log {
  const redact = { paths: redactedPaths, censor: '[redacted]' }
  const settings = { level: options.level, redact, serializers: { err: describeError }, base: null }
  // A command ends as soon as it is done, so what goes to standard error is written at once.
  const destination = options.toStderr === true ? { dest: 2, sync: true } : { dest: 1, sync: false }
  if (!options.pretty) return pino(settings, pino.destination(destination))
  const { dest, sync } = destination
  const colorize = dest === 2 ? process.stderr.isTTY : process.stdout.isTTY
  return pino(settings, pretty({ destination: dest, sync, colorize, translateTime: 'HH:MM:ss' }))
}
