import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * A key is published before it signs, and its private half goes before it does (decision 8). Each names the key that it
 * follows, and each is followed once: of two servers that rotate at the same time one makes the next key.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('signing_keys')
    .addColumn('active_at', 'timestamptz')
    .addColumn('predecessor', 'text', (column) => column.notNull().defaultTo(''))
    .alterColumn('sealed_private_key', (column) => column.dropNotNull())
    .execute()
  await sql`
    update signing_keys set active_at = signing_keys.created_at, predecessor = coalesce(ordered.previous, '')
    from (
      select user_pool_id, kid,
        lag(kid) over (partition by user_pool_id, use, algorithm order by created_at, kid desc) as previous
      from signing_keys
    ) as ordered
    where ordered.user_pool_id = signing_keys.user_pool_id and ordered.kid = signing_keys.kid`.execute(db)
  await db.schema
    .alterTable('signing_keys')
    .alterColumn('active_at', (column) => column.setNotNull())
    .execute()
  await db.schema
    .createIndex('signing_keys_predecessor_key')
    .unique()
    .on('signing_keys')
    .columns(['user_pool_id', 'use', 'algorithm', 'predecessor'])
    .execute()
}
