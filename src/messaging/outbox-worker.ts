import { setTimeout as sleep } from 'node:timers/promises'
import type { OutboxEntry, OutboxRepository } from '../domain/ports/outbox-repository.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Random } from '../platform/random.ts'
import { deliverEntry } from './deliver-entry.ts'
import type { DeliveryServices } from './deliver-entry.ts'
import { failureText } from './failure-text.ts'
import { createOutcomeRecorder } from './outcome-recorder.ts'
import type { OutcomeRecorder } from './outcome-recorder.ts'
import { outagePauseMs } from './retry-schedule.ts'
import { createWakeablePause } from './wakeable-pause.ts'

export interface OutboxWorkerOptions extends DeliveryServices {
  outbox: Pick<OutboxRepository, 'take' | 'markSent' | 'markFailed' | 'nextDueAt'>
  log: Log
  random: Pick<Random, 'bytes'>
  /** Longest wait between two looks at an outbox that nobody woke us for. Default 5 s. */
  pollMs?: number
  /** Messages delivered at once. Default 4. */
  concurrency?: number
  /** How long a delivery may take. Default 60 s. */
  deliveryTimeoutMs?: number
  /** How long `stop` waits for the messages in hand. Default 10 s. */
  stopTimeoutMs?: number
}

/**
 * Delivers what is in the outbox, at least once: a message whose delivery was not recorded (the process died in between,
 * the database was away, the mail server took it but did not say so in time) is delivered again, under the same
 * Message-ID. While a worker lives no other delivers the messages it holds, since a delivery is ended well before its
 * lease is.
 */
export interface OutboxWorker {
  start(): void
  /** There may be something to send: to be called after a commit. Costs nothing; many calls count as one. */
  wake(): void
  /** Waits for the messages in hand, then closes the senders. A stopped worker does not start again. */
  stop(): Promise<void>
}

export const createOutboxWorker = (options: OutboxWorkerOptions): OutboxWorker => new Worker(options)

const minimumPauseMs = 1000
/** What is left of a lease once a delivery has taken its time: to write down how it went. */
const recordingSeconds = 60

class Worker implements OutboxWorker {
  readonly #options: Required<OutboxWorkerOptions>
  readonly #leaseSeconds: number
  readonly #record: OutcomeRecorder
  readonly #pause = createWakeablePause()
  readonly #inHand = new Set<Promise<void>>()
  /** No more messages are taken. */
  readonly #stopping = new AbortController()
  /** Those in hand are let go. */
  readonly #givingUp = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: OutboxWorkerOptions) {
    const usual = { pollMs: 5000, concurrency: 4, deliveryTimeoutMs: 60_000, stopTimeoutMs: 10_000 }
    this.#options = { ...usual, sendElsewhere: async () => false, ...options }
    this.#leaseSeconds = this.#options.deliveryTimeoutMs / 1000 + recordingSeconds
    this.#record = createOutcomeRecorder(options)
  }

  start(): void {
    if (this.#stopping.signal.aborted) throw new Error('a stopped outbox worker does not start again')
    this.#pause.wake()
    this.#running ??= this.#run()
  }

  wake(): void {
    this.#pause.wake()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#pause.wake()
    const done = Promise.resolve(this.#running).then(() => Promise.all(this.#inHand))
    await within(this.#options.stopTimeoutMs, done)
    this.#givingUp.abort()
    await within(minimumPauseMs, done)
    for (const sender of Object.values(this.#options.senders)) sender.close()
  }

  async #run(): Promise<void> {
    const { log, random } = this.#options
    let failures = 0
    while (!this.#stopping.signal.aborted) {
      try {
        const pauseMs = await this.#takeRound()
        failures = 0
        if (pauseMs > 0) await this.#pause.wait(pauseMs)
      } catch (error) {
        failures++
        log.warn({ reason: failureText(error, undefined), failures }, 'the outbox cannot be read')
        // Not to be cut short by `wake`: however many messages are added, a struggling database is left alone.
        await sleepUnless(this.#stopping.signal, outagePauseMs(failures, random))
      }
    }
  }

  /** Takes what there is room for. @returns how long to wait before the next round, in milliseconds */
  async #takeRound(): Promise<number> {
    const { outbox, clock, pollMs, concurrency } = this.#options
    if (this.#inHand.size >= concurrency) {
      await Promise.race(this.#inHand)
      if (this.#stopping.signal.aborted) return 0
    }
    if (!this.#pause.wasWoken()) {
      const dueAt = await outbox.nextDueAt()
      const untilDue = dueAt === undefined ? pollMs : dueAt.getTime() - clock.now().getTime()
      if (untilDue > 0) return Math.min(untilDue, pollMs)
    }
    const limit = concurrency - this.#inHand.size
    const at = clock.now()
    const entries = await outbox.take({ limit, leaseSeconds: this.#leaseSeconds, at })
    for (const entry of entries) this.#hold(entry, at)
    if (entries.length === limit) this.#pause.wake() // there may be more
    return entries.length === 0 ? minimumPauseMs : 0
  }

  #hold(entry: OutboxEntry, takenAt: Date): void {
    const work = this.#deliver(entry, takenAt).finally(() => this.#inHand.delete(work))
    this.#inHand.add(work)
  }

  async #deliver(entry: OutboxEntry, takenAt: Date): Promise<void> {
    const { clock, deliveryTimeoutMs } = this.#options
    const leaseEndsAt = addSeconds(takenAt, this.#leaseSeconds)
    // Taking it took so long that the lease would end before the delivery: it is the next taker's.
    if (addSeconds(clock.now(), deliveryTimeoutMs / 1000) > leaseEndsAt) return
    const deadline = AbortSignal.any([this.#givingUp.signal, AbortSignal.timeout(deliveryTimeoutMs)])
    const outcome = await deliverEntry(entry, this.#options, deadline)
    await this.#record(entry, outcome, { leaseEndsAt, signal: this.#givingUp.signal })
  }
}

/** Sleeps until the time is over or the signal is given. */
const sleepUnless = (signal: AbortSignal, ms: number): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined)

/** Waits for the work, but no longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  await Promise.race([work, sleepUnless(over.signal, ms)])
  over.abort()
}
