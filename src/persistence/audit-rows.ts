import type { Selectable } from 'kysely'
import type { AuditBatch, TrailStart } from '../domain/audit/audit-chain.ts'
import type { LinkedAuditEvent, SealedAuditEvent } from '../domain/audit/audit-event.ts'
import type { AuditEventColumns, AuditSchema } from './audit-schema.ts'
import { present } from './rows.ts'

export const auditEventColumns = [
  ...(['id', 'user_pool_id', 'at', 'event_type', 'response', 'reason', 'subject', 'client_id'] as const),
  ...(['actor', 'operator', 'address', 'user_agent', 'request_id', 'detail', 'digest'] as const),
] as const satisfies readonly (keyof AuditEventColumns)[]

export const auditEventRow = (event: SealedAuditEvent): AuditEventColumns => ({
  id: event.id,
  user_pool_id: event.userPoolId,
  at: event.at,
  event_type: event.eventType,
  response: event.response,
  reason: event.reason ?? null,
  subject: event.subject ?? null,
  client_id: event.clientId ?? null,
  actor: event.actor,
  operator: event.operator ?? null,
  address: event.address ?? null,
  user_agent: event.userAgent ?? null,
  request_id: event.requestId ?? null,
  detail: event.detail ?? null,
  digest: event.digest,
})

export const linkedAuditEvent = (row: Selectable<AuditSchema['audit_events']>): LinkedAuditEvent => {
  const { user_pool_id: userPoolId, event_type: eventType, client_id: clientId, sequence, ...rest } = row
  const { user_agent: userAgent, request_id: requestId, ...same } = rest
  return {
    ...present({ ...same, clientId, userAgent, requestId }),
    userPoolId,
    eventType,
    sequence: Number(sequence),
  }
}

/* Named, all of them: a prepared `select *` fails once a later release adds a column. */

export const batchColumns = [
  ...(['user_pool_id', 'number', 'first_sequence', 'last_sequence', 'last_at', 'linked_at', 'digest'] as const),
] as const

export const startColumns = [
  ...(['user_pool_id', 'start_number', 'start_sequence', 'start_digest', 'retention_days', 'sealed_at'] as const),
  'seal',
] as const

export const batchRow = (batch: AuditBatch) => ({
  user_pool_id: batch.userPoolId,
  number: batch.number,
  first_sequence: batch.firstSequence,
  last_sequence: batch.lastSequence,
  last_at: batch.lastAt,
  linked_at: batch.linkedAt,
  digest: batch.digest,
})

export const auditBatch = (row: Selectable<AuditSchema['audit_batches']>): AuditBatch => ({
  userPoolId: row.user_pool_id,
  number: Number(row.number),
  firstSequence: Number(row.first_sequence),
  lastSequence: Number(row.last_sequence),
  lastAt: row.last_at,
  linkedAt: row.linked_at,
  digest: row.digest,
})

export const startRow = (start: TrailStart) => ({
  user_pool_id: start.userPoolId,
  start_number: start.number,
  start_sequence: start.sequence,
  start_digest: start.digest,
  retention_days: start.retentionDays,
  sealed_at: start.sealedAt,
  seal: start.seal,
})

export const trailStart = (row: Selectable<AuditSchema['audit_trails']>): TrailStart => ({
  userPoolId: row.user_pool_id,
  number: Number(row.start_number),
  sequence: Number(row.start_sequence),
  digest: row.start_digest,
  retentionDays: row.retention_days,
  sealedAt: row.sealed_at,
  seal: row.seal,
})
