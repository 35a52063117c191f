import type { Kysely } from 'kysely'

/*
 * How long a browser session lasts is a setting: a person may ask to be kept signed in, and a session that lies unused may
 * end earlier. `last_used_at` is null for a session that was not used again since its sign-in.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('browser_sessions')
    .addColumn('remembered', 'boolean', (column) => column.notNull().defaultTo(false))
    .addColumn('last_used_at', 'timestamptz')
    .execute()
}
