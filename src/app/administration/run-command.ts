import { TriggerFailure } from '../../domain/triggers/trigger-failure.ts'
import { ConfigError } from '../../platform/config/config-error.ts'
import type { Administration, Command } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import type { FailureReason } from './command-failure.ts'
import { commands } from './commands.ts'
import type { z } from 'zod'

/** What a command came to; JSON, so that it can go over the admin channel. */
export type CommandAnswer = { ok: true; value: unknown } | { ok: false; reason: FailureReason; message: string }

/**
 * Checks the input and runs the command.
 * @throws whatever is not the operator's to mend
 */
export async function runCommand(administration: Administration, name: string, input: unknown): Promise<CommandAnswer> {
  if (!Object.hasOwn(commands, name)) {
    return { ok: false, reason: 'usage', message: `This release of the server does not know the command ${name}.` }
  }
  const command = commands[name as keyof typeof commands] as unknown as Command<z.ZodType, unknown>
  // PostgreSQL can store none in text or JSON, and look for none.
  if (holdsZeroByte(input)) return { ok: false, reason: 'usage', message: 'a text with a zero byte cannot be stored' }
  const checked = command.input.safeParse(input)
  if (!checked.success) return { ok: false, reason: 'usage', message: describe(checked.error.issues) }
  try {
    return { ok: true, value: await command.run(administration, checked.data) }
  } catch (error) {
    if (error instanceof CommandFailure) return { ok: false, reason: error.reason, message: error.message }
    if (error instanceof TriggerFailure) return { ok: false, reason: 'refused', message: error.message }
    if (error instanceof ConfigError) return { ok: false, reason: 'failed', message: error.message }
    throw error
  }
}

/** Without the values: they may be secrets. */
const describe = (issues: readonly z.core.$ZodIssue[]): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ')

function holdsZeroByte(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  return typeof value === 'object' && value !== null && Object.entries(value).flat().some(holdsZeroByte)
}
