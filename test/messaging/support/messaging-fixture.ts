import { Writable } from 'node:stream'
import pino from 'pino'
import { expect, vi } from 'vitest'
import { enqueueMessage } from '../../../src/domain/messages/enqueue-message.ts'
import type { OutgoingMessage } from '../../../src/domain/messages/message.ts'
import type { PoolPresentation } from '../../../src/messaging/message-texts.ts'
import { createOutboxWorker, type OutboxWorkerOptions } from '../../../src/messaging/outbox-worker.ts'
import type { Database } from '../../../src/persistence/database.ts'
import { outboxRepository } from '../../../src/persistence/outbox-repository.ts'
import { addSeconds, type Clock } from '../../../src/platform/clock.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { outboxRows, type OutboxRow } from './messaging-database.ts'
import { acme, renderFor, sealedBox, verification } from './sample-messages.ts'

export interface TestClock extends Clock {
  advance(seconds: number): void
}

export function createTestClock(start = new Date('2026-05-01T12:00:00Z')): TestClock {
  let time = start
  return { now: () => time, advance: (seconds) => void (time = addSeconds(time, seconds)) }
}

/** A log whose lines can be read back. */
function createTestLog() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  return { log: pino({ level: 'trace' }, stream), lines, text: () => lines.join('') }
}

interface FixtureOptions {
  presentation?: PoolPresentation
  startAt?: Date
}

/** A database's outbox with all that its workers need; each test makes its own. */
export function createMessagingFixture(database: Database, options: FixtureOptions = {}) {
  const { presentation = acme, startAt } = options
  const stored = outboxRepository(database.kysely)
  let failures = 0
  const outbox: typeof stored = {
    ...stored,
    async markFailed(id, failure) {
      await stored.markFailed(id, failure)
      failures++
    },
  }
  const clock = createTestClock(startAt)
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
      enqueueMessage({ sealedBox, random: systemRandom, caller: {} }, { outbox }, verification(change), clock.now()),
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
