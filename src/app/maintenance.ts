import type { Log } from '../platform/log.ts'
import type { OpenServices } from './open-services.ts'

const refreshMs = 1000
const sweepMs = 60_000
const sweepRows = 500

/**
 * Work beside the requests: on a shared database, settings changed by another process are noticed within a second, at the
 * cost of one tiny query; expired rows are swept away in small bites.
 */
export function startMaintenance({ database, directory, domain }: OpenServices, log: Log): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve()
  const guarded = (name: string, work: () => Promise<unknown>) => (): void => {
    running = running
      .then(work)
      .catch((error: unknown) => log.warn({ err: error as Error }, `${name} failed; it will be tried again`))
  }
  const timers = [
    setInterval(
      guarded('sweeping expired rows', () => domain.store.housekeeping.deleteExpired(domain.clock.now(), sweepRows)),
      sweepMs,
    ),
    ...(database.kind === 'postgres'
      ? [
          setInterval(
            guarded('refreshing the settings', () => directory.refresh()),
            refreshMs,
          ),
        ]
      : []),
  ]
  for (const timer of timers) timer.unref()
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await running
    },
  }
}
