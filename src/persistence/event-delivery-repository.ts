import { sql } from 'kysely'
import type { Kysely, Selectable } from 'kysely'
import type { EventDelivery } from '../domain/events/event-webhook.ts'
import type { EventDeliveryRepository } from '../domain/ports/event-delivery-repository.ts'
import type { EventDeliveriesTable } from './audit-schema.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

const columns = [
  ...(['user_pool_id', 'name', 'sequence', 'attempts', 'skipped', 'next_at', 'delivered_at', 'last_error'] as const),
] as const

const deliveryOf = (row: Pick<Selectable<EventDeliveriesTable>, (typeof columns)[number]>): EventDelivery => ({
  ...present({ deliveredAt: row.delivered_at, lastError: row.last_error }),
  userPoolId: row.user_pool_id,
  name: row.name,
  sequence: Number(row.sequence),
  attempts: row.attempts,
  skipped: row.skipped,
  nextAt: row.next_at,
})

export const eventDeliveryRepository = (db: Kysely<Schema>): EventDeliveryRepository => ({
  ensure: (receivers, at) => ensureDeliveries(db, receivers, at),
  due: (at, limit) => dueDeliveries(db, at, limit),
  async lease({ userPoolId, name }, { id, until, at }) {
    const row = await db
      .updateTable('event_deliveries')
      .set({ lease: id, leased_until: until })
      .where('user_pool_id', '=', userPoolId)
      .where('name', '=', name)
      .where('next_at', '<=', at)
      .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<=', at)]))
      .returning(columns)
      .executeTakeFirst()
    return row && deliveryOf(row)
  },
  async save(delivery, { id, release }) {
    const { numUpdatedRows } = await db
      .updateTable('event_deliveries')
      .set({
        sequence: delivery.sequence,
        attempts: delivery.attempts,
        skipped: delivery.skipped,
        next_at: delivery.nextAt,
        delivered_at: delivery.deliveredAt ?? null,
        last_error: delivery.lastError ?? null,
        ...(release && { lease: null, leased_until: null }),
      })
      .where('user_pool_id', '=', delivery.userPoolId)
      .where('name', '=', delivery.name)
      .where('lease', '=', id)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async releaseAll() {
    await db.updateTable('event_deliveries').set({ lease: null, leased_until: null }).execute()
  },
  async ofPool(userPoolId) {
    const rows = await db
      .selectFrom('event_deliveries')
      .select(columns)
      .where('user_pool_id', '=', userPoolId)
      .orderBy('name')
      .execute()
    return rows.map(deliveryOf)
  },
  async rewind({ userPoolId, name, sequence }, at) {
    const { numUpdatedRows } = await db
      .updateTable('event_deliveries')
      .set({ sequence, attempts: 0, next_at: at, lease: null, leased_until: null })
      .where('user_pool_id', '=', userPoolId)
      .where('name', '=', name)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
})

async function ensureDeliveries(
  db: Kysely<Schema>,
  receivers: readonly Pick<EventDelivery, 'userPoolId' | 'name'>[],
  at: Date,
): Promise<void> {
  const pools = receivers.map(({ userPoolId }) => userPoolId)
  const names = receivers.map(({ name }) => name)
  await sql`
    insert into event_deliveries (user_pool_id, name, sequence, attempts, skipped, next_at)
    select pool, name, coalesce((
      select sequence from audit_events where user_pool_id = pool order by sequence desc limit 1), 0), 0, 0, ${at}
    from unnest(${pools}::text[], ${names}::text[]) as given (pool, name)
    on conflict do nothing`.execute(db)
}

async function dueDeliveries(
  db: Kysely<Schema>,
  at: Date,
  limit: number,
): Promise<readonly Pick<EventDelivery, 'userPoolId' | 'name'>[]> {
  const { rows } = await sql<{ userPoolId: string; name: string }>`
    select user_pool_id as "userPoolId", name from event_deliveries
    where next_at <= ${at} and (leased_until is null or leased_until <= ${at}) and exists (
      select from audit_events
      where audit_events.user_pool_id = event_deliveries.user_pool_id
        and audit_events.sequence > event_deliveries.sequence)
    order by next_at limit ${limit}`.execute(db)
  return rows
}
