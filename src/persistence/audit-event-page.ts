import { sql } from 'kysely'
import type { Kysely, SqlBool } from 'kysely'
import type { LinkedAuditEvent } from '../domain/audit/audit-event.ts'
import type { AuditPageRequest } from '../domain/ports/audit-trail-repository.ts'
import { auditEventColumns, linkedAuditEvent } from './audit-rows.ts'
import type { Schema } from './schema.ts'

/** By time, and by place where that is the same. Each filter has an index in this order. */
export async function auditEventPage(
  db: Kysely<Schema>,
  request: AuditPageRequest,
): Promise<readonly LinkedAuditEvent[]> {
  const { subjects, limit, oldestFirst } = request
  if (subjects === undefined) return pageOf(db, request)
  // A query each, or their common order would have to be made of everything that there is of them.
  const pages = await Promise.all([...new Set(subjects)].map((subject) => pageOf(db, request, subject)))
  const before = oldestFirst ? 1 : -1
  return pages
    .flat()
    .toSorted((a, b) => before * (a.at.getTime() - b.at.getTime() || a.sequence - b.sequence))
    .slice(0, limit)
}

async function pageOf(
  db: Kysely<Schema>,
  request: AuditPageRequest,
  subject?: string,
): Promise<readonly LinkedAuditEvent[]> {
  const { userPoolId, limit, oldestFirst, after, from, to, eventTypes, response, clientId, address } = request
  let query = db
    .selectFrom('audit_events')
    .select(['sequence', ...auditEventColumns])
    .where('user_pool_id', '=', userPoolId)
  if (from !== undefined) query = query.where('at', '>=', from)
  if (to !== undefined) query = query.where('at', '<', to)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (eventTypes !== undefined) query = query.where('event_type', 'in', eventTypes)
  // As its index says: see migrations/0022-audit-trail.
  if (response === 'Fail') query = query.where(sql<SqlBool>`response = 'Fail'`)
  else if (response !== undefined) query = query.where('response', '=', response)
  if (clientId !== undefined) query = query.where('client_id', '=', clientId)
  if (address !== undefined) query = query.where('address', '=', address)
  const direction = oldestFirst ? 'asc' : 'desc'
  if (after !== undefined) {
    const behind = oldestFirst ? sql`>` : sql`<`
    query = query.where(sql<SqlBool>`(at, sequence) ${behind} (${after.at}, ${after.sequence}::bigint)`)
  }
  const rows = await query.orderBy('at', direction).orderBy('sequence', direction).limit(limit).execute()
  return rows.map(linkedAuditEvent)
}
