import type { Kysely } from 'kysely'
import type { AuditTrailRepository } from '../domain/ports/audit-trail-repository.ts'
import {
  deleteThrough,
  findBatches,
  findBehind,
  findEvents,
  findHeads,
  findOutside,
  findRepeated,
  findWaiting,
  lockTrails,
  placeEvents,
  saveStarts,
} from './audit-chain-rows.ts'
import { auditEventPage } from './audit-event-page.ts'
import { auditEventRow, batchRow, startColumns, trailStart } from './audit-rows.ts'
import type { Schema } from './schema.ts'

export const auditTrailRepository = (db: Kysely<Schema>): AuditTrailRepository => ({
  async add(events) {
    await db.insertInto('audit_inbox').values(events.map(auditEventRow)).execute()
  },
  async hasWaiting() {
    const row = await db.selectFrom('audit_inbox').select('position').orderBy('position').limit(1).executeTakeFirst()
    return row !== undefined
  },
  lock: (wait) => lockTrails(db, wait),
  waiting: (limit) => findWaiting(db, limit),
  heads: (userPoolIds) => findHeads(db, userPoolIds),
  place: (places) => placeEvents(db, places),
  async addBatches(batches) {
    await db.insertInto('audit_batches').values(batches.map(batchRow)).execute()
  },
  async starts() {
    return (await db.selectFrom('audit_trails').select(startColumns).orderBy('user_pool_id').execute()).map(trailStart)
  },
  saveStarts: (starts) => saveStarts(db, starts),
  batches: (userPoolId, number, limit) => findBatches(db, userPoolId, number, limit),
  events: (userPoolId, first, last) => findEvents(db, userPoolId, first, last),
  behind: (userPoolId, sequence, limit) => findBehind(db, userPoolId, sequence, limit),
  repeated: (userPoolId, first, last) => findRepeated(db, userPoolId, first, last),
  outside: (userPoolId, first, last) => findOutside(db, userPoolId, first, last),
  deleteThrough: (batch) => deleteThrough(db, batch),
  page: (request) => auditEventPage(db, request),
})
