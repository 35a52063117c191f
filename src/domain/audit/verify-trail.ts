import type { DomainServices } from '../ports/services.ts'
import type { AuditTrailRepository } from '../ports/audit-trail-repository.ts'
import { linkBatch, positionOf } from './audit-chain.ts'
import type { AuditBatch, TrailPosition } from './audit-chain.ts'
import { eventDigest } from './audit-event.ts'
import { isSealed } from './retention.ts'

type Services = Pick<DomainServices, 'store' | 'sealedBox'>

/** A trail may be long: as many batches a call as there may be, while they hold no more events than this. */
const partBatches = 200
const partEvents = 5000

/** The first thing that is not as it was written. */
export type TrailProblem =
  /** Where the trail begins was not sealed by this server: something was cut off there. */
  | { kind: 'startChanged' }
  | { kind: 'batchMissing'; number: number }
  /** Its own row, or the order of its events. */
  | { kind: 'batchChanged'; number: number; sequence: number }
  | { kind: 'eventMissing'; number: number; sequence: number }
  | { kind: 'eventChanged' | 'eventRepeated' | 'eventAdded'; sequence: number; id: string }
  /** The head that somebody wrote down is not this trail's any more. */
  | { kind: 'headMissing' | 'headChanged'; number: number }

export interface VerifyRequest {
  userPoolId: string
  /** Behind what has been verified already; absent: from the beginning. */
  from?: TrailPosition
  /** As somebody wrote it down. */
  head?: Pick<TrailPosition, 'number' | 'digest'>
}

export interface VerifiedPart {
  /** Up to here all is well. */
  position: TrailPosition
  events: number
  /** What is before is gone, by retention. */
  beginsBehind: number
  problem?: TrailProblem
  /** `gone`: retention has taken what it stood for, so it proves nothing any more. */
  head?: 'matched' | 'gone'
  /** There is more to verify. */
  more: boolean
}

/** Verifies a part of a trail; undefined: there is none. */
export function verifyTrail(services: Services, request: VerifyRequest): Promise<VerifiedPart | undefined> {
  return services.store.transaction(async ({ auditTrail }) => {
    await auditTrail.lock(true)
    const [head] = await auditTrail.heads([request.userPoolId])
    if (head === undefined) return verifyAbsence(auditTrail, request)
    const { start } = head
    const { from } = request
    const begin = from === undefined || from.number < start.number ? start : from
    const moved = from !== undefined && from.number === start.number && from.digest !== start.digest
    const part: VerifiedPart = { position: begin, events: 0, beginsBehind: start.sequence, more: false }
    if (!isSealed(services.sealedBox, start) || moved) return { ...part, problem: { kind: 'startChanged' } }
    const before = headBefore(request, start)
    if (before !== undefined && 'kind' in before) return { ...part, problem: before }
    return { ...before, ...(await verifyBatches(services, auditTrail, request, part)) }
  })
}

/** Without a start there should be nothing at all. */
async function verifyAbsence(
  auditTrail: AuditTrailRepository,
  { userPoolId, head }: VerifyRequest,
): Promise<VerifiedPart | undefined> {
  const leftBatch = (await auditTrail.batches(userPoolId, 0, 1)).length > 0
  const left = leftBatch || (await auditTrail.outside(userPoolId, 1, 0)) !== undefined
  if (!left && head === undefined) return undefined
  const problem: TrailProblem =
    left || head === undefined ? { kind: 'startChanged' } : { kind: 'headMissing', number: head.number }
  return { position: { number: 0, sequence: 0, digest: '' }, events: 0, beginsBehind: 0, more: false, problem }
}

/** A head at the start of the trail or before it; undefined: it comes later, or was not asked for. */
function headBefore(
  { head, from }: VerifyRequest,
  start: TrailPosition,
): Pick<VerifiedPart, 'head'> | TrailProblem | undefined {
  if (head === undefined || head.number > start.number || from !== undefined) return undefined
  if (head.number < start.number) return { head: 'gone' }
  return head.digest === start.digest ? { head: 'matched' } : { kind: 'headChanged', number: head.number }
}

async function verifyBatches(
  services: Services,
  auditTrail: AuditTrailRepository,
  { userPoolId, head }: VerifyRequest,
  part: VerifiedPart,
): Promise<VerifiedPart> {
  const batches = await auditTrail.batches(userPoolId, part.position.number, partBatches)
  for (const batch of batches) {
    if (part.events > partEvents) return { ...part, more: true }
    const problem = await batchProblem(services, auditTrail, part.position, batch)
    if (problem !== undefined) return { ...part, problem }
    part.position = positionOf(batch)
    part.events += batch.lastSequence - batch.firstSequence + 1
    if (head?.number !== batch.number) continue
    if (head.digest !== batch.digest) return { ...part, problem: { kind: 'headChanged', number: batch.number } }
    part.head = 'matched'
  }
  if (batches.length === partBatches) return { ...part, more: true }
  const stray = await auditTrail.outside(userPoolId, part.beginsBehind + 1, part.position.sequence)
  if (stray !== undefined) return { ...part, problem: { kind: 'eventAdded', ...stray } }
  if (head !== undefined && head.number > part.position.number) {
    return { ...part, problem: { kind: 'headMissing', number: head.number } }
  }
  return part
}

/** Event by event first, so that the first one that was touched is named. */
async function batchProblem(
  { sealedBox }: Services,
  auditTrail: AuditTrailRepository,
  previous: TrailPosition,
  batch: AuditBatch,
): Promise<TrailProblem | undefined> {
  const { userPoolId, number, firstSequence, lastSequence } = batch
  if (number !== previous.number + 1) return { kind: 'batchMissing', number: previous.number + 1 }
  const changed: TrailProblem = { kind: 'batchChanged', number, sequence: previous.sequence + 1 }
  if (firstSequence !== previous.sequence + 1) return changed
  const events = await auditTrail.events(userPoolId, firstSequence, lastSequence)
  for (const [index, event] of events.entries()) {
    const sequence = firstSequence + index
    if (event.sequence !== sequence) return { kind: 'eventMissing', number, sequence }
    if (eventDigest(sealedBox, event) !== event.digest) return { kind: 'eventChanged', sequence, id: event.id }
  }
  if (firstSequence + events.length <= lastSequence) {
    return { kind: 'eventMissing', number, sequence: firstSequence + events.length }
  }
  const digests = events.map(({ digest }) => digest)
  if (linkBatch(sealedBox, previous, batch, digests).digest !== batch.digest) return changed
  const repeated = await auditTrail.repeated(userPoolId, firstSequence, lastSequence)
  return repeated && { kind: 'eventRepeated', ...repeated }
}
