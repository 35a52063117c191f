import { describe, expect, test } from 'vitest'
import { resourceServerOf, resourceServerSchema } from '../../src/domain/app-clients/resource-server-settings.ts'

const check = (change: object) => resourceServerSchema.safeParse({ Identifier: 'api', Name: 'API', ...change })
const scopes = (...names: string[]) => ({ Scopes: names.map((ScopeName) => ({ ScopeName })) })

/** Every printable character but blank, quote and backslash (RFC 6749 §3.3: what a scope may hold). */
const everySign = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index))
  .filter((sign) => sign !== '"' && sign !== '\\')
  .join('')

describe('an identifier', () => {
  test.each([
    'api',
    'https://api.example.com',
    'https://api.example.com/v1/',
    'urn:example:api',
    'openid',
    everySign,
    'x'.repeat(256),
  ])('may be %j', (Identifier) => expect(check({ Identifier }).success).toBe(true))

  test.each([
    '',
    ' ',
    'a b',
    'a"b',
    'a\\b',
    'a\tb',
    'a\u0000b',
    'ä',
    'a\u00a0b',
    '\u{1f511}',
    'x'.repeat(257),
    7,
    null,
  ])('may not be %j', (Identifier) => expect(check({ Identifier }).success).toBe(false))
})

describe('a scope', () => {
  test.each(['read', 'orders.read', 'orders:read', 'openid', everySign.replace('/', ''), 'x'.repeat(256)])(
    'may be named %j',
    (name) => expect(check(scopes(name)).success).toBe(true),
  )

  test.each(['', 'a/b', '/', 'a b', 'a"b', 'a\\b', 'lesén', 'a\nb', 'x'.repeat(257)])('may not be named %j', (name) =>
    expect(check(scopes(name)).success).toBe(false),
  )

  test('has a name of its own', () => {
    expect(check(scopes('read', 'Read', 'read')).error?.issues).toMatchObject([
      { path: ['Scopes', 2, 'ScopeName'], message: 'stands twice: give each its own' },
    ])
  })

  test('is described in 256 characters at most', () => {
    const described = (length: number) => ({ Scopes: [{ ScopeName: 'read', ScopeDescription: 'x'.repeat(length) }] })
    expect(check(described(256)).success).toBe(true)
    expect(check(described(257)).success).toBe(false)
  })
})

test('there are a hundred scopes at most, and none is fine', () => {
  const some = (count: number) => scopes(...Array.from({ length: count }, (_, index) => `s${index}`))
  expect(check(some(100)).success).toBe(true)
  expect(check(some(101)).success).toBe(false)
  expect(check({}).success).toBe(true)
})

test('a misspelt member is told', () => {
  expect(check({ Scope: [] }).success).toBe(false)
  expect(check({ Name: '' }).success).toBe(false)
})

test('members become what the domain works with', () => {
  const parsed = check({ Scopes: [{ ScopeName: 'read', ScopeDescription: 'Read' }, { ScopeName: 'write' }] })
  expect(parsed.data && resourceServerOf(parsed.data)).toEqual({
    identifier: 'api',
    name: 'API',
    scopes: [
      { name: 'read', description: 'Read' },
      { name: 'write', description: '' },
    ],
  })
})
