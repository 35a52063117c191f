import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { mailboxRepository } from '../../src/persistence/mailbox-repository.ts'
import { onEachDatabase } from './databases.ts'
import { addUserPool, inParallel, later, now } from './records.ts'

onEachDatabase((context) => {
  const onPostgres = context.kind === 'postgres' ? test : () => {}
  const outbox = () => context.store.outbox
  let userPoolId: string

  beforeEach(async () => {
    await context.database.kysely.deleteFrom('user_pools').execute()
    userPoolId = await addUserPool(context.store)
  })

  async function queue(at = now): Promise<string> {
    const id = randomUUID()
    await outbox().add({ id, userPoolId, sealedMessage: `sealed ${id}`, at })
    return id
  }

  describe('the outbox', () => {
    test('gives out what is due, oldest first, and not again within the lease', async () => {
      expect(await outbox().nextDueAt()).toBeUndefined()
      const second = await queue(later(10))
      const first = await queue(now)
      await queue(later(100))
      expect(await outbox().nextDueAt()).toEqual(now)
      const taken = await outbox().take({ limit: 10, leaseSeconds: 60, at: later(20) })
      expect(taken).toEqual([
        { id: first, sealedMessage: `sealed ${first}`, attempts: 0, createdAt: now },
        { id: second, sealedMessage: `sealed ${second}`, attempts: 0, createdAt: later(10) },
      ])
      expect(await outbox().take({ limit: 10, leaseSeconds: 60, at: later(21) })).toEqual([])
      expect(await outbox().nextDueAt()).toEqual(later(80))
    })

    test('gives a message of a worker that died to the next one, and has counted the try', async () => {
      const id = await queue()
      await outbox().take({ limit: 1, leaseSeconds: 60, at: now })
      expect(await outbox().take({ limit: 1, leaseSeconds: 60, at: later(59) })).toEqual([])
      expect(await outbox().take({ limit: 1, leaseSeconds: 60, at: later(60) })).toMatchObject([{ id, attempts: 1 }])
    })

    test('gives everything that waits to a process that is alone with the database', async () => {
      const id = await queue()
      await outbox().take({ limit: 1, leaseSeconds: 60, at: now })
      await outbox().releaseAll(later(1))
      expect(await outbox().take({ limit: 1, leaseSeconds: 60, at: later(1) })).toMatchObject([{ id, attempts: 1 }])
    })

    test('forgets the text of what was sent', async () => {
      const id = await queue()
      await outbox().markSent(id, later(1))
      expect(await outbox().take({ limit: 1, leaseSeconds: 60, at: later(1000) })).toEqual([])
      const rows = await context.database.kysely.selectFrom('outbox').select(['sealed_message', 'sent_at']).execute()
      expect(rows).toEqual([{ sealed_message: null, sent_at: later(1) }])
      // A slower worker, whose lease had run out, cannot bring it back.
      await outbox().markFailed(id, { error: 'timeout', retryAt: later(2), at: later(2) })
      expect(await outbox().nextDueAt()).toBeUndefined()
    })

    test('tries again when told to, and keeps what was given up on', async () => {
      const retried = await queue()
      const dead = await queue(later(1))
      await outbox().markFailed(retried, { error: 'busy', retryAt: later(30), at: now })
      await outbox().markFailed(dead, { error: `no such mailbox ${'.'.repeat(5000)}`, retryAt: undefined, at: now })
      expect(await outbox().nextDueAt()).toEqual(later(30))
      const [letter, ...others] = await outbox().deadLetters(10)
      expect(letter).toMatchObject({ id: dead, userPoolId, createdAt: later(1) })
      expect(letter?.error).toMatch(/^no such mailbox/)
      expect(letter?.error).toHaveLength(1000)
      expect(others).toEqual([])
      expect(await outbox().retryDeadLetters(later(40))).toHaveLength(1)
      expect(await outbox().retryDeadLetters(later(40))).toEqual([])
      const taken = await outbox().take({ limit: 10, leaseSeconds: 60, at: later(40) })
      expect(taken.map(({ id }) => id)).toEqual([retried, dead])
    })

    test('never gives one message to two workers', async () => {
      await inParallel(100, (n) => queue(later(n / 1000)))
      const taken: string[] = []
      await inParallel(6, async () => {
        for (;;) {
          const entries = await outbox().take({ limit: 7, leaseSeconds: 60, at: later(5) })
          if (entries.length === 0) return
          taken.push(...entries.map(({ id }) => id))
        }
      })
      expect(taken).toHaveLength(100)
      expect(new Set(taken).size).toBe(100)
    })

    // The embedded database has one connection: there nobody else can be in the middle of taking.
    onPostgres('waits for no worker that is taking at the same time', async () => {
      const ids = [await queue(now), await queue(later(1))]
      const request = { limit: 1, leaseSeconds: 60, at: later(5) }
      await context.store.transaction(async (tx) => {
        expect(await tx.outbox.take(request)).toMatchObject([{ id: ids[0] }])
        expect(await outbox().take(request)).toMatchObject([{ id: ids[1] }])
        expect(await outbox().take(request)).toEqual([])
      })
    })

    test('holds a message only when the transaction that it tells of has committed', async () => {
      const entry = { id: randomUUID(), userPoolId, sealedMessage: 'welcome', at: now }
      const failing = context.store.transaction(async (tx) => {
        await tx.outbox.add(entry)
        throw new Error('sign-up refused')
      })
      await expect(failing).rejects.toThrow('sign-up refused')
      expect(await outbox().nextDueAt()).toBeUndefined()
    })
  })

  test('the development mailbox keeps the newest 200 messages, each once', async () => {
    const mailbox = mailboxRepository(context.database.kysely)
    for (let n = 0; n < 203; n++) await mailbox.add({ id: `m${n}`, sealedMessage: `sealed ${n}`, at: later(n) })
    await mailbox.add({ id: 'm202', sealedMessage: 'again', at: later(300) })
    const listed = await mailbox.list(1000)
    expect(listed.length).toBeLessThanOrEqual(200)
    expect(listed.slice(0, 2).map(({ id }) => id)).toEqual(['m202', 'm201'])
    expect(await mailbox.list(3)).toHaveLength(3)
    expect(await mailbox.find('m202')).toEqual({ id: 'm202', sealedMessage: 'sealed 202', createdAt: later(202) })
    expect(await mailbox.find('m0')).toBeUndefined()
    await mailbox.clear()
    expect(await mailbox.list(10)).toEqual([])
  })
})
