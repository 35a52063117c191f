import type { Kysely } from 'kysely'

/* What became of an import goes after a while: it names people whose rows were refused. Housekeeping finds it by its age. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('user_imports_started_at').on('user_imports').column('started_at').execute()
}
