import type { Environment } from '../platform/config/environment.ts'
import { createLog } from '../platform/log.ts'
import type { Log } from '../platform/log.ts'

/** Where standard output belongs to the command's answer: logs go to standard error. */
export const createStderrLog = (environment: Environment, level: string): Log =>
  createLog({ level, pretty: !environment.production, toStderr: true })

/** Commands only tell what needs attention, unless more, or less, is asked for. */
export const createCommandLog = (environment: Environment): Log =>
  createStderrLog(environment, environment.logLevel === 'info' ? 'warn' : environment.logLevel)
