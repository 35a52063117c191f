import { sql } from 'kysely'
import { fail } from './world.ts'
import type { World } from './world.ts'

/* What the rows say of each other, whatever has happened. */

const rules: readonly (readonly [wrong: string, rows: ReturnType<typeof rowsThat>])[] = [
  [
    'a user whom no name leads to',
    rowsThat(sql`users u where not exists (
      select 1 from user_identifiers i where i.user_sub = u.sub and i.user_pool_id = u.user_pool_id and i.kind = 'username')`),
  ],
  [
    'an address that leads to somebody who has another one',
    rowsThat(sql`user_identifiers i join users u on u.sub = i.user_sub and u.user_pool_id = i.user_pool_id
      where i.kind = 'email' and i.key <> lower(u.attributes ->> 'email')`),
  ],
  [
    'a confirmed user without a password',
    rowsThat(sql`users u where u.status = 'CONFIRMED' and u.password_hash is null`),
  ],
  [
    'a user of a pool of addresses without one',
    rowsThat(sql`users u where u.attributes ->> 'email' is null or u.username <> u.sub`),
  ],
  [
    'a session of somebody who is disabled',
    rowsThat(
      sql`browser_sessions s join users u on u.sub = s.user_sub and u.user_pool_id = s.user_pool_id where not u.enabled`,
    ),
  ],
  [
    'a session of somebody who never got in',
    rowsThat(sql`browser_sessions s join users u on u.sub = s.user_sub and u.user_pool_id = s.user_pool_id
      where u.status = 'UNCONFIRMED'`),
  ],
  [
    'a live grant of somebody who is disabled',
    rowsThat(sql`grants g join users u on u.sub = g.user_sub and u.user_pool_id = g.user_pool_id
      where not u.enabled and g.revoked_at is null`),
  ],
  [
    'a family with two tokens that can be used',
    rowsThat(sql`(select t.grant_id from refresh_tokens t where t.consumed_at is null
      group by t.user_pool_id, t.grant_id having count(*) > 1) forked`),
  ],
  [
    'a session, a grant or a code of nobody',
    rowsThat(sql`(
      select s.user_sub, s.user_pool_id from browser_sessions s where s.user_sub is not null
      union all select g.user_sub, g.user_pool_id from grants g
      union all select c.user_sub, c.user_pool_id from authorization_codes c
      union all select v.user_sub, v.user_pool_id from verification_codes v) owned
      where not exists (select 1 from users u where u.sub = owned.user_sub and u.user_pool_id = owned.user_pool_id)`),
  ],
]

function rowsThat(source: ReturnType<typeof sql>) {
  return sql<boolean>`exists (select 1 from ${source})`
}

export async function checkStore(world: World): Promise<void> {
  const found = await world.server.services.database.kysely
    .selectNoFrom(rules.map(([, rows], index) => rows.as(`rule${index}`)))
    .executeTakeFirstOrThrow()
  for (const [index, [wrong]] of rules.entries()) {
    if ((found as Record<string, unknown>)[`rule${index}`] === true) fail(world, `the database holds ${wrong}`)
  }
}
