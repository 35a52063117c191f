import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemRandom } from '../../src/platform/random.ts'
import { createPasswordHasher } from '../../src/security/password-hash.ts'

/* How much work runs at once, seen from below: the library is replaced by one that waits to be told. */

// Files share a process: this one has its own modules, and leaves none of them behind.
vi.hoisted(() => vi.resetModules())
afterAll(() => {
  vi.doUnmock('@node-rs/argon2')
  vi.resetModules()
})

const work = vi.hoisted(() => ({
  running: 0,
  most: 0,
  waiting: [] as (() => void)[],
  isHeld: false,
  hashedAt: [] as { memoryCost: number; timeCost: number }[],
  async run<T>(answer: T): Promise<T> {
    work.running += 1
    work.most = Math.max(work.most, work.running)
    if (work.isHeld) await new Promise<void>((resolve) => work.waiting.push(resolve))
    work.running -= 1
    return answer
  },
}))

vi.mock('@node-rs/argon2', () => ({
  hash(password: string, { memoryCost, timeCost }: { memoryCost: number; timeCost: number }) {
    work.hashedAt.push({ memoryCost, timeCost })
    return work.run(`hash of ${password}`)
  },
  verify: (phc: string, password: string) => work.run(phc === `hash of ${password}`),
}))

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('admission (threat row F2)', () => {
  beforeEach(() => {
    Object.assign(work, { running: 0, most: 0, waiting: [], isHeld: false, hashedAt: [] })
  })

  test.each([1, 2, 4])('runs %i at once and the rest in order as places come free', async (concurrency) => {
    const hasher = await createPasswordHasher({ random: systemRandom, concurrency })
    work.isHeld = true
    const finished: number[] = []
    const all = Array.from({ length: 40 }, async (_, index) => {
      await (index % 2 === 0 ? hasher.hash('x') : hasher.verify('x', undefined))
      finished.push(index)
    })
    while (finished.length < 40) {
      await turn()
      expect(work.running).toBe(Math.min(concurrency, 40 - finished.length))
      work.waiting.shift()?.()
      await turn()
    }
    await Promise.all(all)
    expect(work.most).toBe(concurrency)
    expect(finished).toEqual(finished.toSorted((a, b) => a - b))
  })

  test('too long a password takes no place', async () => {
    const hasher = await createPasswordHasher({ random: systemRandom, concurrency: 1 })
    work.most = 0
    expect(await hasher.verify('x'.repeat(257), undefined)).toBe(false)
    expect(work.most).toBe(0)
  })

  test('an unknown user costs one computation, as a known one does (threat row B14)', async () => {
    const cost = { memoryKiB: 19_456, passes: 3 }
    const hasher = await createPasswordHasher({ random: systemRandom, concurrency: 1, cost })
    // What the password of an unknown user is compared with has been made at the cost of everybody's.
    expect(work.hashedAt).toEqual([{ memoryCost: cost.memoryKiB, timeCost: cost.passes }])
    for (const phc of [undefined, 'hash of y', 'hash of x']) {
      const run = vi.spyOn(work, 'run')
      expect(await hasher.verify('x', phc)).toBe(phc === 'hash of x')
      expect(run).toHaveBeenCalledOnce()
      run.mockRestore()
    }
  })
})
