import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/platform/random.ts'
import { csrfMatches, csrfToken } from '../../src/security/csrf.ts'
import { cookieName } from '../../src/security/cookies.ts'
import type { CookieKind } from '../../src/security/cookies.ts'
import { constantTimeEqual, sha256 } from '../../src/security/digest.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'

test('SHA-256 is FIPS 180’s, as base64url', () => {
  expect(sha256('abc')).toBe(
    Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex').toString('base64url'),
  )
  expect(sha256('')).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
})

describe('comparing without telling by time', () => {
  test.each([
    ['', '', true],
    ['abc', 'abc', true],
    ['ünï🔑', 'ünï🔑', true],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['abc', 'abcd', false],
    ['abc', 'ABC', false],
    ['', '\0', false],
    ['a\0b', 'a\0c', false],
    ['é', 'e\u0301', false],
  ])('%j and %j: %s', (left, right, equal) => {
    expect(constantTimeEqual(left, right)).toBe(equal)
    expect(constantTimeEqual(right, left)).toBe(equal)
  })
})

describe('a form’s token', () => {
  const box = createSealedBox('Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga', systemRandom)
  const token = csrfToken(box, 'browser', 'flow')

  test('is good for its browser and flow', () => {
    expect(csrfMatches(box, 'browser', 'flow', token)).toBe(true)
  })

  test.each([
    ['another browser', 'other', 'flow', token],
    ['another flow', 'browser', 'other', token],
    ['nothing', 'browser', 'flow', ''],
    ['a part of it', 'browser', 'flow', token.slice(0, -1)],
    ['more than it', 'browser', 'flow', `${token}x`],
    ['the handle itself', 'browser', 'flow', 'browser'],
  ])('is not good for %s', (_, browser, flow, given) => {
    expect(csrfMatches(box, browser, flow, given)).toBe(false)
  })
})

describe('cookie names', () => {
  const kinds: CookieKind[] = ['session', 'browser', 'known', 'interaction', 'resume']

  test('carry the prefix that browsers enforce on https (threat row B16)', () => {
    expect(kinds.map((kind) => cookieName(kind, 'eu-west-1_Ab12', true))).toEqual([
      '__Host-lk_session_eu-west-1_Ab12',
      '__Host-lk_browser_eu-west-1_Ab12',
      '__Host-lk_known_eu-west-1_Ab12',
      '__Host-lk_interaction_eu-west-1_Ab12',
      '__Secure-lk_resume_eu-west-1_Ab12',
    ])
    expect(cookieName('session', 'eu-west-1_Ab12', false)).toBe('lk_session_eu-west-1_Ab12')
  })

  test('are a pool’s own, and tokens of RFC 6265', () => {
    const pools = ['eu-west-1_Ab12', 'us-east-1_Ab12', 'eu-west-1_ab12', 'eu_west_Ab12', 'eu-west-1_Ab1']
    const names = pools.flatMap((id) =>
      kinds.flatMap((kind) => [cookieName(kind, id, true), cookieName(kind, id, false)]),
    )
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[\w-]+$/)
  })
})
