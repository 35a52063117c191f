import type { DomainServices } from '../domain/ports/services.ts'
import { maintainSigningKeys } from '../domain/tokens/rotate-signing-keys.ts'
import type { Log } from '../platform/log.ts'
import type { OpenServices } from './open-services.ts'

const refreshMs = 1000
const sweepMs = 60_000
const keysMs = 600_000
const sweepRows = 500
/** Bites a sweep: far more than a busy minute leaves, and an end for one that nothing would end. */
const maximumSweeps = 200

export interface Maintenance {
  stop(): Promise<void>
}

/**
 * Work beside the requests: on a shared database, settings changed by another process are noticed within a second, at the
 * cost of one tiny query; expired rows are swept away in small bites.
 */
export function startMaintenance({ database, directory, domain }: OpenServices, log: Log): Maintenance {
  const tasks = [repeat('sweeping expired rows', sweepMs, () => sweep(domain), log)]
  const keys = async (): Promise<void> => {
    const rotated = await maintainSigningKeys(domain)
    if (rotated.length > 0) log.info({ userPools: rotated }, 'new signing keys, since the former ones have come of age')
    // A shared database tells by itself.
    if (rotated.length > 0) await directory.refresh()
  }
  tasks.push(repeat('rotating signing keys', keysMs, keys, log))
  if (database.kind === 'postgres') {
    tasks.push(repeat('refreshing the settings', refreshMs, () => directory.refresh(), log))
  }
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()))
    },
  }
}

/** As long as bites come back nearly full there is more: a backlog is worked off, not built up. */
async function sweep({ store, clock }: DomainServices): Promise<void> {
  for (let bites = 0; bites < maximumSweeps; bites += 1) {
    if ((await store.housekeeping.deleteExpired(clock.now(), sweepRows)) < sweepRows) return
  }
}

/** One run at a time: a slow one is not overtaken by the next. */
function repeat(name: string, everyMs: number, work: () => Promise<void>, log: Log): Maintenance {
  let running: Promise<void> | undefined
  const run = (): void => {
    running ??= work()
      .catch((error: unknown) => log.warn({ err: error as Error }, `${name} failed; it will be tried again`))
      .finally(() => {
        running = undefined
      })
  }
  const timer = setInterval(run, everyMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
