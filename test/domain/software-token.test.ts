import { Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { newSoftwareTokenSecret, softwareTokenUri, timeStepOf } from '../../src/domain/mfa/software-token.ts'

/* Authenticator apps: against the vectors of RFC 6238 and an implementation that is not ours. */

/** Appendix B's seed for SHA-1, in Base32. */
const seed = Secret.fromUTF8('12345678901234567890').base32
const at = (seconds: number) => new Date(seconds * 1000)

// Appendix B, with the last six of its eight digits.
test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('RFC 6238, Appendix B: at %i it is %s', (seconds, code) => {
  expect(timeStepOf(seed, code, at(seconds))).toBe(Math.floor(seconds / 30))
})

describe('a code of another implementation', () => {
  const secret = newSoftwareTokenSecret()
  const app = new TOTP({ secret: Secret.fromBase32(secret) })
  const now = 1_772_366_415 // 15 seconds into its step
  const codeAt = (seconds: number) => app.generate({ timestamp: seconds * 1000 })

  test.each([
    [-60, undefined],
    [-30, -1],
    [0, 0],
    [30, 1],
    [60, undefined],
  ])('of %i seconds from now counts as step %s', (seconds, step) => {
    const expected = step === undefined ? undefined : Math.floor(now / 30) + step
    expect(timeStepOf(secret, codeAt(now + seconds), at(now))).toBe(expected)
  })

  test('may have blanks, and nothing else', () => {
    const code = codeAt(now)
    expect(timeStepOf(secret, ` ${code.slice(0, 3)} ${code.slice(3)}`, at(now))).toBe(Math.floor(now / 30))
    for (const wrong of ['', code.slice(1), `${code}0`, `x${code}`, code.replace(/^./, '٣'), `${code}\0`]) {
      expect(timeStepOf(secret, wrong, at(now))).toBeUndefined()
    }
  })

  test('has a secret of 160 bits', () => {
    expect(Secret.fromBase32(secret).bytes).toHaveLength(20)
    expect(newSoftwareTokenSecret()).not.toBe(secret)
  })
})

test('the address of a QR code is read by another implementation as it was meant, whatever the names hold', () => {
  const secret = newSoftwareTokenSecret()
  const uri = softwareTokenUri(secret, { issuer: 'Ada & Söhne: Läden?', account: 'ada+1:x@example.com' })
  expect(uri).toMatch(/^otpauth:\/\/totp\/[^\s"'<>]+$/)
  const url = new URL(uri)
  expect(url.searchParams.get('secret')).toBe(secret)
  expect(url.searchParams.get('issuer')).toBe('Ada & Söhne  Läden?')
  expect(decodeURIComponent(url.pathname)).toMatch(/ada\+1 x@example\.com$/)
})
