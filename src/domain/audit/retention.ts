import type { DomainServices } from '../ports/services.ts'
import type { Repositories, UserPoolRecord } from '../ports/store.ts'
import { addSeconds } from '../../platform/clock.ts'
import { userPoolFrom } from '../user-pools/user-pool-settings.ts'
import { positionOf, sealStart } from './audit-chain.ts'
import type { AuditBatch, TrailStart } from './audit-chain.ts'

type Services = Pick<DomainServices, 'store' | 'sealedBox' | 'clock'>

/** Deleted in one transaction: as many batches as there may be, while they hold no more events than this. */
const biteBatches = 200
const biteEvents = 5000

/** `Audit.RetentionDays` of the user pool; undefined when it is gone. */
export function retentionDaysOf(userPools: readonly UserPoolRecord[], userPoolId: string): number | undefined {
  const record = userPools.find(({ id }) => id === userPoolId)
  return record && userPoolFrom(record).auditRetentionDays
}

/**
 * Takes away what is older than its user pool keeps it: whole batches from the beginning on, so that the rest still proves
 * itself. The trail of a pool that was deleted is kept for as long as the pool had said.
 * @returns how many batches went
 */
export async function pruneAuditTrails(services: Services): Promise<number> {
  const { store, clock } = services
  const userPools = await store.settings.userPools()
  let pruned = 0
  for (const { userPoolId } of await store.auditTrail.starts()) {
    const setting = retentionDaysOf(userPools, userPoolId)
    for (let gone = -1; gone !== 0; pruned += gone) {
      gone = await store.transaction((tx) => pruneBite(services, tx, userPoolId, setting, clock.now()))
    }
  }
  return pruned
}

async function pruneBite(
  { sealedBox }: Services,
  tx: Repositories,
  userPoolId: string,
  setting: number | undefined,
  at: Date,
): Promise<number> {
  if (!(await tx.auditTrail.lock(false))) return 0
  const [head] = await tx.auditTrail.heads([userPoolId])
  // A start that is not ours would be made ours by sealing it anew.
  if (head === undefined || !isSealed(sealedBox, head.start)) return 0
  const { start } = head
  const retentionDays = setting ?? start.retentionDays
  const through = addSeconds(at, -retentionDays * 86_400)
  const due = dueBatches(start, await tx.auditTrail.batches(userPoolId, start.number, biteBatches), through)
  const last = due.at(-1)
  if (last === undefined) {
    const changed = retentionDays !== start.retentionDays
    if (changed) await tx.auditTrail.saveStarts([sealStart(sealedBox, { ...start, retentionDays, sealedAt: at })])
    return 0
  }
  await tx.auditTrail.deleteThrough(last)
  const next = { userPoolId, ...positionOf(last), retentionDays, sealedAt: at }
  await tx.auditTrail.saveStarts([sealStart(sealedBox, next)])
  return due.length
}

export const isSealed = (sealedBox: Services['sealedBox'], start: TrailStart): boolean =>
  sealStart(sealedBox, start).seal === start.seal

/** One batch at least, however large it is. */
function dueBatches(start: TrailStart, batches: readonly AuditBatch[], through: Date): readonly AuditBatch[] {
  const kept = batches.findIndex(
    ({ lastAt, lastSequence }, index) => lastAt > through || (index > 0 && lastSequence - start.sequence > biteEvents),
  )
  return kept < 0 ? batches : batches.slice(0, kept)
}
