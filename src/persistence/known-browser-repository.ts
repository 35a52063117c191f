import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { KnownBrowserRepository } from '../domain/ports/known-browser-repository.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Schema } from './schema.ts'

/** A browser that is used every day is not written about each time. */
const notedEverySeconds = 86_400

export const knownBrowserRepository = (db: Kysely<Schema>): KnownBrowserRepository => ({
  async has(userPoolId, userSub, browserHash) {
    const found = await db
      .selectFrom('known_browsers')
      .select('browser_hash')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('browser_hash', '=', browserHash)
      .executeTakeFirst()
    return found !== undefined
  },
  async remember({ userPoolId, userSub, browserHash, maximum, at }) {
    // Trimmed as it was before: the new one comes on top, and is not among those that are looked at.
    await sql`
      with noted as (
        insert into known_browsers as known (user_pool_id, user_sub, browser_hash, last_used_at)
        values (${userPoolId}, ${userSub}, ${browserHash}, ${at}::timestamptz)
        on conflict (user_sub, user_pool_id, browser_hash) do update set last_used_at = excluded.last_used_at
        where known.last_used_at <= ${addSeconds(at, -notedEverySeconds)}::timestamptz
        returning browser_hash
      )
      delete from known_browsers where user_pool_id = ${userPoolId} and user_sub = ${userSub} and browser_hash in (
        select browser_hash from known_browsers
        where user_pool_id = ${userPoolId} and user_sub = ${userSub} and browser_hash <> ${browserHash}
          and exists (select from noted)
        order by last_used_at desc offset ${maximum - 1}::int
      )`.execute(db)
  },
  async any(userPoolId, userSub) {
    const found = await db
      .selectFrom('known_browsers')
      .select('browser_hash')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  },
  async forget(userPoolId, userSub) {
    await db
      .deleteFrom('known_browsers')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .execute()
  },
  async forgetAll(userPoolId) {
    await db.deleteFrom('known_browsers').where('user_pool_id', '=', userPoolId).execute()
  },
})
