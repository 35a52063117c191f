import { describe, expect, test } from 'vitest'
import { standardAttributeNames } from '../../src/domain/users/attribute-schema.ts'
import {
  isSelfWritable,
  missingAttributes,
  requiredAttributes,
  validateAttributes,
} from '../../src/domain/users/validate-attributes.ts'
import { poolWith } from './domain-fixture.ts'

const userPool = poolWith({
  Schema: [
    { Name: 'email', Required: true },
    { Name: 'given_name', Required: true },
    { Name: 'sub', Required: true },
    { Name: 'tier', StringAttributeConstraints: { MinLength: '2', MaxLength: '4' } },
    { Name: 'custom:level', AttributeDataType: 'Number', NumberAttributeConstraints: { MinValue: -1, MaxValue: '10' } },
    { Name: 'staff', AttributeDataType: 'Boolean' },
    { Name: 'joined', AttributeDataType: 'DateTime' },
    { Name: 'note' },
    { Name: 'identities', StringAttributeConstraints: {} },
  ],
})

const check = (name: string, value: string) => {
  const checked = validateAttributes(userPool, { [name]: value })
  return checked.ok ? checked.attributes[name] : checked.problems[name]
}

describe('attribute values', () => {
  test.each([
    ['email', ' Ana@Example.ORG ', 'Ana@Example.ORG'],
    ['email', 'ana@münchen.example', 'ana@xn--mnchen-3ya.example'],
    ['phone_number', '+49 (30) 90-18.20', '+4930901820'],
    ['birthdate', '2000-02-29', '2000-02-29'],
    ['birthdate', '0000-12-31', '0000-12-31'],
    ['email_verified', 'true', 'true'],
    ['phone_number_verified', 'false', 'false'],
    ['updated_at', '1767225600', '1767225600'],
    ['name', 'Ana ‒ Ñandú 李', 'Ana ‒ Ñandú 李'],
    ['zoneinfo', 'Europe/Berlin', 'Europe/Berlin'],
    ['nickname', 'x'.repeat(2048), 'x'.repeat(2048)],
    ['custom:tier', 'gold', 'gold'],
    ['custom:level', '-1', '-1'],
    ['custom:level', '9.5', '9.5'],
    ['custom:staff', 'false', 'false'],
    ['custom:joined', '2026-01-31', '2026-01-31'],
    ['custom:joined', '2026-01-31T23:59:59.123Z', '2026-01-31T23:59:59.123Z'],
    ['custom:joined', '2026-01-31T23:59+01:00', '2026-01-31T23:59+01:00'],
  ])('%s takes %j', (name, value, stored) => expect(check(name, value)).toBe(stored))

  test.each([
    ['email', 'ana', 'email'],
    ['email', '"e@attacker.example"@victim.example', 'email'],
    ['email', '', 'email'],
    ['phone_number', '030 901820', 'phone'],
    ['birthdate', '1999-02-29', 'date'],
    ['birthdate', '2000-13-01', 'date'],
    ['birthdate', '2000-1-1', 'date'],
    ['birthdate', '01/02/2000', 'date'],
    ['birthdate', '+02000-01-01', 'date'],
    ['email_verified', 'yes', 'invalid'],
    ['email_verified', 'TRUE', 'invalid'],
    ['phone_number_verified', '1', 'invalid'],
    ['updated_at', '2026-01-01', 'invalid'],
    ['updated_at', '-1', 'invalid'],
    ['nickname', 'x'.repeat(2049), 'tooLong'],
    ['custom:tier', 'a', 'invalid'],
    ['custom:tier', 'platinum', 'tooLong'],
    ['custom:note', 'x'.repeat(2049), 'tooLong'],
    ['custom:level', '-1.5', 'invalid'],
    ['custom:level', '11', 'invalid'],
    ['custom:level', '1e1', 'invalid'],
    ['custom:level', '0x1', 'invalid'],
    ['custom:level', '', 'invalid'],
    ['custom:level', 'Infinity', 'invalid'],
    ['custom:staff', 'maybe', 'invalid'],
    ['custom:joined', 'soon', 'date'],
    ['custom:joined', 'hello 12', 'date'],
    ['custom:joined', '2026-02-30', 'date'],
    ['custom:joined', '2026-02-28T24:61', 'date'],
    ['custom:unknown', 'x', 'invalid'],
    ['custom:identities', 'x', 'invalid'],
    ['tier', 'gold', 'invalid'],
    ['sub', 'x', 'invalid'],
    ['identities', '[]', 'invalid'],
    ['dev:custom:tier', 'gold', 'invalid'],
    ['isAdmin', 'true', 'invalid'],
    ['constructor', 'x', 'invalid'],
    ['__proto__', 'x', 'invalid'],
  ])('%s refuses %j', (name, value, problem) => expect(check(name, value)).toBe(problem))

  test.each([...standardAttributeNames, 'custom:note'])('%s holds no control characters', (name) => {
    for (const character of ['\0', '\n', '\r', '\t', '\u0085', '\u2028', '\x7f', '\ud800']) {
      expect(validateAttributes(userPool, { [name]: `1${character}` }).ok, JSON.stringify(character)).toBe(false)
    }
  })

  test('are checked all at once, and nothing is stored unless all are right', () => {
    expect(validateAttributes(userPool, { email: 'x', birthdate: 'y', name: 'Ana' })).toEqual({
      ok: false,
      problems: { email: 'email', birthdate: 'date' },
    })
  })

  test('cannot pollute a prototype', () => {
    const hostile = JSON.parse('{"__proto__":"x","name":"Ana"}') as Record<string, string>
    const checked = validateAttributes(userPool, hostile)
    expect(checked.ok).toBe(false)
    expect(checked.ok || Object.keys(checked.problems)).toEqual(['__proto__'])
  })
})

describe('required attributes', () => {
  test('are those of the schema; sub is not asked for', () => {
    expect(requiredAttributes(userPool)).toEqual(['email', 'given_name'])
  })

  test('are missing when absent or empty', () => {
    expect(missingAttributes(userPool, { email: 'a@example.org', given_name: '' })).toEqual(['given_name'])
    expect(missingAttributes(userPool, { email: 'a@example.org', given_name: 'Ana' })).toEqual([])
  })
})

describe('self-service (threat row A6)', () => {
  test.each(['sub', 'email_verified', 'phone_number_verified', 'updated_at', 'identities', 'dev:custom:x', 'dev:x'])(
    'never writes %s',
    (name) => expect(isSelfWritable(name)).toBe(false),
  )

  test.each(['email', 'name', 'custom:tier', 'preferred_username'])('may write %s', (name) =>
    expect(isSelfWritable(name)).toBe(true),
  )
})
