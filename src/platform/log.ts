import pino from 'pino'
import type { Logger } from 'pino'

export type Log = Logger

/** Members that may carry a secret; their values never reach a log line, however deep they sit (threat row F10). */
const secretMembers = [
  'password',
  'newPassword',
  'code',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
  'clientSecret',
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
 * JSON lines in production, readable lines otherwise.
 * @param level pino's level name; `silent` for none
 */
export function createLog(options: { level: string; pretty: boolean }): Log {
  const redact = { paths: redactedPaths, censor: '[redacted]' }
  if (!options.pretty) return pino({ level: options.level, redact, base: null })
  return pino({
    level: options.level,
    redact,
    base: null,
    transport: { target: 'pino-pretty', options: { colorize: process.stdout.isTTY, translateTime: 'HH:MM:ss' } },
  })
}
