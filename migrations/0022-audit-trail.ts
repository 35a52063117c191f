import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * The audit trail (decision 16). An event is written into the inbox in the transaction of what it tells of, where it costs
 * one index. A task in the background moves events on to where they are read, numbers them within their user pool, and
 * links each bite of them to the one before. A trail begins at number 1, or behind what its retention has taken away.
 *
 * Nothing here refers to a user pool or to a user: what befell them outlives them. Times are kept to the millisecond, as
 * they are authenticated; `detail` is JSON as text, for the same reason.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const event = `
    id text not null,
    user_pool_id text not null,
    at timestamptz(3) not null,
    event_type text not null,
    response text not null,
    reason text,
    subject text,
    client_id text,
    actor text not null,
    operator text,
    address text,
    user_agent text,
    request_id text,
    detail text,
    digest text not null`
  await sql`
    create table audit_inbox (position bigint generated always as identity primary key, ${sql.raw(event)})`.execute(db)
  await sql`
    create table audit_events (sequence bigint not null, ${sql.raw(event)}, primary key (user_pool_id, sequence))
  `.execute(db)
  // An index a filter, in the order in which pages are read.
  await sql`create index audit_events_at on audit_events (user_pool_id, at, sequence)`.execute(db)
  await sql`create index audit_events_type on audit_events (user_pool_id, event_type, at, sequence)`.execute(db)
  for (const column of ['subject', 'client_id', 'address']) {
    await sql`
      create index ${sql.ref(`audit_events_${column}`)} on audit_events (user_pool_id, ${sql.ref(column)}, at, sequence)
      where ${sql.ref(column)} is not null`.execute(db)
  }
  await sql`
    create index audit_events_failed on audit_events (user_pool_id, at, sequence) where response = 'Fail'`.execute(db)
  // Finds an event that was put in twice; equality is all that is asked for.
  await sql`create index audit_events_id on audit_events using hash (id)`.execute(db)
  await sql`
    create table audit_batches (
      user_pool_id text not null,
      number bigint not null,
      first_sequence bigint not null,
      last_sequence bigint not null,
      last_at timestamptz(3) not null,
      linked_at timestamptz(3) not null,
      digest text not null,
      primary key (user_pool_id, number)
    )`.execute(db)
  await sql`
    create table audit_trails (
      user_pool_id text primary key,
      start_number bigint not null,
      start_sequence bigint not null,
      start_digest text not null,
      retention_days integer not null,
      sealed_at timestamptz(3) not null,
      seal text not null
    )`.execute(db)
}
