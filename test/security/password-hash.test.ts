import * as native from '@node-rs/argon2'
import argon2 from 'argon2'
import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/platform/random.ts'
import { OverloadedError } from '../../src/security/overloaded-error.ts'
import { createPasswordHasher, defaultHashCost } from '../../src/security/password-hash.ts'

/* The work itself is tested at the least cost that the libraries take; OWASP's floor in one test. */
const cheap = { memoryKiB: 64, passes: 1 }
const hasher = await createPasswordHasher({ random: systemRandom, cost: cheap })

/** Of the reference implementation (P-H-C/phc-winner-argon2, src/test.c): argon2id, version 0x13, one lane. */
const knownAnswers = [
  ['password', 'somesalt', 65_536, 2, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  ['password', 'somesalt', 256, 2, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
  ['password', 'somesalt', 65_536, 1, 'f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98'],
  ['differentpassword', 'somesalt', 65_536, 2, '0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde'],
  ['password', 'diffsalt', 65_536, 2, 'bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c'],
] as const

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
const phcOf = ([, salt, memory, passes, hash]: (typeof knownAnswers)[number]): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=1$${base64(Buffer.from(salt))}$${base64(Buffer.from(hash, 'hex'))}`

describe('argon2id', () => {
  test.each(knownAnswers.map((answer) => [answer[0], answer[2], answer[3], answer] as const))(
    'known answer: %s, %i KiB, %i passes, from both libraries',
    async (password, memoryCost, timeCost, answer) => {
      const phc = phcOf(answer)
      const salt = Buffer.from(answer[1])
      const common = { memoryCost, timeCost, parallelism: 1 }
      // The reference's own order of parameters; `argon2` writes them in another.
      const ours = await argon2.hash(password, { ...common, type: argon2.argon2id, salt, hashLength: 32 })
      expect(ours.replace(/p=1,(t=\d)/, '$1,p=1')).toBe(phc)
      expect(await native.hash(password, { ...common, algorithm: 2, salt })).toBe(phc)
      expect(await argon2.verify(phc, password)).toBe(true)
      expect(await native.verify(phc, password)).toBe(true)
      expect(await hasher.verify(password, phc)).toBe(true)
      expect(await hasher.verify(`${password}x`, phc)).toBe(false)
    },
  )

  test.each(['Analytical-1843', 'ünï🔑', 'a\0b', ' ', 'x'.repeat(256)])(
    'what one library hashes the other verifies: %j',
    async (password) => {
      const cost = { memoryCost: 256, timeCost: 1, parallelism: 1 }
      const ours = await argon2.hash(password, { ...cost, type: argon2.argon2id })
      const theirs = await native.hash(password, { ...cost, algorithm: 2 })
      expect(await native.verify(ours, password)).toBe(true)
      expect(await argon2.verify(theirs, password)).toBe(true)
      for (const phc of [ours, theirs]) expect(await hasher.verify(`${password}x`, phc)).toBe(false)
    },
  )
})

describe('the password hasher', () => {
  test('takes OWASP’s floor unless told otherwise, with a salt of its own', async () => {
    expect(defaultHashCost).toEqual({ memoryKiB: 19_456, passes: 2 })
    const strong = await createPasswordHasher({ random: systemRandom })
    const [one, two] = await Promise.all([strong.hash('Analytical-1843'), strong.hash('Analytical-1843')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(two).not.toBe(one)
    expect(await strong.verify('Analytical-1843', one)).toBe(true)
    expect(await strong.verify('analytical-1843', one)).toBe(false)
  })

  test('reads every character: no 72-byte limit, no end at a NUL (threat row B20)', async () => {
    const long = await hasher.hash(`${'x'.repeat(255)}a`)
    expect(await hasher.verify(`${'x'.repeat(255)}b`, long)).toBe(false)
    expect(await hasher.verify('x'.repeat(255), long)).toBe(false)
    const withNul = await hasher.hash('abc\0def')
    expect(await hasher.verify('abc', withNul)).toBe(false)
    expect(await hasher.verify('abc\0def', withNul)).toBe(true)
  })

  test('refuses more than 256 characters', async () => {
    expect(await hasher.verify('x'.repeat(1_000_000), undefined)).toBe(false)
    expect(await hasher.verify('x'.repeat(257), await hasher.hash('x'.repeat(256)))).toBe(false)
    await expect(hasher.hash('x'.repeat(257))).rejects.toThrow(RangeError)
  })

  test('says no for nobody', async () => {
    expect(await hasher.verify('Wrong-1852', undefined)).toBe(false)
    expect(await hasher.verify('', undefined)).toBe(false)
  })
})

describe('an account’s hash and a decoy’s (decision 17)', () => {
  const [account, typed, none] = ['Analytical-1843', 'Decoy-1852', 'Wrong-1853']

  test('share a salt, and one look tells of both', async () => {
    const phc = await hasher.hash(account)
    const decoy = await hasher.hash(typed, phc)
    expect(decoy.split('$').slice(0, -1)).toEqual(phc.split('$').slice(0, -1))
    expect(decoy).not.toBe(phc)
    expect(await hasher.verify(typed, decoy)).toBe(true)
    expect(hasher.sharesSalt(phc, decoy)).toBe(true)
    expect(await hasher.verifyEither(account, phc, decoy)).toEqual({ account: true, decoy: false })
    expect(await hasher.verifyEither(typed, phc, decoy)).toEqual({ account: false, decoy: true })
    expect(await hasher.verifyEither(none, phc, decoy)).toEqual({ account: false, decoy: false })
    expect(await hasher.verifyEither(account, phc, await hasher.hash(account, phc))).toEqual({
      account: true,
      decoy: true,
    })
  })

  test('a decoy alone is compared; one of another salt is not', async () => {
    const [phc, decoy] = [await hasher.hash(account), await hasher.hash(typed)]
    expect(await hasher.verifyEither(typed, undefined, decoy)).toEqual({ account: false, decoy: true })
    expect(await hasher.verifyEither(typed, phc, decoy)).toEqual({ account: false, decoy: false })
    expect(await hasher.verifyEither(account, phc, undefined)).toEqual({ account: true, decoy: false })
    expect(await hasher.verifyEither(account, undefined, undefined)).toEqual({ account: false, decoy: false })
    expect(await hasher.verifyEither('x'.repeat(257), phc, decoy)).toEqual({ account: false, decoy: false })
    expect(hasher.sharesSalt(phc, decoy)).toBe(false)
  })

  test('what `argon2` wrote is read as well; another kind of hash has no decoy', async () => {
    const cost = { memoryCost: cheap.memoryKiB, timeCost: cheap.passes, parallelism: 1 }
    const theirs = await argon2.hash(account, { ...cost, type: argon2.argon2id })
    const decoy = await hasher.hash(typed, theirs)
    expect(await hasher.verifyEither(typed, theirs, decoy)).toEqual({ account: false, decoy: true })
    expect(await hasher.verifyEither(account, theirs, decoy)).toEqual({ account: true, decoy: false })
    const foreign = await argon2.hash(account, { ...cost, type: argon2.argon2i })
    expect(await hasher.verifyEither(account, foreign, decoy)).toEqual({ account: 'imported', decoy: false })
    expect(await hasher.hash(typed, foreign)).toMatch(/^\$argon2id\$/)
    expect(hasher.sharesSalt(foreign, decoy)).toBe(true)
  })
})

describe('admission (threat row F2)', () => {
  test('as many at once as told, a bounded queue behind them, and a clear refusal beyond', async () => {
    const narrow = await createPasswordHasher({ random: systemRandom, cost: cheap, concurrency: 1 })
    const settled = await Promise.allSettled(Array.from({ length: 100 }, () => narrow.verify('x', undefined)))
    const refused = settled.filter((result) => result.status === 'rejected')
    expect(settled.slice(0, 65).every((result) => result.status === 'fulfilled')).toBe(true)
    expect(refused).toHaveLength(35)
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(OverloadedError)
      expect((reason as OverloadedError).retryAfterSeconds).toBeGreaterThan(0)
    }
    // And it takes work again afterwards, hashing as well as verifying.
    expect(await narrow.verify('x', await narrow.hash('x'))).toBe(true)
  })

  test('a failed check frees its place', async () => {
    const narrow = await createPasswordHasher({ random: systemRandom, cost: cheap, concurrency: 1 })
    for (let turn = 0; turn < 70; turn++) await expect(narrow.verify('x', 'not a hash')).rejects.toThrow()
    await expect(narrow.hash('x'.repeat(300))).rejects.toThrow(RangeError)
    expect(await narrow.verify('x', undefined)).toBe(false)
  })
})
