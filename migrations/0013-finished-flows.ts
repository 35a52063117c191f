import type { Kysely } from 'kysely'

/*
 * A finished flow stays until it would have expired, emptied, so that a second tab, a double click or the back button can
 * be told that the sign-in is done, and not that it took too long.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('flows').addColumn('finished_at', 'timestamptz').execute()
}
