import { sql } from 'kysely'
import type { Kysely, RawBuilder } from 'kysely'
import type { LockOut } from '../domain/lock-out/lock-out.ts'
import type { GuessRepository } from '../domain/ports/guess-repository.ts'
import { addSeconds } from '../platform/clock.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

const daySeconds = 86_400
/** By which the clocks of two servers on one database may differ. */
const clockDifferenceSeconds = 300

export const guessRepository = (db: Kysely<Schema>): GuessRepository => ({
  async count({ userPoolId, buckets, lockOut, at }) {
    const { rows } = await countGuess(userPoolId, buckets, lockOut, at).execute(db)
    return rows.map(present)
  },
  async lockedUntil(userPoolId, buckets, at) {
    const found = await db
      .selectFrom('guess_counters')
      .select((eb) => eb.fn.max('locked_until').as('until'))
      .where('user_pool_id', '=', userPoolId)
      .where('bucket', '=', anyOf(buckets))
      .where('locked_until', '>', at)
      .executeTakeFirst()
    return found?.until ?? undefined
  },
  async clear(userPoolId, buckets) {
    await db
      .deleteFrom('guess_counters')
      .where('user_pool_id', '=', userPoolId)
      .where('bucket', '=', anyOf(buckets))
      .execute()
  },
  async takeBack({ userPoolId, buckets, lockOut }) {
    await sql`
      update guess_counters set
        failures = greatest(failures - 1, 0),
        day_failures = greatest(day_failures - 1, 0),
        locked_until = case when failures > ${lockOut.firstLockingFailure}::int then locked_until end
      where user_pool_id = ${userPoolId} and bucket = any(${[...buckets]}::text[])`.execute(db)
  },
})

interface CountedRow {
  bucket: string
  lockedUntil: Date | null
}

const anyOf = (buckets: readonly string[]): RawBuilder<never> => sql<never>`any(${[...buckets]}::text[])`

/**
 * A row that is there is locked by whoever counts, and the next one finds it as it was left. Where its lock still holds
 * nothing is changed, and nothing returned; one that would hold for longer than any lock is of a clock that was ahead, and has
 * been set right since (threat row F12). Buckets come in order, so that two statements never wait for each other.
 */
function countGuess(
  userPoolId: string,
  buckets: readonly string[],
  lockOut: LockOut,
  at: Date,
): RawBuilder<CountedRow> {
  const { firstLockingFailure: first, maximumSeconds: maximum, failuresPerDay } = lockOut
  const now = sql`${at}::timestamptz`
  const silentSince = sql`${addSeconds(at, -maximum)}::timestamptz`
  const beyond = sql`${addSeconds(at, maximum + clockDifferenceSeconds)}::timestamptz`
  const yesterday = sql`${addSeconds(at, -daySeconds)}::timestamptz`
  return sql<CountedRow>`
    insert into guess_counters as counter
      (user_pool_id, bucket, failures, last_failed_at, day_failures, day_began_at, expires_at)
    select ${userPoolId}::text, bucket, 1, ${now}, 1, ${now}, ${addSeconds(at, daySeconds)}::timestamptz
    from unnest(${[...buckets].sort()}::text[]) as bucket order by bucket
    on conflict (bucket, user_pool_id) do update
    set (failures, last_failed_at, locked_until, day_failures, day_began_at, expires_at) = (
      select failures, ${now}, ${now} + make_interval(secs => nullif(lock, 0)), day_failures, day_began_at,
        greatest(day_began_at + interval '1 day', ${now} + make_interval(secs => lock + ${maximum}::int))
      from (
        select *, case
            when day_failures > ${failuresPerDay}::int then ${maximum}::int
            when failures < ${first}::int then 0
            else least(${maximum}::int, power(2, least(failures - ${first}::int, 30))) end as lock
        from (
          select
            case when coalesce(counter.locked_until, counter.last_failed_at) <= ${silentSince}
              then 1 else counter.failures + 1 end as failures,
            case when counter.day_began_at <= ${yesterday} then 1 else counter.day_failures + 1 end as day_failures,
            case when counter.day_began_at <= ${yesterday} then ${now} else counter.day_began_at end as day_began_at
        ) as counted
      ) as locking
    )
    where counter.locked_until is null or counter.locked_until <= ${now} or counter.locked_until > ${beyond}
    returning bucket, locked_until as "lockedUntil"`
}
