import { headText } from '../domain/audit/audit-chain.ts'
import type { TrailPosition } from '../domain/audit/audit-chain.ts'
import { linkWaitingEvents } from '../domain/audit/link-events.ts'
import { pruneAuditTrails } from '../domain/audit/retention.ts'
import { deliverEvents } from '../domain/events/deliver-events.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { deleteUnconfirmedSignUps } from '../domain/sign-up/delete-unconfirmed-sign-ups.ts'
import { maintainSigningKeys } from '../domain/tokens/rotate-signing-keys.ts'
import type { Log } from '../platform/log.ts'
import type { OpenServices } from './open-services.ts'

const refreshMs = 1000
const linkMs = 1000
const tellMs = 1000
const roundsKnown = 60
const pruneMs = 600_000
const headsMs = 3_600_000
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
export function startMaintenance(services: OpenServices, log: Log): Maintenance {
  const { database, directory, domain } = services
  const tasks = [repeat('sweeping expired rows', sweepMs, () => sweep(domain), log)]
  const keys = async (): Promise<void> => {
    const rotated = await maintainSigningKeys(domain)
    if (rotated.length > 0) log.info({ userPools: rotated }, 'new signing keys, since the former ones have come of age')
    // A shared database tells by itself.
    if (rotated.length > 0) await directory.refresh()
  }
  tasks.push(repeat('rotating signing keys', keysMs, keys, log))
  // A check of a password costs less once no imported hash is left.
  const forms = async (): Promise<void> => {
    await domain.store.settings.dropUnusedPasswordForms(domain.clock.now())
    await directory.refresh()
  }
  tasks.push(repeat('looking for imported password hashes', keysMs, forms, log))
  tasks.push(...keepAuditTrail(domain, log), tellEvents(services, log))
  if (database.kind === 'postgres') {
    tasks.push(repeat('refreshing the settings', refreshMs, () => directory.refresh(), log))
  }
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()))
    },
  }
}

/**
 * Events are linked within a second or so, and once more when the server stops. The heads go into the log, which is somewhere
 * else: with one of them, what was before it cannot be changed unnoticed, whoever does it (decision 16).
 */
function keepAuditTrail(domain: DomainServices, log: Log): readonly Maintenance[] {
  const seen = new Map<string, TrailPosition>()
  const told = new Map<string, number>()
  const link = async (): Promise<void> => {
    const broken = await linkWaitingEvents(domain, { wait: false, seen })
    if (broken.length > 0) {
      log.error({ userPools: broken }, 'the audit trail was changed or cut: see `latchkey audit verify`')
    }
  }
  const tellHeads = async (): Promise<void> => {
    for (const [userPool, head] of seen) {
      if (told.get(userPool) !== head.number) log.info({ userPool, head: headText(head) }, 'head of the audit trail')
      told.set(userPool, head.number)
    }
  }
  const prune = async (): Promise<void> => {
    const batches = await pruneAuditTrails(domain)
    if (batches > 0) log.info({ batches }, 'audit events went, since they were as old as they are kept')
  }
  const linking = repeat('linking the audit trail', linkMs, link, log)
  const telling = repeat('telling the heads of the audit trail', headsMs, tellHeads, log)
  const last: Maintenance = {
    async stop() {
      await Promise.all([linking.stop(), telling.stop()])
      // What waits will be linked by the next server, or by whoever reads the trail.
      await link().catch((error: unknown) => log.warn({ err: error as Error }, 'the audit trail was not linked'))
      await tellHeads()
    },
  }
  return [last, repeat('pruning the audit trail', pruneMs, prune, log)]
}

/** Receivers of events are told within a second or two of what the trail has; none costs nothing. */
function tellEvents({ domain, directory, eventSender: sender }: OpenServices, log: Log): Maintenance {
  const known = new Set<string>()
  let rounds = 0
  const tell = async (): Promise<void> => {
    // A user pool may have been deleted and made anew.
    if (rounds % roundsKnown === 0) known.clear()
    rounds += 1
    const userPools = directory.all().filter(({ eventWebhooks }) => eventWebhooks.length > 0)
    if (userPools.length === 0) return
    const receivers = userPools.flatMap(({ id: userPoolId, eventWebhooks }) =>
      eventWebhooks.map(({ name }) => ({ userPoolId, name })),
    )
    const added = receivers.filter(({ userPoolId, name }) => !known.has(`${userPoolId} ${name}`))
    if (added.length > 0) await domain.store.eventDeliveries.ensure(added, domain.clock.now())
    for (const { userPoolId, name } of added) known.add(`${userPoolId} ${name}`)
    await deliverEvents({ ...domain, sender }, userPools)
  }
  return repeat('telling the receivers of events', tellMs, tell, log)
}

/** As long as bites come back nearly full there is more: a backlog is worked off, not built up. */
async function sweep(domain: DomainServices): Promise<void> {
  const { store, clock } = domain
  for (let bites = 0; bites < maximumSweeps; bites += 1) {
    const expired = await store.housekeeping.deleteExpired(clock.now(), sweepRows)
    if (expired < sweepRows && (await deleteUnconfirmedSignUps(domain, sweepRows)) < sweepRows) return
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
