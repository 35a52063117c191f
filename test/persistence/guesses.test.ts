import { describe, expect, test } from 'vitest'
import type { LockOut } from '../../src/domain/lock-out/lock-out.ts'
import { onEachDatabase } from './databases.ts'
import { addUserPool, inParallel, later, now } from './records.ts'

/** Cognito's, with a day that is soon full. */
const lockOut: LockOut = { firstLockingFailure: 5, maximumSeconds: 900, failuresPerDay: 30 }

onEachDatabase((context) => {
  async function bucketOf(name = 'ada') {
    const { guesses } = context.store
    const userPoolId = await addUserPool(context.store)
    const buckets = [name]
    return {
      userPoolId,
      guess: async (seconds = 0) =>
        (await guesses.count({ userPoolId, buckets, lockOut, at: later(seconds) })).length === 1,
      lockedFor: async (seconds = 0) => {
        const until = await guesses.lockedUntil(userPoolId, buckets, later(seconds))
        return until && (until.getTime() - later(seconds).getTime()) / 1000
      },
      clear: () => guesses.clear(userPoolId, buckets),
      takeBack: () => guesses.takeBack({ userPoolId, buckets, lockOut }),
    }
  }

  test('from the fifth failure on each one locks for twice as long as the one before, for 15 minutes at most', async () => {
    const { guess, lockedFor } = await bucketOf()
    let at = 0
    const locks: (number | undefined)[] = []
    for (let n = 1; n <= 17; n += 1) {
      expect(await guess(at), `guess ${n}`).toBe(true)
      const lock = await lockedFor(at)
      locks.push(lock)
      at += lock ?? 0
    }
    expect(locks).toEqual([...Array<undefined>(4), 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  })

  test('what is tried during a lock is refused and does not make it longer', async () => {
    const { guess, lockedFor } = await bucketOf()
    for (let n = 1; n <= 8; n += 1) await guess(n * 20)
    expect(await lockedFor(160)).toBe(8)
    for (let n = 0; n < 20; n += 1) expect(await guess(165)).toBe(false)
    expect(await lockedFor(165)).toBe(3)
    expect(await guess(168)).toBe(true)
    expect(await lockedFor(168)).toBe(16)
  })

  test('a right guess takes everything back', async () => {
    const { guess, lockedFor, clear } = await bucketOf()
    for (let n = 1; n <= 7; n += 1) await guess(n * 10)
    await clear()
    for (let n = 1; n <= 4; n += 1) {
      expect(await guess(71)).toBe(true)
      expect(await lockedFor(71)).toBeUndefined()
    }
  })

  test('fifteen minutes of silence behind a lock make the next failure a first one, and not a second less', async () => {
    const early = await bucketOf()
    for (let n = 1; n <= 6; n += 1) await early.guess(n)
    // The sixth locks for two seconds.
    expect(await early.guess(6 + 2 + 899)).toBe(true)
    expect(await early.lockedFor(6 + 2 + 899)).toBe(4)
    const late = await bucketOf()
    for (let n = 1; n <= 6; n += 1) await late.guess(n)
    expect(await late.guess(6 + 2 + 900)).toBe(true)
    expect(await late.lockedFor(6 + 2 + 900)).toBeUndefined()
  })

  test('who waits for silence again and again has a day’s failures and then one each 15 minutes', async () => {
    const { guess } = await bucketOf()
    let looked = 0
    for (let at = 0; at < 86_400; at += 1_800) {
      for (let n = 0; n < 5; n += 1) if (await guess(at + n / 10)) looked += 1
    }
    // 30 in the first six half hours, of which the last one locked; after that one in each.
    expect(looked).toBeLessThanOrEqual(30 + 43)
    expect(looked).toBeGreaterThan(60)
    let next = 0
    for (let n = 0; n < 5; n += 1) if (await guess(86_400 + 1_800 + n / 10)) next += 1
    expect(next).toBe(5)
  })

  test('of 200 guesses at once five are looked at', async () => {
    const { guess } = await bucketOf()
    const outcomes = await inParallel(200, () => guess())
    expect(outcomes.filter(Boolean)).toHaveLength(5)
    expect(await guess()).toBe(false)
    expect(await guess(1)).toBe(true)
  })

  test('a guess that nobody could look at is no failure, and begins no lock', async () => {
    const { guess, lockedFor, takeBack } = await bucketOf()
    for (let n = 1; n <= 4; n += 1) await guess()
    for (let n = 1; n <= 10; n += 1) {
      expect(await guess()).toBe(true)
      await takeBack()
      expect(await lockedFor()).toBeUndefined()
    }
    await guess()
    expect(await lockedFor()).toBe(1)
    // Taken back while a lock holds, it does not end it.
    for (let n = 6; n <= 9; n += 1) await guess(n * 20)
    await takeBack()
    expect(await lockedFor(180)).toBe(16)
  })

  test('a server whose clock lags sees no lock where there is none', async () => {
    const { guess } = await bucketOf()
    await guess(60)
    expect(await guess(0)).toBe(true)
  })

  describe('several buckets of one guess', () => {
    test('count at once, each for itself', async () => {
      const { guesses } = context.store
      const userPoolId = await addUserPool(context.store)
      const count = async (...buckets: string[]) =>
        (await guesses.count({ userPoolId, buckets, lockOut, at: now })).map(({ bucket }) => bucket)
      for (let n = 1; n <= 5; n += 1) expect((await count('account', 'name')).toSorted()).toEqual(['account', 'name'])
      expect(await count('account', 'other name')).toEqual(['other name'])
      expect(await guesses.lockedUntil(userPoolId, ['account', 'other name'], now)).toEqual(later(1))
      expect(await guesses.lockedUntil(userPoolId, ['other name'], now)).toBeUndefined()
    })

    test('never wait for each other, in whatever order they are named', async () => {
      const { guesses } = context.store
      const userPoolId = await addUserPool(context.store)
      const orders = [['a', 'b', 'c'], ['c', 'b', 'a'], ['b', 'c', 'a']] // prettier-ignore
      const outcomes = await inParallel(60, (n) =>
        guesses.count({ userPoolId, buckets: orders[n % 3]!, lockOut, at: now }),
      )
      expect(outcomes.filter(({ length }) => length === 3)).toHaveLength(5)
    })
  })

  test('another user pool’s bucket of the same name is another one', async () => {
    const [first, second] = [await bucketOf(), await bucketOf()]
    for (let n = 1; n <= 5; n += 1) await first.guess()
    expect(await first.guess()).toBe(false)
    expect(await second.guess()).toBe(true)
  })
})
