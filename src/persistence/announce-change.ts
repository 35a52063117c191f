import { sql } from 'kysely'
import type { Kysely, QueryCreator, RawBuilder, SqlBool } from 'kysely'
import type { Schema } from './schema.ts'

/** A query whose part named `changed` yields the pool of each row that it wrote. */
export type WithChanged = QueryCreator<Schema & { changed: { user_pool_id: string } }>

/**
 * Ends a statement that writes settings: when its part named `changed` yields a row, the pool's version and the
 * generation grow within the same statement; else nothing is written.
 * @param at when, if the pool's row shall say so
 * @returns whether anything changed
 */
export async function announceChange(query: WithChanged, at?: Date): Promise<boolean> {
  const result = await query
    .with('versioned', (part) =>
      part
        .updateTable('user_pools')
        .set((eb) => ({ version: eb('version', '+', 1), ...(at && { updated_at: at }) }))
        .where('id', 'in', (eb) => eb.selectFrom('changed').select('user_pool_id')),
    )
    .updateTable('settings_generation')
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('id', '=', 1)
    .where((eb) => eb.exists(eb.selectFrom('changed').select('user_pool_id')))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** The same for a change of several statements, in whose transaction it stands. */
export async function announceChangeOf(trx: Kysely<Schema>, userPoolId: string, at: Date): Promise<void> {
  const changed = trx.with('changed', (part) =>
    part.selectFrom('user_pools').select('id as user_pool_id').where('id', '=', userPoolId),
  )
  await announceChange(changed, at)
}

/** Of an upsert: whether any of these columns would change. Compares jsonb by value, not by the order of members. */
export function differs(table: keyof Schema, columns: readonly string[]): RawBuilder<SqlBool> {
  const stored = sql.join(columns.map((column) => sql.ref(`${table}.${column}`)))
  const given = sql.join(columns.map((column) => sql.ref(`excluded.${column}`)))
  return sql<SqlBool>`(${stored}) is distinct from (${given})`
}
