import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { AuditBatch, TrailStart } from '../domain/audit/audit-chain.ts'
import type { LinkedAuditEvent } from '../domain/audit/audit-event.ts'
import type { TrailHead, WaitingEvent } from '../domain/ports/audit-trail-repository.ts'
import {
  auditBatch,
  auditEventColumns,
  batchColumns,
  linkedAuditEvent,
  startColumns,
  startRow,
  trailStart,
} from './audit-rows.ts'
import type { Schema } from './schema.ts'

/* Linking, verifying and pruning trails: work for the background and for auditors. */

/** Any number, the same in every release: "auditlk" in ASCII. */
const trailLock = 0x61_75_64_69_74_6c_6b

/** Goes with its transaction. Without it two servers would only run into each other's primary keys. */
export async function lockTrails(db: Kysely<Schema>, wait: boolean): Promise<boolean> {
  if (wait) {
    await sql`select pg_advisory_xact_lock(${trailLock}::bigint)`.execute(db)
    return true
  }
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${trailLock}::bigint) as locked`.execute(db)
  return rows[0]?.locked === true
}

export async function findHeads(db: Kysely<Schema>, userPoolIds: readonly string[]): Promise<readonly TrailHead[]> {
  const wanted = sql<never>`any(${[...userPoolIds]}::text[])`
  const trails = await db.selectFrom('audit_trails').select(startColumns).where('user_pool_id', '=', wanted).execute()
  const batches = await db
    .selectFrom('audit_trails')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('audit_batches')
          .select(batchColumns)
          .whereRef('audit_batches.user_pool_id', '=', 'audit_trails.user_pool_id')
          .orderBy('number', 'desc')
          .limit(1)
          .as('last'),
      (join) => join.onTrue(),
    )
    .select(batchColumns.map((column) => `last.${column}` as const))
    .where('audit_trails.user_pool_id', '=', wanted)
    .execute()
  const lasts = new Map(batches.map((row) => [row.user_pool_id, auditBatch(row)]))
  return trails.map((row) => ({ start: trailStart(row), last: lasts.get(row.user_pool_id) }))
}

export async function placeEvents(
  db: Kysely<Schema>,
  places: readonly { position: number; sequence: number }[],
): Promise<void> {
  const columns = sql.join(auditEventColumns.map((column) => sql.ref(column)))
  const positions = places.map(({ position }) => position)
  const sequences = places.map(({ sequence }) => sequence)
  await sql`
    with taken as (
      delete from audit_inbox where position = any(${positions}::bigint[]) returning position, ${columns}
    )
    insert into audit_events (sequence, ${columns})
    select sequence, ${columns} from taken
    join unnest(${positions}::bigint[], ${sequences}::bigint[]) as place (position, sequence) using (position)
  `.execute(db)
}

/** Whatever has the same id: an event that was copied has a digest that is right. */
export async function findRepeated(db: Kysely<Schema>, userPoolId: string, first: number, last: number) {
  const row = await db
    .selectFrom('audit_events as event')
    .select(['event.sequence', 'event.id'])
    .where('event.user_pool_id', '=', userPoolId)
    .where('event.sequence', '>=', first)
    .where('event.sequence', '<=', last)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('audit_events as earlier')
          .select('earlier.id')
          .whereRef('earlier.id', '=', 'event.id')
          .whereRef('earlier.user_pool_id', '=', 'event.user_pool_id')
          .whereRef('earlier.sequence', '<', 'event.sequence'),
      ),
    )
    .orderBy('event.sequence')
    .limit(1)
    .executeTakeFirst()
  return row && { ...row, sequence: Number(row.sequence) }
}

/** A look at either end, each by the primary key. */
export async function findOutside(db: Kysely<Schema>, userPoolId: string, first: number, last: number) {
  const events = db.selectFrom('audit_events').select(['sequence', 'id']).where('user_pool_id', '=', userPoolId)
  const row =
    (await events.where('sequence', '<', first).orderBy('sequence').limit(1).executeTakeFirst()) ??
    (await events.where('sequence', '>', last).orderBy('sequence').limit(1).executeTakeFirst())
  return row && { ...row, sequence: Number(row.sequence) }
}

export async function findWaiting(db: Kysely<Schema>, limit: number): Promise<readonly WaitingEvent[]> {
  const rows = await db
    .selectFrom('audit_inbox')
    .select(['position', 'user_pool_id as userPoolId', 'at', 'digest'])
    .orderBy('position')
    .limit(limit)
    .execute()
  return rows.map(({ position, ...row }) => ({ position: Number(position), ...row }))
}

export async function saveStarts(db: Kysely<Schema>, starts: readonly TrailStart[]): Promise<void> {
  await db
    .insertInto('audit_trails')
    .values(starts.map(startRow))
    .onConflict((conflict) =>
      conflict.column('user_pool_id').doUpdateSet((eb) => ({
        start_number: eb.ref('excluded.start_number'),
        start_sequence: eb.ref('excluded.start_sequence'),
        start_digest: eb.ref('excluded.start_digest'),
        retention_days: eb.ref('excluded.retention_days'),
        sealed_at: eb.ref('excluded.sealed_at'),
        seal: eb.ref('excluded.seal'),
      })),
    )
    .execute()
}

export async function findBatches(
  db: Kysely<Schema>,
  userPoolId: string,
  number: number,
  limit: number,
): Promise<readonly AuditBatch[]> {
  const rows = await db
    .selectFrom('audit_batches')
    .select(batchColumns)
    .where('user_pool_id', '=', userPoolId)
    .where('number', '>', number)
    .orderBy('number')
    .limit(limit)
    .execute()
  return rows.map(auditBatch)
}

export async function findBehind(
  db: Kysely<Schema>,
  userPoolId: string,
  sequence: number,
  limit: number,
): Promise<readonly LinkedAuditEvent[]> {
  const rows = await db
    .selectFrom('audit_events')
    .select(['sequence', ...auditEventColumns])
    .where('user_pool_id', '=', userPoolId)
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(linkedAuditEvent)
}

export async function findEvents(
  db: Kysely<Schema>,
  userPoolId: string,
  first: number,
  last: number,
): Promise<readonly LinkedAuditEvent[]> {
  const rows = await db
    .selectFrom('audit_events')
    .select(['sequence', ...auditEventColumns])
    .where('user_pool_id', '=', userPoolId)
    .where('sequence', '>=', first)
    .where('sequence', '<=', last)
    .orderBy('sequence')
    .execute()
  return rows.map(linkedAuditEvent)
}

/** Events and batches in one statement. */
export async function deleteThrough(
  db: Kysely<Schema>,
  { userPoolId, number, lastSequence }: AuditBatch,
): Promise<void> {
  await db
    .with('events', (part) =>
      part.deleteFrom('audit_events').where('user_pool_id', '=', userPoolId).where('sequence', '<=', lastSequence),
    )
    .deleteFrom('audit_batches')
    .where('user_pool_id', '=', userPoolId)
    .where('number', '<=', number)
    .execute()
}
