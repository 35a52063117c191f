import { join } from 'node:path'
import { Writable } from 'node:stream'
import pino from 'pino'
import { expect, vi } from 'vitest'
import { enqueueMessage } from '../../../src/domain/messages/enqueue-message.ts'
import type { OutgoingMessage } from '../../../src/domain/messages/message.ts'
import type { PoolPresentation } from '../../../src/messaging/message-texts.ts'
import { createOutboxWorker, type OutboxWorkerOptions } from '../../../src/messaging/outbox-worker.ts'
import { createMessageRenderer } from '../../../src/messaging/render-message.ts'
import { addSeconds, type Clock } from '../../../src/platform/clock.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { loadMessageCatalogue } from '../../../src/platform/views/message-catalogue.ts'
import { createViewEngine } from '../../../src/platform/views/view-engine.ts'
import { createSealedBox } from '../../../src/security/sealed-box.ts'
import type { Database } from '../../../src/persistence/database.ts'
import { outboxRepository } from '../../../src/persistence/outbox-repository.ts'
import { outboxRows, userPoolId, type OutboxRow } from './messaging-database.ts'

const views = join(import.meta.dirname, '../../../views')

export const engine = createViewEngine(views, { strictVariables: true })
export const catalogue = loadMessageCatalogue(join(views, 'messages'))
export const sealedBox = createSealedBox('an-installation-secret-of-tests-only', systemRandom)

export const acme: PoolPresentation = {
  brand: { name: 'Acme' },
  overrides: {},
  signInUrl: 'https://login.acme.example/login',
}

export interface TestClock extends Clock {
  advance(seconds: number): void
}

export function createTestClock(): TestClock {
  let time = new Date('2026-05-01T12:00:00Z')
  return { now: () => time, advance: (seconds) => void (time = addSeconds(time, seconds)) }
}

/** A log whose lines can be read back. */
export function createTestLog() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  return { log: pino({ level: 'trace' }, stream), lines, text: () => lines.join('') }
}

export const verification = (change: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  kind: 'verification',
  userPoolId,
  medium: 'EMAIL',
  recipient: 'jo@example.com',
  languages: ['en'],
  username: 'jo',
  code: '493817',
  validForMinutes: 1440,
  ...change,
})

export const renderFor = (presentation: PoolPresentation | undefined) =>
  createMessageRenderer({ views: engine, catalogue, brandOf: () => presentation })

/** A database's outbox with all that its workers need; each test makes its own. */
export function createMessagingFixture(database: Database, presentation: PoolPresentation = acme) {
  const stored = outboxRepository(database.kysely)
  let failures = 0
  const outbox: typeof stored = {
    ...stored,
    async markFailed(id, failure) {
      await stored.markFailed(id, failure)
      failures++
    },
  }
  const clock = createTestClock()
  const log = createTestLog()
  const workers: ReturnType<typeof createOutboxWorker>[] = []
  const row = async (index = 0) => (await outboxRows(database))[index]!
  return {
    outbox,
    clock,
    log,
    row,
    rows: () => outboxRows(database),
    enqueue: (change: Partial<OutgoingMessage> = {}) =>
      enqueueMessage({ outbox }, sealedBox, systemRandom, verification(change), clock.now()),
    startWorker(options: Pick<OutboxWorkerOptions, 'senders'> & Partial<OutboxWorkerOptions>) {
      const services = { outbox, clock, sealedBox, random: systemRandom, log: log.log }
      const worker = createOutboxWorker({ ...services, render: renderFor(presentation), ...options })
      workers.push(worker)
      worker.start()
      return worker
    },
    stop: () => Promise.all(workers.map((worker) => worker.stop())),
    async untilState(state: OutboxRow['state'], index = 0) {
      await vi.waitFor(async () => expect((await row(index)).state).toBe(state), { timeout: 5000 })
    },
    /** Waits for the nth failure to be stored. */
    async untilFailed(times: number) {
      await vi.waitFor(() => expect(failures).toBe(times), { timeout: 5000 })
    },
  }
}

export type MessagingFixture = ReturnType<typeof createMessagingFixture>
