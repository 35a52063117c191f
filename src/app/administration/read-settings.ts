import type { z } from 'zod'
import { CommandFailure } from './command-failure.ts'

/**
 * Checks settings in Cognito's member names.
 * @param shownFrom drops so many leading parts of each path from the message
 * @throws CommandFailure refused, with every problem and its place
 */
export function readSettings<Schema extends z.ZodType>(
  schema: Schema,
  settings: unknown,
  shownFrom = 0,
): z.output<Schema> {
  const parsed = schema.safeParse(settings)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${place(path.slice(shownFrom))}${message}`)
  throw new CommandFailure('refused', `The settings cannot be used: ${problems.join('; ')}.`)
}

/** `Policies.PasswordPolicy.MinimumLength: ` */
function place(path: readonly PropertyKey[]): string {
  const text = path.map((key, index) =>
    typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`,
  )
  return path.length === 0 ? '' : `${text.join('')}: `
}
