import { sql } from 'kysely'
import type { Kysely, RawBuilder, SqlBool } from 'kysely'
import type { Schema } from './schema.ts'

/* Which forms of imported password hashes a user pool's users may have: settings, since each check of a password asks. */

/** Nothing is written where the pool has them. */
export function addPasswordForms(
  db: Kysely<Schema>,
  userPoolId: string,
  forms: readonly string[],
  at: Date,
): Promise<void> {
  const given = sql<string[]>`${[...forms]}::text[]`
  const all = sql<string[]>`array(select distinct unnest(password_forms || ${given}) order by 1)`
  return setForms(db, all, sql<SqlBool>`id = ${userPoolId} and not password_forms @> ${given}`, at)
}

/** One look into the index for each form of each pool that has any. */
export function dropUnusedPasswordForms(db: Kysely<Schema>, at: Date): Promise<void> {
  const used = sql<string[]>`array(
    select form from unnest(password_forms) as form
    where exists (select from users where user_pool_id = user_pools.id and password_form = form) order by 1)`
  return setForms(db, used, sql<SqlBool>`password_forms <> '{}' and password_forms is distinct from ${used}`, at)
}

/** The pools' versions grow and the generation with them, as with any change of settings (announce-change.ts). */
async function setForms(
  db: Kysely<Schema>,
  forms: RawBuilder<string[]>,
  where: RawBuilder<SqlBool>,
  at: Date,
): Promise<void> {
  await db
    .with('changed', (part) =>
      part
        .updateTable('user_pools')
        .set((eb) => ({ password_forms: forms, version: eb('version', '+', 1), updated_at: at }))
        .where(where)
        .returning('id'),
    )
    .updateTable('settings_generation')
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('id', '=', 1)
    .where((eb) => eb.exists(eb.selectFrom('changed').select('id')))
    .execute()
}
