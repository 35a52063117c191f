import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'

const box = createSealedBox('Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga', systemRandom)
const other = createSealedBox('Aa8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Gb', systemRandom)

/** The sealed text with its bytes changed. */
function altered(sealed: string, change: (bytes: Buffer) => Buffer): string {
  const [version, key, body] = sealed.split('.')
  return [version, key, change(Buffer.from(body ?? '', 'base64url')).toString('base64url')].join('.')
}

describe('a sealed text', () => {
  test.each(['', 'text', 'NUL\0and ünïcode 🔑', 'x'.repeat(100_000)])('opens again: %#', (text) => {
    expect(box.open(box.seal(text, 'purpose'), 'purpose')).toBe(text)
  })

  test('tells nothing of what is in it, and is never the same twice', () => {
    const sealed = box.seal('correct horse', 'purpose')
    expect(sealed).toMatch(/^v1\.[\da-f]{8}\.[\w-]+$/)
    expect(Buffer.from(sealed.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('horse')
    expect(box.seal('correct horse', 'purpose')).not.toBe(sealed)
  })

  test('opens after a restart', () => {
    const again = createSealedBox('Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga', systemRandom)
    expect(again.open(box.seal('text', 'purpose'), 'purpose')).toBe('text')
  })

  test('opens for no other purpose', () => {
    const sealed = box.seal('text', 'client secret')
    for (const purpose of ['signing key', 'client secre', 'client secret ', '']) {
      expect(() => box.open(sealed, purpose)).toThrow()
    }
  })

  test('under another secret says so', () => {
    expect(() => other.open(box.seal('text', 'purpose'), 'purpose')).toThrow(/LATCHKEY_SECRET is not the one/)
    // Nor does it help to claim the other key.
    const [, key] = other.seal('', 'purpose').split('.')
    const claimed = box
      .seal('text', 'purpose')
      .split('.')
      .with(1, key ?? '')
      .join('.')
    expect(() => other.open(claimed, 'purpose')).toThrow()
  })

  test('is refused when any bit of it was turned', () => {
    const sealed = box.seal('text', 'purpose')
    const length = Buffer.from(sealed.split('.')[2] ?? '', 'base64url').length
    for (let bit = 0; bit < length * 8; bit++) {
      const turned = altered(sealed, (bytes) => {
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        return bytes
      })
      expect(() => box.open(turned, 'purpose'), `bit ${bit}`).toThrow()
    }
  })

  test('is refused when it was cut short anywhere, or added to (threat row C8)', () => {
    for (const text of ['', 'text']) {
      const sealed = box.seal(text, 'purpose')
      const length = Buffer.from(sealed.split('.')[2] ?? '', 'base64url').length
      for (let kept = 0; kept < length; kept++) {
        expect(() =>
          box.open(
            altered(sealed, (bytes) => bytes.subarray(0, kept)),
            'purpose',
          ),
        ).toThrow()
      }
      expect(() =>
        box.open(
          altered(sealed, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
          'purpose',
        ),
      ).toThrow()
      for (const added of ['.', '.x', '=', '!', ' ']) expect(() => box.open(sealed + added, 'purpose')).toThrow()
      expect(() => box.open(sealed.replace(/(.)$/, ' $1'), 'purpose')).toThrow()
    }
  })

  test.each(['', 'v1', 'v1.', 'v1..', 'v2.00000000.AAAA', 'text', '...', 'v1.00000000.'])('%j is none', (text) => {
    expect(() => box.open(text, 'purpose')).toThrow()
  })
})

describe('a keyed digest', () => {
  test('depends on text, purpose and secret', () => {
    const digest = box.digest('text', 'purpose')
    expect(digest).toMatch(/^[\w-]{43}$/)
    expect(box.digest('text', 'purpose')).toBe(digest)
    const others = [box.digest('texts', 'purpose'), box.digest('text', 'other'), other.digest('text', 'purpose')]
    expect(new Set([digest, ...others]).size).toBe(4)
  })
})
