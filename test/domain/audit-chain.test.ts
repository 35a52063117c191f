import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { beforeEach, describe, expect, inject, test } from 'vitest'
import { headText, parseHead } from '../../src/domain/audit/audit-chain.ts'
import type { TrailPosition } from '../../src/domain/audit/audit-chain.ts'
import { linkWaitingEvents } from '../../src/domain/audit/link-events.ts'
import { listAuditEvents } from '../../src/domain/audit/list-events.ts'
import { record } from '../../src/domain/audit/record.ts'
import type { AuditEntry } from '../../src/domain/audit/record.ts'
import { pruneAuditTrails } from '../../src/domain/audit/retention.ts'
import { verifyTrail } from '../../src/domain/audit/verify-trail.ts'
import type { TrailProblem, VerifiedPart, VerifyRequest } from '../../src/domain/audit/verify-trail.ts'
import type { Store } from '../../src/domain/ports/store.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { migrate } from '../../src/persistence/migrate.ts'
import { createStore } from '../../src/persistence/store.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'
import { log, onEachDatabase } from '../persistence/databases.ts'
import { addUserPool, inParallel } from '../persistence/records.ts'
import { createDatabase } from '../support/postgres.ts'
import { stillClock } from './domain-fixture.ts'

const sealedBox = createSealedBox('an-installation-secret-of-tests-only', systemRandom)

const servicesOn = (store: Store, clock = stillClock()) => ({
  store,
  sealedBox,
  clock,
  random: systemRandom,
  caller: {},
})

type Services = ReturnType<typeof servicesOn>

const day = 86_400

