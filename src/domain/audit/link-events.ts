import type { DomainServices } from '../ports/services.ts'
import type { TrailHead, WaitingEvent } from '../ports/audit-trail-repository.ts'
import type { Repositories } from '../ports/store.ts'
import { linkBatch, positionOf, sealStart } from './audit-chain.ts'
import type { AuditBatch, TrailPosition, TrailStart } from './audit-chain.ts'
import { defaultRetentionDays } from '../user-pools/user-pool-settings.ts'
import { retentionDaysOf } from './retention.ts'

type Services = Pick<DomainServices, 'store' | 'sealedBox' | 'clock'>

/** Events linked in one transaction: some milliseconds, which the embedded database has nothing else to do in. */
const biteEvents = 1000

export interface LinkOptions {
  /** False: when somebody else is at it, they may do it all. */
  wait: boolean
  /** The heads that this process has seen, by user pool; brought up to date. */
  seen?: Map<string, TrailPosition>
}

/**
 * Moves events from the inbox into the trails of their user pools and links them. Safe on several servers at once: one links,
 * and the numbers are unique whatever happens.
 * @returns user pools whose trail has lost or changed what this process had seen in it
 */
export async function linkWaitingEvents(
  services: Services,
  { wait, seen = new Map() }: LinkOptions,
): Promise<readonly string[]> {
  const broken: string[] = []
  // Asked outside of a transaction: nearly always there is nothing to do.
  while (await services.store.auditTrail.hasWaiting()) {
    const linked = await services.store.transaction((tx) => linkBite(services, tx, wait))
    if (linked === undefined) return broken
    for (const { head, batch } of linked) {
      const { userPoolId } = head.start
      if (isBroken(seen.get(userPoolId), head)) broken.push(userPoolId)
      seen.set(userPoolId, positionOf(batch))
    }
  }
  return broken
}

interface Linked {
  /** As it was found. */
  head: TrailHead
  batch: AuditBatch
}

async function linkBite(services: Services, tx: Repositories, wait: boolean): Promise<readonly Linked[] | undefined> {
  if (!(await tx.auditTrail.lock(wait))) return undefined
  const waiting = await tx.auditTrail.waiting(biteEvents)
  // Another server has linked them since this one looked.
  if (waiting.length === 0) return []
  const byPool = Map.groupBy(waiting, ({ userPoolId }) => userPoolId)
  const known = await tx.auditTrail.heads([...byPool.keys()])
  const begun = await beginTrails(
    services,
    tx,
    [...byPool.keys()].filter((id) => !known.some(isHeadOf(id))),
  )
  const linked = [...known, ...begun].map((head) => link(services, head, byPool.get(head.start.userPoolId) ?? []))
  await tx.auditTrail.place(linked.flatMap(({ places }) => places))
  await tx.auditTrail.addBatches(linked.map(({ batch }) => batch))
  return linked
}

const isHeadOf =
  (userPoolId: string) =>
  ({ start }: TrailHead): boolean =>
    start.userPoolId === userPoolId

function link({ sealedBox, clock }: Services, head: TrailHead, events: readonly WaitingEvent[]) {
  const previous = head.last === undefined ? head.start : positionOf(head.last)
  const lastAt = new Date(Math.max(...events.map(({ at }) => at.getTime())))
  const { userPoolId } = head.start
  const digests = events.map(({ digest }) => digest)
  const batch = linkBatch(sealedBox, previous, { userPoolId, lastAt, linkedAt: clock.now() }, digests)
  const places = events.map(({ position }, index) => ({ position, sequence: batch.firstSequence + index }))
  return { head, batch, places }
}

async function beginTrails(
  { sealedBox, clock }: Services,
  tx: Repositories,
  userPoolIds: readonly string[],
): Promise<readonly TrailHead[]> {
  if (userPoolIds.length === 0) return []
  const userPools = await tx.settings.userPools()
  const starts = userPoolIds.map((userPoolId): TrailStart => {
    const retentionDays = retentionDaysOf(userPools, userPoolId) ?? defaultRetentionDays
    return sealStart(sealedBox, {
      userPoolId,
      number: 0,
      sequence: 0,
      digest: '',
      retentionDays,
      sealedAt: clock.now(),
    })
  })
  await tx.auditTrail.saveStarts(starts)
  return starts.map((start) => ({ start, last: undefined }))
}

/** Only what is certain: another server may have linked on since, and retention may have taken what was seen. */
function isBroken(seen: TrailPosition | undefined, { start, last }: TrailHead): boolean {
  if (seen === undefined) return false
  const found = last === undefined ? start : positionOf(last)
  return found.number < seen.number || (found.number === seen.number && found.digest !== seen.digest)
}
