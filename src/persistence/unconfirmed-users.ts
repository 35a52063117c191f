import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/**
 * Deletes up to `limit` sign-ups that nobody confirmed in time (UnconfirmedSignUpValidityDays; 7 where the pool sends
 * codes or links). Where an operator confirms, and no such setting says otherwise, they wait for ever. Whoever has just
 * asked for another code keeps the account for the life of that code, and a disabled account stays: somebody decided so.
 */
export async function deleteUnconfirmedUsers(
  db: Kysely<Schema>,
  at: Date,
  limit: number,
): Promise<readonly { userPoolId: string; userSub: string }[]> {
  const { rows } = await sql<{ userPoolId: string; userSub: string }>`
    delete from users where ctid = any (array(
      select due.id from user_pools
      cross join lateral (
        select users.ctid as id from users
        where users.user_pool_id = user_pools.id and users.status = 'UNCONFIRMED'
          and users.created_at <= ${at}::timestamptz - ${unconfirmedFor}
          and users.enabled
          and not exists (
            select from verification_codes
            where verification_codes.user_pool_id = users.user_pool_id
              and verification_codes.user_sub = users.sub and verification_codes.expires_at > ${at}
          )
        order by users.created_at limit ${limit} for update of users skip locked
      ) as due
      limit ${limit}
    ))
    returning user_pool_id as "userPoolId", sub as "userSub"`.execute(db)
  return rows
}

/** How long a sign-up waits, by the row of its user pool. Null, and then nothing is due, where an operator confirms. */
export const unconfirmedFor = sql`coalesce(
  (user_pools.settings ->> 'UnconfirmedSignUpValidityDays')::int,
  case when user_pools.settings -> 'AutoVerifiedAttributes' <> '[]'::jsonb then 7 end
) * interval '1 day'`