onEachDatabase((context) => {
  let services: Services
  let userPoolId: string
  beforeEach(async () => {
    services = servicesOn(context.store)
    userPoolId = await addUserPool(context.store)
  })

  const write = (...entries: Partial<AuditEntry>[]) =>
    record(services, context.store, ...entries.map((entry) => ({ userPoolId, eventType: 'SignIn', ...entry }) as const))
  const link = () => linkWaitingEvents(services, { wait: true })
  /** A trail of three batches with three events each. */
  async function trailOfNine(): Promise<void> {
    for (let batch = 0; batch < 3; batch += 1) {
      for (let n = 1; n <= 3; n += 1) await write({ userSub: `user-${batch * 3 + n}` })
      await link()
    }
  }
  const verify = async (request: Partial<VerifyRequest> = {}): Promise<VerifiedPart> =>
    (await verifyTrail(services, { userPoolId, ...request }))!
  const headNow = async (): Promise<TrailPosition> => (await verify()).position
  const run = (statement: ReturnType<typeof sql>) => statement.execute(context.database.kysely)
  const idOf = async (sequence: number) =>
    (await context.store.auditTrail.events(userPoolId, sequence, sequence))[0]?.id ?? ''

  describe('a trail', () => {
    test('is numbered without gaps, and verified to its head', async () => {
      await trailOfNine()
      const found = await verify()
      expect(found).toMatchObject({ events: 9, beginsBehind: 0, more: false, position: { number: 3, sequence: 9 } })
      expect(found).not.toHaveProperty('problem')
      const events = await context.store.auditTrail.events(userPoolId, 1, 100)
      expect(events.map(({ sequence, subject }) => `${sequence} ${subject}`)).toEqual(
        Array.from({ length: 9 }, (_, index) => `${index + 1} user-${index + 1}`),
      )
      const head = headText(found.position)
      expect(parseHead(head)).toEqual({ number: 3, digest: found.position.digest })
      expect(await verify({ head: parseHead(head)! })).toMatchObject({ head: 'matched' })
      // It goes on matching as the trail goes on.
      await write({})
      await link()
      expect(await verify({ head: parseHead(head)! })).toMatchObject({ events: 10, head: 'matched' })
    })

    test('of one user pool knows nothing of another’s, and one without events has none', async () => {
      const other = await addUserPool(context.store)
      await write({}, { userPoolId: other }, {})
      await link()
      expect(await verify()).toMatchObject({ events: 2 })
      expect(await verify({ userPoolId: other })).toMatchObject({ events: 1 })
      expect(await verifyTrail(services, { userPoolId: 'nowhere' })).toBeUndefined()
    })

    test('is the longer the more waits, in one go', async () => {
      for (let n = 0; n < 23; n += 1) await write(...Array.from({ length: 100 }, () => ({})))
      await link()
      expect(await verify()).toMatchObject({ events: 2300, position: { number: 3, sequence: 2300 } })
    })

    test('is verified part by part, however long it is', async () => {
      for (let n = 0; n < 62; n += 1) await write(...Array.from({ length: 100 }, () => ({})))
      await link()
      for (let n = 0; n < 210; n += 1) {
        await write({})
        await link()
      }
      const parts: VerifiedPart[] = [await verify()]
      while (parts.at(-1)!.more) parts.push(await verify({ from: parts.at(-1)!.position }))
      expect(parts.length).toBeGreaterThan(1)
      expect(parts.reduce((sum, { events }) => sum + events, 0)).toBe(6410)
      expect(parts.map(({ problem }) => problem)).toEqual(parts.map(() => undefined))
    }, 120_000)

    test('texts that PostgreSQL would not take do not pass for changed ones', async () => {
      await write({ reason: 'a\0b\ud800c', detail: { group: '\0\ud800é😀' } })
      await link()
      expect(await verify()).not.toHaveProperty('problem')
    })
  })

  describe('is found to be changed', () => {
    const change = (column: string, value: unknown) =>
      run(sql`update audit_events set ${sql.ref(column)} = ${value}
        where user_pool_id = ${userPoolId} and sequence = 5`)

    test.each([
      ['at', new Date('2026-03-01T12:00:00.001Z')],
      ['event_type', 'SignUp'],
      ['response', 'Fail'],
      ['reason', 'userDisabled'],
      ['subject', 'user-6'],
      ['client_id', 'web'],
      ['actor', 'operator'],
      ['operator', 'ada'],
      ['address', '192.0.2.1'],
      ['user_agent', 'Browser/1'],
      ['request_id', 'r'],
      ['detail', '{}'],
      ['id', randomUUID()],
      ['digest', 'x'.repeat(43)],
    ])('in the column %s of an event', async (column, value) => {
      await trailOfNine()
      await change(column, value)
      expect(await verify()).toMatchObject({ events: 3, problem: { kind: 'eventChanged', sequence: 5 } })
    })

    const tampered = async (...statements: ReturnType<typeof sql>[]): Promise<TrailProblem | undefined> => {
      for (const statement of statements) await run(statement)
      return (await verify()).problem
    }

    test('when an event is taken away, in the middle or at the end of a batch', async () => {
      await trailOfNine()
      const remove = (sequence: number) =>
        sql`delete from audit_events where user_pool_id = ${userPoolId} and sequence = ${sequence}`
      expect(await tampered(remove(6))).toEqual({ kind: 'eventMissing', number: 2, sequence: 6 })
      expect(await tampered(remove(4))).toEqual({ kind: 'eventMissing', number: 2, sequence: 4 })
    })

    test('when an event is put in, forged or copied', async () => {
      await trailOfNine()
      const columns = sql.raw(
        'id, user_pool_id, at, event_type, response, reason, subject, client_id, actor, operator, address, user_agent, request_id, detail, digest',
      )
      const copy = (into: string, sequence: number | undefined) => sql`
        insert into ${sql.ref(into)} (${sequence === undefined ? sql`` : sql`sequence, `}${columns})
        select ${sequence === undefined ? sql`` : sql`${sequence}::bigint, `}${columns} from audit_events
        where user_pool_id = ${userPoolId} and sequence = 5`
      const id = await idOf(5)
      expect(await tampered(copy('audit_events', 10))).toEqual({ kind: 'eventAdded', sequence: 10, id })
      await run(sql`delete from audit_events where user_pool_id = ${userPoolId} and sequence = 10`)
      // By way of the inbox, where it is linked as if it were new.
      await run(copy('audit_inbox', undefined))
      await link()
      expect((await verify()).problem).toEqual({ kind: 'eventRepeated', sequence: 10, id })
      await run(sql`update audit_events set id = 'forged' where user_pool_id = ${userPoolId} and sequence = 10`)
      expect((await verify()).problem).toEqual({ kind: 'eventChanged', sequence: 10, id: 'forged' })
    })

    test('when two events change places', async () => {
      await trailOfNine()
      const move = (from: number, to: number) =>
        sql`update audit_events set sequence = ${to} where user_pool_id = ${userPoolId} and sequence = ${from}`
      expect(await tampered(move(4, 99), move(5, 4), move(99, 5))).toEqual({
        kind: 'batchChanged',
        number: 2,
        sequence: 4,
      })
    })

    test('when a batch is taken away, with its events or without', async () => {
      await trailOfNine()
      const gone = sql`delete from audit_batches where user_pool_id = ${userPoolId} and number = 2`
      expect(await tampered(gone)).toEqual({ kind: 'batchMissing', number: 2 })
      const events = sql`delete from audit_events where user_pool_id = ${userPoolId} and sequence between 4 and 6`
      expect(await tampered(events)).toEqual({ kind: 'batchMissing', number: 2 })
      // What is behind it moves up.
      const up = sql`update audit_events set sequence = sequence - 3 where user_pool_id = ${userPoolId} and sequence > 6`
      const batch = sql`update audit_batches set number = 2, first_sequence = 4, last_sequence = 6
        where user_pool_id = ${userPoolId} and number = 3`
      expect(await tampered(up, batch)).toEqual({ kind: 'batchChanged', number: 2, sequence: 4 })
    })

    test.each([
      ['linked_at', new Date(0)],
      ['last_at', new Date(0)],
      ['digest', 'x'.repeat(43)],
      ['last_sequence', 5],
      ['first_sequence', 5],
    ])('in the column %s of a batch', async (column, value) => {
      await trailOfNine()
      const statement = sql`update audit_batches set ${sql.ref(column)} = ${value}
        where user_pool_id = ${userPoolId} and number = 2`
      expect(await tampered(statement)).toMatchObject({ kind: 'batchChanged', number: 2 })
    })

    test('when its beginning is cut off, whatever its start says', async () => {
      await trailOfNine()
      const first = (await context.store.auditTrail.batches(userPoolId, 0, 1))[0]!
      await context.store.auditTrail.deleteThrough(first)
      expect((await verify()).problem).toEqual({ kind: 'batchMissing', number: 1 })
      const start = sql`update audit_trails set start_number = 1, start_sequence = 3, start_digest = ${first.digest}
        where user_pool_id = ${userPoolId}`
      expect(await tampered(start)).toEqual({ kind: 'startChanged' })
      expect(await tampered(sql`delete from audit_trails where user_pool_id = ${userPoolId}`)).toEqual({
        kind: 'startChanged',
      })
    })

    test('when its end is cut off, by a head that somebody wrote down', async () => {
      await trailOfNine()
      const head = await headNow()
      await run(sql`delete from audit_events where user_pool_id = ${userPoolId} and sequence > 6`)
      await run(sql`delete from audit_batches where user_pool_id = ${userPoolId} and number > 2`)
      expect(await verify()).not.toHaveProperty('problem')
      expect((await verify({ head })).problem).toEqual({ kind: 'headMissing', number: 3 })
      // What was cut off cannot be grown again.
      await write({}, {}, {})
      await link()
      expect((await verify({ head })).problem).toEqual({ kind: 'headChanged', number: 3 })
    })

    test('and rewritten by somebody who has the secret, by such a head alone', async () => {
      await trailOfNine()
      const head = await headNow()
      // All of it is written anew, with the secret, and one event is another.
      for (const table of ['audit_events', 'audit_batches', 'audit_trails']) {
        await run(sql`delete from ${sql.table(table)} where user_pool_id = ${userPoolId}`)
      }
      for (let batch = 0; batch < 3; batch += 1) {
        await write({ userSub: 'somebody else' }, {}, {})
        await link()
      }
      expect(await verify()).not.toHaveProperty('problem')
      expect((await verify({ head })).problem).toEqual({ kind: 'headChanged', number: 3 })
    })

    test('by another secret than the server’s, throughout', async () => {
      await trailOfNine()
      const other = createSealedBox('another-secret-of-32-characters-or-more', systemRandom)
      const found = await verifyTrail({ ...services, sealedBox: other }, { userPoolId })
      expect(found?.problem).toEqual({ kind: 'startChanged' })
    })

    test('by a server that had seen more of it', async () => {
      const seen = new Map<string, TrailPosition>()
      const watch = () => linkWaitingEvents(services, { wait: true, seen })
      await write({})
      expect(await watch()).toEqual([])
      await write({})
      expect(await watch()).toEqual([])
      await run(sql`delete from audit_events where user_pool_id = ${userPoolId} and sequence = 2`)
      await run(sql`delete from audit_batches where user_pool_id = ${userPoolId} and number = 2`)
      await write({})
      expect(await watch()).toEqual([userPoolId])
      await write({})
      expect(await watch()).toEqual([])
    })
  })

  describe('retention', () => {
    const keepFor = async (days: number) => {
      const stored = (await context.store.settings.userPools()).find(({ id }) => id === userPoolId)!
      const settings = { ...stored.settings, Audit: { RetentionDays: days } }
      await context.store.settings.saveUserPool({ ...stored, settings }, services.clock.now())
    }

    test('takes whole batches from the beginning, and what is left still proves itself', async () => {
      await keepFor(30)
      await trailOfNine()
      const old = await headNow()
      services.clock.pass(20 * day)
      await trailOfNine()
      const later = await headNow()
      services.clock.pass(10 * day - 1)
      await pruneAuditTrails(services)
      expect(await verify()).toMatchObject({ events: 18 })
      services.clock.pass(1)
      await pruneAuditTrails(services)
      expect(await verify({ head: later })).toMatchObject({ events: 9, beginsBehind: 9, head: 'matched' })
      expect(await verify()).not.toHaveProperty('problem')
      // The last one that went is where the trail begins.
      expect(await verify({ head: old })).toMatchObject({ head: 'matched' })
      expect(await verify({ head: { ...old, number: 2 } })).toMatchObject({ head: 'gone' })
      expect((await verify({ head: { ...old, digest: later.digest } })).problem).toEqual({
        kind: 'headChanged',
        number: 3,
      })
      expect(await context.store.auditTrail.outside(userPoolId, 10, 18)).toBeUndefined()
      // All of it may go, and it goes on from there.
      services.clock.pass(100 * day)
      await pruneAuditTrails(services)
      expect(await verify()).toMatchObject({ events: 0, beginsBehind: 18, position: { number: 6 } })
      await trailOfNine()
      expect(await verify()).toMatchObject({ events: 9, beginsBehind: 18, position: { number: 9, sequence: 27 } })
      expect(await verify()).not.toHaveProperty('problem')
    })

    test('is a year where nothing is set', async () => {
      await trailOfNine()
      services.clock.pass(365 * day - 1)
      await pruneAuditTrails(services)
      expect(await verify()).toMatchObject({ events: 9, beginsBehind: 0 })
      services.clock.pass(1)
      await pruneAuditTrails(services)
      expect(await verify()).toMatchObject({ events: 0, beginsBehind: 9 })
    })

    test('of a user pool that is deleted goes on as it was set', async () => {
      await keepFor(30)
      await write({})
      await link()
      await keepFor(10)
      await pruneAuditTrails(services)
      await context.store.settings.deleteUserPool(userPoolId)
      await write({ eventType: 'UserPoolDelete' })
      await link()
      services.clock.pass(9 * day)
      await pruneAuditTrails(services)
      expect(await verify()).toMatchObject({ events: 2 })
      services.clock.pass(day)
      await pruneAuditTrails(services)
      expect(await verify()).toMatchObject({ events: 0, beginsBehind: 2 })
    })

    test('cuts nothing where somebody else has set the beginning', async () => {
      await trailOfNine()
      await run(sql`update audit_trails set retention_days = 1 where user_pool_id = ${userPoolId}`)
      await context.store.settings.deleteUserPool(userPoolId)
      services.clock.pass(1000 * day)
      await pruneAuditTrails(services)
      expect(await context.store.auditTrail.events(userPoolId, 1, 99)).toHaveLength(9)
      expect((await verify()).problem).toEqual({ kind: 'startChanged' })
    })

    test('goes on while somebody verifies part by part', async () => {
      await trailOfNine()
      const from = await headNow()
      services.clock.pass(366 * day)
      await trailOfNine()
      await pruneAuditTrails(services)
      expect(await verify({ from })).toMatchObject({ events: 9, more: false })
      expect(await verify({ from })).not.toHaveProperty('problem')
      expect((await verify({ from: { ...from, digest: 'x' } })).problem).toEqual({ kind: 'startChanged' })
    })
  })

  describe('a list', () => {
    const ids = async (query: Partial<Parameters<typeof listAuditEvents>[1]> = {}) => {
      const page = await listAuditEvents(services, { userPoolId, limit: 100, oldestFirst: false, ...query })
      return page.kind === 'done' ? page.events.map(({ sequence }) => sequence) : [page.reason]
    }

    test('is ordered by time, in both directions, page by page', async () => {
      for (const seconds of [0, 5, -3, 0, 9]) {
        services.clock.pass(seconds)
        await write({}, {})
      }
      await link()
      const all = await ids()
      expect(all).toEqual([10, 9, 4, 3, 8, 7, 6, 5, 2, 1])
      expect(await ids({ oldestFirst: true })).toEqual(all.toReversed())
      for (const oldestFirst of [true, false]) {
        const found: number[] = []
        let token: string | undefined
        do {
          const query = { userPoolId, limit: 3, oldestFirst, ...(token === undefined ? {} : { token }) }
          const page = await listAuditEvents(services, query)
          if (page.kind !== 'done') throw new Error(page.reason)
          found.push(...page.events.map(({ sequence }) => sequence))
          token = page.nextToken
        } while (token !== undefined)
        expect(found).toEqual(oldestFirst ? all.toReversed() : all)
      }
    })

    test('shows what is asked for', async () => {
      const from = (address: string, clientId: string) => ({
        ...services,
        caller: { address, clientId, requestId: 'r' },
      })
      const entry = { userPoolId, eventType: 'SignIn' } as const
      await record(from('192.0.2.1', 'web'), context.store, { ...entry, userSub: 'ana' })
      services.clock.pass(60)
      await record(from('192.0.2.2', 'web'), context.store, { ...entry, userSub: 'ana', response: 'Fail' })
      services.clock.pass(60)
      await record(from('192.0.2.1', 'app'), context.store, { ...entry, userSub: 'ben', eventType: 'SignUp' })
      await record(from('192.0.2.1', 'app'), context.store, { ...entry, response: 'InProgress' })
      await link()
      expect(await ids()).toEqual([4, 3, 2, 1])
      expect(await ids({ subjects: ['ana', 'nobody'] })).toEqual([2, 1])
      expect(await ids({ subjects: ['ana', 'ben'], limit: 2 })).toEqual([3, 2])
      expect(await ids({ subjects: [] })).toEqual([])
      expect(await ids({ eventTypes: ['SignUp'] })).toEqual([3])
      expect(await ids({ eventTypes: ['SignUp', 'ForgotPassword'], limit: 5 })).toEqual([3])
      expect(await ids({ response: 'Fail' })).toEqual([2])
      expect(await ids({ response: 'Pass' })).toEqual([3, 1])
      expect(await ids({ clientId: 'app' })).toEqual([4, 3])
      expect(await ids({ address: '192.0.2.1', clientId: 'web' })).toEqual([1])
      const minute = (n: number) => new Date(new Date('2026-03-01T12:00:00.000Z').getTime() + n * 60_000)
      expect(await ids({ from: minute(1) })).toEqual([4, 3, 2])
      expect(await ids({ to: minute(1) })).toEqual([1])
      expect(await ids({ from: minute(1), to: minute(2) })).toEqual([2])
    })

    test('goes on with its own token alone (threat row F4)', async () => {
      await trailOfNine()
      const page = await listAuditEvents(services, { userPoolId, limit: 2, oldestFirst: false })
      const token = page.kind === 'done' ? page.nextToken! : ''
      expect(await ids({ token, limit: 2 })).toEqual([7, 6])
      // How much of it is shown does not matter.
      expect(await ids({ token, limit: 3 })).toEqual([7, 6, 5])
      const forged = sealedBox.seal(JSON.stringify({ list: 'x', at: new Date(0), sequence: 1 }), 'something else')
      for (const wrong of [
        '',
        'x',
        token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A'),
        forged,
        `${token}'; drop table users`,
      ]) {
        expect(await ids({ token: wrong })).toEqual(['invalidToken'])
      }
      expect(await ids({ token, oldestFirst: true })).toEqual(['invalidToken'])
      expect(await ids({ token, eventTypes: ['SignIn'] })).toEqual(['invalidToken'])
      expect(await ids({ token, userPoolId: await addUserPool(context.store) })).toEqual(['invalidToken'])
    })
  })
})

