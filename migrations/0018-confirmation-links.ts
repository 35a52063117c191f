import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * A sign-up may be confirmed by a link. Its code then knows the browser that asked for it, and the flow that waits there,
 * sealed, since whoever holds a flow's id can walk it. Sign-ups that nobody confirms go after a while: the index finds the
 * oldest of a pool.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('verification_codes')
    .addColumn('browser_hash', 'text')
    .addColumn('sealed_flow_id', 'text')
    .execute()
  await sql`
    create index users_unconfirmed on users (user_pool_id, created_at) where status = 'UNCONFIRMED'`.execute(db)
}
