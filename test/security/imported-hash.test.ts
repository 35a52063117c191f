import { describe, expect, test } from 'vitest'
import { firebaseHash, storedHash } from '../../src/domain/user-import/imported-password.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { parseImportedHash, workLike } from '../../src/security/imported-hash.ts'
import { createPasswordHasher } from '../../src/security/password-hash.ts'

/*
 * Known answers: RFC 7914 (scrypt, PBKDF2-HMAC-SHA-256), RFC 6070 (PBKDF2-HMAC-SHA-1), OpenBSD's and the reference
 * implementations' own vectors (bcrypt, argon2), and the example that Firebase publishes with its scrypt.
 */

const firebase = {
  signerKey: Buffer.from(
    'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
    'base64',
  ),
  saltSeparator: Buffer.from('Bw==', 'base64'),
  rounds: 8,
  memoryCost: 14,
}

const hex = (text: string) => text.replaceAll(/\s/g, '')
const base64 = (text: string) => Buffer.from(text, 'hex').toString('base64').replaceAll('=', '')

/** From RFC 7914 §12: N = 1024, r = 8, p = 16 is beyond what is taken; these are the first and the last. */
const scryptShort = hex(`77d6576238657b203b19ca42c18a0497 f16b4844e3074ae8dfdffa3fede21442
  fcd0069ded0948f8326a753a0fc81f17 e8d3e0fb2e0d3628cf35e20c38d18906`)
const scryptLong = hex(`7023bdcb3afd7348461c06cd81fd38eb fda8fbba904f8e3ea9b543f6545da1f2
  d5432955613f0fcf62d49705242a9af9 e61e85dc0d651e40dfcf017b45575887`)
/** RFC 7914 §11: c = 1, dkLen = 64. */
const pbkdf2 = hex(`55ac046e56e3089fec1691c22544b605 f94185216dde0465e68b9d57c20dacbc
  49ca9cccf179b645991664b39d77ef31 7c71b845b1e30bd509112041d3a19783`)

