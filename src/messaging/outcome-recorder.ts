import { setTimeout as sleep } from 'node:timers/promises'
import type { OutboxEntry, OutboxRepository } from '../domain/ports/outbox-repository.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Random } from '../platform/random.ts'
import type { DeliveryOutcome } from './deliver-entry.ts'
import { failureText } from './failure-text.ts'
import { outagePauseMs, retryDelaySeconds } from './retry-schedule.ts'

interface RecorderServices {
  outbox: Pick<OutboxRepository, 'markSent' | 'markFailed'>
  log: Log
  clock: Clock
  random: Pick<Random, 'bytes'>
}

export type OutcomeRecorder = (
  entry: OutboxEntry,
  outcome: DeliveryOutcome,
  until: { leaseEndsAt: Date; signal: AbortSignal },
) => Promise<void>

/**
 * Writes down how deliveries went: sent, to be tried again, or given up on. What is not written down is delivered again,
 * so while the database is away it keeps trying until the lease ends or the signal is given. Never throws.
 */
export function createOutcomeRecorder({ outbox, log, clock, random }: RecorderServices): OutcomeRecorder {
  async function store(entry: OutboxEntry, outcome: DeliveryOutcome): Promise<void> {
    const tries = entry.attempts + 1
    const about = { outboxId: entry.id, tries, ...outcome.about }
    const at = clock.now()
    if (outcome.sent) {
      await outbox.markSent(entry.id, at)
      log.info(about, 'message sent')
      return
    }
    const { error, permanent } = outcome
    const delay = permanent ? undefined : retryDelaySeconds(tries, random)
    const retryAt = delay === undefined ? undefined : addSeconds(at, delay)
    await outbox.markFailed(entry.id, { error, retryAt, at })
    if (retryAt === undefined) log.error({ ...about, error }, 'message given up on')
    else log.warn({ ...about, error, retryAt }, 'message not sent; it will be tried again')
  }

  return async (entry, outcome, { leaseEndsAt, signal }) => {
    for (let failures = 1; ; failures++) {
      try {
        await store(entry, outcome)
        return
      } catch (error) {
        const about = { outboxId: entry.id, reason: failureText(error, undefined) }
        const pauseMs = outagePauseMs(failures, random)
        if (signal.aborted || addSeconds(clock.now(), pauseMs / 1000) > leaseEndsAt) {
          log.error(about, 'how a delivery went could not be stored; the message will be delivered again')
          return
        }
        log.warn(about, 'how a delivery went could not be stored yet')
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}
