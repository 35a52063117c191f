import type { z } from 'zod'
import { closestName } from './closest-name.ts'

/** What is wrong with one setting: where it stands, and in words what it should be. */
export interface SettingProblem {
  path: readonly PropertyKey[]
  message: string
}

export type CheckedSettings<Settings> =
  { ok: true; settings: Settings } | { ok: false; problems: readonly SettingProblem[] }

/**
 * Checks settings that a person wrote. Every problem is told at once, in words that follow the setting's name and value
 * and say how to mend it; each unknown member is a problem of its own, with the known name that comes closest.
 */
export function checkSettings<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): CheckedSettings<z.output<Schema>> {
  // The names that stood to choose from are known while an issue is raised, not afterwards.
  const known = new Map<readonly string[], readonly string[]>()
  const parsed = schema.safeParse(value, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') known.set(issue.keys, membersOf(issue.inst))
      return plainWords(issue)
    },
  })
  if (parsed.success) return { ok: true, settings: parsed.data }
  const problems = parsed.error.issues.flatMap((issue): SettingProblem[] => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }]
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: unknownMember(key, known.get(issue.keys) ?? []),
    }))
  })
  return { ok: false, problems }
}

/** How the problem of an unknown member begins. Its value is not to be shown: it may be a password under a misspelt name. */
export const unknownSetting = 'is no setting that Latchkey knows here'

function unknownMember(name: string, known: readonly string[]): string {
  const closest = closestName(name, known)
  const mend = closest === undefined ? 'check its spelling, or remove it' : `did you mean ${closest}?`
  return `${unknownSetting}: ${mend}`
}

function membersOf(schema: z.core.$ZodRawIssue['inst']): readonly string[] {
  const definition = schema?._zod.def as { shape?: object } | undefined
  return Object.keys(definition?.shape ?? {})
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (Name: value)',
  record: 'a mapping (Name: value)',
}

/** zod's own messages ("Invalid input: expected …") in words that follow a setting's name and value. */
const plainWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(kinds[issue.expected] ?? `of the type ${issue.expected}`, issue.input, issue.expected === 'string')
    case 'invalid_union':
      return mustBe('text, a number, or true or false', issue.input, false)
    case 'invalid_value':
      return mustBe(oneOf(issue.values.map((value) => JSON.stringify(value))), issue.input, false)
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'must not be empty'
        : bound(issue, issue.minimum, 'least')
    case 'too_big':
      return bound(issue, issue.maximum, 'most')
    case 'invalid_format':
      return issue.format === 'includes'
        ? `must contain ${JSON.stringify(issue['includes'])}`
        : 'holds characters that are not allowed here'
    default:
      return undefined
  }
}

function mustBe(kind: string, input: unknown, isText: boolean): string {
  if (input === undefined) return `is missing: it must be ${kind}`
  const quotable = isText && (typeof input === 'number' || typeof input === 'boolean')
  return quotable ? `must be text: put it in quotes` : `must be ${kind}`
}

const oneOf = (names: readonly string[]): string => (names.length === 1 ? names.join('') : `one of ${names.join(', ')}`)

function bound(issue: { origin: string }, limit: number | bigint, side: 'least' | 'most'): string {
  if (issue.origin === 'string') return `must have at ${side} ${limit} characters`
  if (issue.origin === 'array') return `must have at ${side} ${limit} ${limit === 1 ? 'entry' : 'entries'}`
  return `must be ${limit} or ${side === 'least' ? 'more' : 'less'}`
}