const vectors: readonly [kind: string, password: string, text: string][] = [
  ['bcrypt $2a$', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  [
    'bcrypt $2a$ of 72 bytes',
    '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
    '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui',
  ],
  ['bcrypt of Django', 'U*U', 'bcrypt$$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['argon2id', 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
  ['argon2i', 'password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'],
  [
    'argon2 of Django',
    'password',
    'argon2$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
  ['scrypt of Cognito', 'pleaseletmein', `16384$8$1$${Buffer.from('SodiumChloride').toString('hex')}$${scryptLong}`],
  [
    'scrypt of passlib',
    'pleaseletmein',
    `$scrypt$ln=14,r=8,p=1$${base64(Buffer.from('SodiumChloride').toString('hex'))}$${base64(scryptLong)}`,
  ],
  ['scrypt of Werkzeug', 'pleaseletmein', `scrypt:16384:8:1$SodiumChloride$${scryptLong}`],
  ['PBKDF2 of Cognito', 'passwd', `$pbkdf2-sha256$1$${base64(Buffer.from('salt').toString('hex'))}$${base64(pbkdf2)}`],
  ['PBKDF2 of Django', 'passwd', `pbkdf2_sha256$1$salt$${Buffer.from(pbkdf2, 'hex').toString('base64')}`],
  ['PBKDF2 of Werkzeug', 'passwd', `pbkdf2:sha256:1$salt$${pbkdf2}`],
  [
    'PBKDF2 with SHA-1',
    'password',
    `$pbkdf2$4096$${base64(Buffer.from('salt').toString('hex'))}$${base64('4b007901b765489abead49d926f721d065a429c1')}`,
  ],
]

describe('a hash of another place', () => {
  test.each(vectors)('%s', async (_kind, password, text) => {
    const stored = storedHash(text)
    expect(stored).toMatch(/^\$/)
    const hash = parseImportedHash(stored ?? '')
    expect(await hash?.matches(password)).toBe(true)
    expect(await hash?.matches(`${password}x`)).toBe(password.length === 72)
    expect(await hash?.matches('')).toBe(false)
    // The same work is there to be done for whoever has no such hash.
    await workLike(hash?.form ?? '', password)
    // Stored as it was read, it is read again.
    expect(storedHash(stored ?? '')).toBe(stored)
  })

  test('scrypt of an empty password and salt', async () => {
    const stored = storedHash(`16$1$1$$${scryptShort}`)
    expect(await parseImportedHash(stored ?? '')?.matches('')).toBe(true)
  })

  test('Firebase’s, of which the signer key is not stored', async () => {
    const stored = firebaseHash(
      firebase,
      '42xEC+ixf3L2lw==',
      'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
    )
    expect(stored).toMatch(/^\$firebase-scrypt\$ln=14,r=8\$/)
    expect(stored).not.toContain('jxspr8Ki0RYycVU8')
    const hash = parseImportedHash(stored ?? '')
    expect(await hash?.matches('user1password')).toBe(true)
    expect(await hash?.matches('user2password')).toBe(false)
    await workLike(hash?.form ?? '', 'user1password')
    expect(firebaseHash({ ...firebase, signerKey: Buffer.alloc(16) }, '', 'AAAA')).toBeUndefined()
  })

  test.each([
    ['MD5', '$1$abcdefgh$G//4keteveJp0qb8z2DxG/'],
    ['a plain text', 'password'],
    ['bcrypt of an hour', '$2b$20$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    [
      'argon2 with a gigabyte',
      '$argon2id$v=19$m=1048576,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    ['argon2 without memory', '$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
    ['argon2 without passes', '$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
    ['scrypt with a gigabyte', `1048576$8$1$00$${scryptLong}`],
    ['scrypt whose N is no power of two', `16383$8$1$00$${scryptLong}`],
    ['scrypt without r', `16384$0$1$00$${scryptLong}`],
    ['scrypt in a hundred lanes', `16384$8$100$00$${scryptLong}`],
    ['PBKDF2 of a billion rounds', `pbkdf2_sha256$1000000000$salt$${Buffer.from(pbkdf2, 'hex').toString('base64')}`],
    ['PBKDF2 without rounds', `pbkdf2_sha256$0$salt$${Buffer.from(pbkdf2, 'hex').toString('base64')}`],
    ['PBKDF2 with MD5', `pbkdf2:md5:1$salt$${pbkdf2}`],
    ['one that is cut off', `16384$8$1$00$${scryptLong.slice(0, 16)}`],
    ['none', ''],
  ])('%s is not taken', (_what, text) => {
    expect(storedHash(text)).toBeUndefined()
  })
})

describe('the hasher', () => {
  const bcrypt = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

  test('tells an imported hash from one of ours, and from one of another cost', async () => {
    const hasher = await createPasswordHasher({ random: systemRandom, cost: { memoryKiB: 1024, passes: 2 } })
    const other = await createPasswordHasher({ random: systemRandom, cost: { memoryKiB: 2048, passes: 2 } })
    const [own, costly] = [await hasher.hash('U*U'), await other.hash('U*U')]
    expect(await hasher.verifyEither('U*U', own, undefined)).toEqual({ account: true, decoy: false })
    expect(await hasher.verifyEither('U*U', bcrypt, undefined)).toEqual({ account: 'imported', decoy: false })
    expect(await hasher.verifyEither('U*U', costly, undefined)).toEqual({ account: 'imported', decoy: false })
    expect(await hasher.verifyEither('U*V', bcrypt, own, ['$2a$05'])).toEqual({ account: false, decoy: false })
    expect(hasher.importedForm(own)).toBeUndefined()
    expect(hasher.importedForm(bcrypt)).toBe('$2a$05')
    expect(hasher.importedForm(costly)).toBe('$argon2id$v=19$m=2048,t=2,p=1')
    // A decoy beside an imported hash is told by its own.
    expect(await hasher.verifyEither('U*U', bcrypt, own)).toEqual({ account: 'imported', decoy: true })
    expect(hasher.sharesSalt(bcrypt, own)).toBe(true)
  })
})
