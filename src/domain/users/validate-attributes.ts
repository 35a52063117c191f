import { parseEmailAddress } from '../messages/email-address.ts'
import { parsePhoneNumber } from '../messages/phone-number.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { standardAttributeNames } from './attribute-schema.ts'
import type { CustomAttribute } from './attribute-schema.ts'

export type AttributeProblem = 'required' | 'email' | 'phone' | 'date' | 'tooLong' | 'invalid'

export type AttributeProblems = Readonly<Record<string, AttributeProblem>>

const maximumValueLength = 2048

/** Names that no self-service path may ever write (threat row A6). */
const neverWritable = new Set(['sub', 'email_verified', 'phone_number_verified', 'updated_at', 'identities'])

export const isSelfWritable = (name: string): boolean => !neverWritable.has(name) && !name.startsWith('dev:')

/**
 * Checks attribute values against the pool's schema and brings addresses to the form in which they are stored.
 * @returns the values to store, or what is wrong, by attribute name
 */
export function validateAttributes(
  userPool: UserPool,
  values: Readonly<Record<string, string>>,
): { ok: true; attributes: Record<string, string> } | { ok: false; problems: AttributeProblems } {
  // Pairs, since assigning to a member called __proto__ would lose it.
  const attributes: [string, string][] = []
  const problems: [string, AttributeProblem][] = []
  for (const [name, value] of Object.entries(values)) {
    const checked = checkValue(userPool, name, value)
    if ('problem' in checked) problems.push([name, checked.problem])
    else attributes.push([name, checked.value])
  }
  return problems.length > 0
    ? { ok: false, problems: Object.fromEntries(problems) }
    : { ok: true, attributes: Object.fromEntries(attributes) }
}

/** Required attributes of the pool that `attributes` lacks. */
export function missingAttributes(userPool: UserPool, attributes: Readonly<Record<string, string>>): readonly string[] {
  return requiredAttributes(userPool).filter((name) => (attributes[name] ?? '') === '')
}

export const requiredAttributes = (userPool: UserPool): readonly string[] =>
  userPool.standardAttributes
    .filter((attribute) => attribute.required && attribute.name !== 'sub')
    .map(({ name }) => name)

/** Whether the pool's schema lets a value change once it is set (Cognito: Mutable). */
export const isMutable = (userPool: UserPool, name: string): boolean =>
  (userPool.standardAttributes.find((attribute) => attribute.name === name)?.mutable ?? true) &&
  (userPool.customAttributes.find((attribute) => `custom:${attribute.name}` === name)?.mutable ?? true)

type Checked = { value: string } | { problem: AttributeProblem }

function checkValue(userPool: UserPool, name: string, value: string): Checked {
  if (value.length > maximumValueLength) return { problem: 'tooLong' }
  if (hasControlCharacter(value) || !value.isWellFormed()) return { problem: 'invalid' }
  switch (name) {
    case 'email':
      return orProblem(parseEmailAddress(value), 'email')
    case 'phone_number':
      return orProblem(parsePhoneNumber(value), 'phone')
    case 'birthdate':
      return isCalendarDate(value) ? { value } : { problem: 'date' }
    case 'email_verified':
    case 'phone_number_verified':
      return value === 'true' || value === 'false' ? { value } : { problem: 'invalid' }
    case 'updated_at':
      return /^\d{1,12}$/.test(value) ? { value } : { problem: 'invalid' }
    default:
      break
  }
  if (name.startsWith('custom:')) {
    const attribute = userPool.customAttributes.find((candidate) => `custom:${candidate.name}` === name)
    return attribute === undefined ? { problem: 'invalid' } : checkCustom(attribute, value)
  }
  return (standardAttributeNames as readonly string[]).includes(name) ? { value } : { problem: 'invalid' }
}

const orProblem = (value: string | undefined, problem: AttributeProblem): Checked =>
  value === undefined ? { problem } : { value }

// Attributes reach mails, logs and other systems: a NUL, a line break or another control character has no place in them.
const hasControlCharacter = (value: string): boolean => /[\p{Cc}\u2028\u2029]/u.test(value)

function isCalendarDate(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const parsed = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(value)
}

function checkCustom(attribute: CustomAttribute, value: string): Checked {
  switch (attribute.type) {
    case 'String':
      if (value.length < (attribute.minLength ?? 0)) return { problem: 'invalid' }
      return value.length > (attribute.maxLength ?? maximumValueLength) ? { problem: 'tooLong' } : { value }
    case 'Number': {
      const number = Number(value)
      const inRange = number >= (attribute.minValue ?? -Infinity) && number <= (attribute.maxValue ?? Infinity)
      return /^-?\d+(\.\d+)?$/.test(value) && inRange ? { value } : { problem: 'invalid' }
    }
    case 'Boolean':
      return value === 'true' || value === 'false' ? { value } : { problem: 'invalid' }
    case 'DateTime':
      return isDateTime(value) ? { value } : { problem: 'date' }
  }
}

/** ISO 8601: a date, or a date and a time with or without its offset. `Date.parse` alone takes nearly anything. */
function isDateTime(value: string): boolean {
  const form = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/
  const [, date] = form.exec(value) ?? []
  return date !== undefined && isCalendarDate(date) && !Number.isNaN(Date.parse(value))
}
