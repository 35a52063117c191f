import type { AuditEventType, AuditResponse, LinkedAuditEvent, SealedAuditEvent } from '../audit/audit-event.ts'
import type { AuditBatch, TrailStart } from '../audit/audit-chain.ts'

/** What of an event that waits to be linked is needed for that. */
export interface WaitingEvent {
  /** In the order in which they were written. */
  position: number
  userPoolId: string
  at: Date
  digest: string
}

/** Where a trail stands: its last batch, or none since it began. */
export interface TrailHead {
  start: TrailStart
  last: AuditBatch | undefined
}

export interface AuditPageRequest {
  userPoolId: string
  limit: number
  oldestFirst: boolean
  /** The event behind which the page begins. */
  after?: { at: Date; sequence: number }
  /** At this moment or later. */
  from?: Date
  /** Before this moment. */
  to?: Date
  /** Any of these. */
  subjects?: readonly string[]
  /** Any of these. */
  eventTypes?: readonly AuditEventType[]
  response?: AuditResponse
  clientId?: string
  address?: string
}

export interface AuditTrailRepository {
  /** One statement, to be written in the transaction of what the events tell of. */
  add(events: readonly SealedAuditEvent[]): Promise<void>
  /** Whether any event waits to be linked. A tiny query. */
  hasWaiting(): Promise<boolean>
  /**
   * Lets nobody else link, verify or prune until the end of the transaction.
   * @param wait false: gives up at once when somebody else does
   */
  lock(wait: boolean): Promise<boolean>
  /** Oldest first. */
  waiting(limit: number): Promise<readonly WaitingEvent[]>
  /** Those that have begun. */
  heads(userPoolIds: readonly string[]): Promise<readonly TrailHead[]>
  /** Moves events to their places, which are their numbers within their user pool. */
  place(places: readonly { position: number; sequence: number }[]): Promise<void>
  addBatches(batches: readonly AuditBatch[]): Promise<void>
  /** Of every user pool that ever had an event, deleted ones among them. */
  starts(): Promise<readonly TrailStart[]>
  saveStarts(starts: readonly TrailStart[]): Promise<void>
  /** In their order, those behind `number`. */
  batches(userPoolId: string, number: number, limit: number): Promise<readonly AuditBatch[]>
  /** In their order, both ends among them. */
  events(userPoolId: string, first: number, last: number): Promise<readonly LinkedAuditEvent[]>
  /** Those behind this number, in their order. */
  behind(userPoolId: string, sequence: number, limit: number): Promise<readonly LinkedAuditEvent[]>
  /** The first event in this range that has the id of one before it. */
  repeated(userPoolId: string, first: number, last: number): Promise<{ sequence: number; id: string } | undefined>
  /** The first event that stands outside of this range. */
  outside(userPoolId: string, first: number, last: number): Promise<{ sequence: number; id: string } | undefined>
  /** Deletes the trail up to and with this batch. */
  deleteThrough(batch: AuditBatch): Promise<void>
  page(request: AuditPageRequest): Promise<readonly LinkedAuditEvent[]>
}
