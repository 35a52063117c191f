import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * What the rate limits have counted, across the servers of one PostgreSQL (decision 15). The columns are those of the
 * limiter library, in its order. Unlogged: nothing of it is worth a write to the log, and counts that a crash of the
 * database takes away begin anew. The embedded database counts in memory, and leaves this empty.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create unlogged table rate_limits (
      key text not null constraint rate_limits_pkey primary key,
      points integer not null default 0,
      expire bigint
    )`.execute(db)
  await db.schema.createIndex('rate_limits_expiry').on('rate_limits').column('expire').execute()
}
