import { describe, expect, test } from 'vitest'
import { canonicalName } from '../../src/domain/users/canonical-name.ts'
import { identifiersOf, lookupKey, readSignInName } from '../../src/domain/users/sign-in-name.ts'
import { poolWith } from './domain-fixture.ts'

const plain = poolWith()
const alias = poolWith({ AliasAttributes: ['email', 'phone_number', 'preferred_username'] })
const byEmail = poolWith({ UsernameAttributes: ['email'] })
const byPhone = poolWith({ UsernameAttributes: ['phone_number'] })
const byEither = poolWith({ UsernameAttributes: ['email', 'phone_number'] })

describe('one canonical form (threat row A8)', () => {
  test.each([
    ['case', 'Victim@Example.COM', 'victim@example.com'],
    ['blanks around', '  victim ', 'victim'],
    ['full-width letters', 'ｖｉｃｔｉｍ', 'victim'],
    ['a full-width at sign and dot', 'victim＠example．com', 'victim@example.com'],
    ['a ligature', 'oﬃce', 'office'],
    ['a Kelvin sign', '\u212Aate', 'kate'],
    ['a long s', 'ſam', 'sam'],
    ['a composed letter', 'rene\u0301', 'rené'],
    ['a final sigma', 'ΟΔΟΣ', 'οδοσ'],
    ['an invisible character', 'vic\u200Btim', 'victim'],
    ['a variation selector', 'victim\uFE0F', 'victim'],
    ['a soft hyphen', 'vic\u00ADtim', 'victim'],
    ['an IDN domain', 'a@MÜNCHEN.example', 'a@xn--mnchen-3ya.example'],
    ['an IDN domain in its ASCII form', 'a@XN--MNCHEN-3YA.example', 'a@xn--mnchen-3ya.example'],
    ['a trailing dot', 'victim@example.com.', 'victim@example.com'],
    ['a phone number with punctuation', '+49 (30) 901-820', '+4930901820'],
    ['a phone number in parentheses', '(+49) 30 901820', '+4930901820'],
    ['a full-width phone number', '＋４９３０９０１８２０', '+4930901820'],
  ])('folds %s', (_, typed, key) => expect(canonicalName(typed, false)).toBe(key))

  test.each([
    ['a plus sign', 'victim+tag@example.com', 'victim@example.com'],
    ['a dot in the local part', 'v.ictim@example.com', 'victim@example.com'],
    ['a dotless i', 'vıctim', 'victim'],
    ['a dotted capital I', 'VİCTIM', 'victim'],
    ['a Cyrillic letter', 'viсtim', 'victim'],
    ['a NUL', 'victim\0', 'victim'],
    ['a number without a plus sign', '4930901820', '+4930901820'],
  ])('keeps %s apart', (_, one, other) => expect(canonicalName(one, false)).not.toBe(canonicalName(other, false)))

  test('tells cases apart where the pool does, but never in a domain', () => {
    expect(canonicalName('Victim@Example.COM', true)).toBe('Victim@example.com')
    expect(canonicalName('VICTIM', true)).toBe('VICTIM')
  })

  test('is its own canonical form, for every character', () => {
    for (let point = 0; point < 0x20000; point++) {
      if (point >= 0xd800 && point < 0xe000) continue
      const character = String.fromCodePoint(point)
      for (const name of [`a${character}b`, `a@${character}.example`]) {
        const key = canonicalName(name, false)
        if (canonicalName(key, false) !== key) expect.fail(`${JSON.stringify(name)} → ${JSON.stringify(key)}`)
      }
    }
  })

  test.each(['a', '@', '+1 ', '\u0301', 'ﷺ', '.'])('is made of any number of %j', (part) => {
    expect(canonicalName(part.repeat(200_000), false)).not.toBe('')
  })
})

