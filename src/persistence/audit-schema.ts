import type { ColumnType, GeneratedAlways } from 'kysely'
import type { AuditActor, AuditEventType, AuditResponse } from '../domain/audit/audit-event.ts'

/* The tables of the audit trail. The drivers give 64-bit numbers as text or as a bigint. */

export interface AuditSchema {
  audit_inbox: AuditEventColumns & { position: GeneratedAlways<Int8> }
  audit_events: AuditEventColumns & { sequence: Int8 }
  audit_batches: AuditBatchesTable
  audit_trails: AuditTrailsTable
  event_deliveries: EventDeliveriesTable
}

type Int8 = ColumnType<string | number | bigint, number, number>

export interface AuditEventColumns {
  id: string
  user_pool_id: string
  at: Date
  event_type: AuditEventType
  response: AuditResponse
  reason: string | null
  subject: string | null
  client_id: string | null
  actor: AuditActor
  operator: string | null
  address: string | null
  user_agent: string | null
  request_id: string | null
  detail: string | null
  digest: string
}

interface AuditBatchesTable {
  user_pool_id: string
  number: Int8
  first_sequence: Int8
  last_sequence: Int8
  last_at: Date
  linked_at: Date
  digest: string
}

export interface EventDeliveriesTable {
  user_pool_id: string
  name: string
  sequence: Int8
  attempts: number
  skipped: number
  next_at: Date
  delivered_at: Date | null
  last_error: string | null
  lease: string | null
  leased_until: Date | null
}

interface AuditTrailsTable {
  user_pool_id: string
  start_number: Int8
  start_sequence: Int8
  start_digest: string
  retention_days: number
  sealed_at: Date
  seal: string
}
