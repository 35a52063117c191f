import pino from 'pino'
import pretty from 'pino-pretty'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'

/** Where standard output belongs to the command's answer: logs go to standard error. */
export function createStderrLog(environment: Environment, level: string): Log {
  const options = { level, base: null }
  if (environment.production) return pino(options, pino.destination({ dest: 2, sync: true }))
  const stream = pretty({ destination: 2, sync: true, colorize: process.stderr.isTTY, translateTime: 'HH:MM:ss' })
  return pino(options, stream)
}

/** Commands only tell what needs attention, unless more, or less, is asked for. */
export const createCommandLog = (environment: Environment): Log =>
  createStderrLog(environment, environment.logLevel === 'info' ? 'warn' : environment.logLevel)
