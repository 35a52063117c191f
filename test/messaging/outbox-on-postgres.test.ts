import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, inject, it, onTestFinished, vi } from 'vitest'
import type { Database } from '../../src/persistence/database.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { connectTo, emptyTables, openMessagingDatabase } from './support/messaging-database.ts'
import { createMessagingFixture } from './support/messaging-fixture.ts'

let postgres: TestDatabase
let databases: [Database, Database]
beforeAll(async () => {
  postgres = await createDatabase(inject('postgresUrl'))
  databases = [await openMessagingDatabase(postgres.url), await connectTo(postgres.url)]
})
afterAll(async () => {
  for (const database of databases) await database.close()
  await postgres.drop()
})
afterEach(() => emptyTables(databases[0]))

function recordingSender(pauseMs: number) {
  const ids: string[] = []
  const send = async ({ id }: { id: string }) => {
    ids.push(id)
    await sleep(pauseMs)
  }
  return { ids, senders: { EMAIL: { send, close() {} } } }
}

it('workers of two processes share the messages and deliver each once', async () => {
  const [one, other] = databases.map((database) => createMessagingFixture(database)) as [Fixture, Fixture]
  const [first, second] = [recordingSender(10), recordingSender(10)]
  for (let i = 0; i < 100; i++) await one.enqueue()
  one.startWorker(first)
  other.startWorker(second)
  await vi.waitFor(async () => expect((await one.rows()).every(({ state }) => state === 'sent')).toBe(true), 10_000)
  await Promise.all([one.stop(), other.stop()])
  expect(new Set([...first.ids, ...second.ids]).size).toBe(100)
  expect(first.ids.length + second.ids.length).toBe(100)
  expect(Math.min(first.ids.length, second.ids.length)).toBeGreaterThan(0)
})

type Fixture = ReturnType<typeof createMessagingFixture>

it('what a killed process had in hand is delivered by another, once its lease is over', async () => {
  // The process to be killed goes by the system's time.
  const messaging = createMessagingFixture(databases[0], { startAt: systemClock.now() })
  const { ids, senders } = recordingSender(0)
  await messaging.enqueue()
  const doomed = spawn(process.execPath, [fileURLToPath(new URL('./support/hanging-worker.ts', import.meta.url))], {
    env: { ...process.env, DATABASE_URL: postgres.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void doomed.kill('SIGKILL'))
  const [said] = (await once(doomed.stdout, 'data')) as [Buffer]
  expect(said.toString()).toBe('in hand\n')
  doomed.kill('SIGKILL')
  await once(doomed, 'exit')

  const leaseEndsAt = (await messaging.row()).dueAt!
  const secondsLeft = (leaseEndsAt.getTime() - messaging.clock.now().getTime()) / 1000
  messaging.clock.advance(secondsLeft - 1)
  const worker = messaging.startWorker({ senders })
  await sleep(200)
  expect(ids).toEqual([])
  messaging.clock.advance(1)
  worker.wake()
  await messaging.untilState('sent')
  await messaging.stop()
  expect(ids).toHaveLength(1)
  expect(await messaging.row()).toMatchObject({ attempts: 2, sealedMessage: null })
})