describe('a name to sign up with', () => {
  test.each([
    [plain, 'ana', { kind: 'username', username: 'ana' }],
    [plain, ' ana ', { kind: 'username', username: 'ana' }],
    [plain, 'ana@example.org', { kind: 'username', username: 'ana@example.org' }],
    [plain, '李小龍', { kind: 'username', username: '李小龍' }],
    [plain, 'x'.repeat(128), { kind: 'username', username: 'x'.repeat(128) }],
    [plain, 'x'.repeat(129), { kind: 'invalid', problem: 'invalid' }],
    [plain, '', { kind: 'invalid', problem: 'invalid' }],
    [plain, 'a b', { kind: 'invalid', problem: 'invalid' }],
    [plain, 'a\0b', { kind: 'invalid', problem: 'invalid' }],
    [plain, 'a\u200Db', { kind: 'invalid', problem: 'invalid' }],
    [plain, '\u3164', { kind: 'invalid', problem: 'invalid' }],
    [plain, '\ud800', { kind: 'invalid', problem: 'invalid' }],
    [alias, 'ana', { kind: 'username', username: 'ana' }],
    [alias, 'ana@example.org', { kind: 'invalid', problem: 'looksLikeEmail' }],
    [alias, 'ana＠example.org', { kind: 'invalid', problem: 'looksLikeEmail' }],
    [alias, 'ana﹫example.org', { kind: 'invalid', problem: 'looksLikeEmail' }],
    [alias, '+4930901820', { kind: 'invalid', problem: 'looksLikePhone' }],
    [alias, '(+49)30-901820', { kind: 'invalid', problem: 'looksLikePhone' }],
    [alias, '＋４９３０９０１８２０', { kind: 'invalid', problem: 'looksLikePhone' }],
    [byEmail, 'Ana@Example.org', { kind: 'email', address: 'Ana@Example.org' }],
    [byEmail, 'ana', { kind: 'invalid', problem: 'email' }],
    [byEmail, '+4930901820', { kind: 'invalid', problem: 'email' }],
    [byPhone, '+49 30 901820', { kind: 'phone_number', address: '+4930901820' }],
    [byPhone, 'ana@example.org', { kind: 'invalid', problem: 'phone' }],
    [byEither, 'ana@example.org', { kind: 'email', address: 'ana@example.org' }],
    [byEither, '+4930901820', { kind: 'phone_number', address: '+4930901820' }],
    [byEither, 'ana', { kind: 'invalid', problem: 'emailOrPhone' }],
  ])('%#: is understood by the pool’s rules', (userPool, typed, name) => {
    expect(readSignInName(userPool, typed)).toEqual(name)
  })

  test('leads to the same account however it is typed later', () => {
    for (const typed of ['ANA@EXAMPLE.ORG', 'ana@example.org.', 'ａna@example.org']) {
      expect(lookupKey(byEmail, typed)).toBe(lookupKey(byEmail, 'ana@example.org'))
    }
  })
})

describe('the sign-in names of a user', () => {
  const username = 'Ana'
  const attributes = { email: 'Ana@Example.org', phone_number: '+4930901820', preferred_username: 'Anita' }
  const keys = (...[userPool, user]: Parameters<typeof identifiersOf>) =>
    identifiersOf(userPool, user).map(({ kind, key }) => `${kind} ${key}`)

  test('without aliases: the user name', () => {
    expect(keys(plain, { username, attributes, confirmed: true })).toEqual(['username ana'])
  })

  test('aliases: none before it is verified, preferred_username from confirmation on', () => {
    expect(keys(alias, { username, attributes, confirmed: false })).toEqual(['username ana'])
    const verified = { ...attributes, email_verified: 'true', phone_number_verified: 'false' }
    expect(keys(alias, { username, attributes: verified, confirmed: true })).toEqual([
      'username ana',
      'email ana@example.org',
      'preferred_username anita',
    ])
  })

  test('a preferred_username that looks like an address is none', () => {
    for (const preferred of ['victim@example.org', 'victim＠example.org', '+15555550100']) {
      const user = { username, attributes: { preferred_username: preferred }, confirmed: true }
      expect(keys(alias, user)).toEqual(['username ana'])
    }
  })

  test('addresses: the one that was typed, even before it is verified; another one once it is (threat row A1)', () => {
    const user = { username: 'a-sub', attributes, confirmed: false, typed: 'phone_number' } as const
    expect(keys(byEither, user)).toEqual(['username a-sub', 'phone_number +4930901820'])
    const verified = { ...user, attributes: { ...attributes, email_verified: 'true' } }
    expect(keys(byEither, verified)).toContain('email ana@example.org')
  })
})