test('two servers link one trail at the same time, while others write', async () => {
  const created = await createDatabase(inject('postgresUrl'))
  const open = () => openDatabase({ databaseUrl: created.url, dataDir: '', log, poolSize: 8 })
  const databases = [await open(), await open()]
  try {
    await migrate(databases[0]!, { log })
    const servers = databases.map((database) => servicesOn(createStore(database)))
    const [first] = servers as [Services]
    const userPoolId = await addUserPool(first.store)
    const writing = inParallel(40, async (index) => {
      const services = servers[index % 2]!
      for (let n = 0; n < 10; n += 1) {
        await services.store.transaction(async (tx) => {
          await record(services, tx, { userPoolId, eventType: 'SignIn', userSub: `${index} ${n}` })
          // Commits in another order than it was written in.
          if (n % 3 === 0) await sleep(10)
        })
      }
    })
    const progress = { written: false }
    const linking = servers.map(async (services) => {
      while (!progress.written) await linkWaitingEvents(services, { wait: false })
    })
    await writing
    progress.written = true
    await Promise.all(linking)
    await Promise.all(servers.map((services) => linkWaitingEvents(services, { wait: true })))
    const found = await verifyTrail(first, { userPoolId })
    expect(found).toMatchObject({ events: 400 })
    expect(found).not.toHaveProperty('problem')
    const events = await first.store.auditTrail.events(userPoolId, 1, 1000)
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(400)
    expect(found!.position.number).toBeGreaterThan(1)
  } finally {
    for (const database of databases) await database.close()
    await created.drop()
  }
})
