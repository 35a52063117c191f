import type { Kysely } from 'kysely'

/*
 * From where a browser signed in, so that people find their own among their sessions. Null: a session from before, or one
 * that said nothing of itself.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('browser_sessions').addColumn('address', 'text').addColumn('user_agent', 'text').execute()
}
