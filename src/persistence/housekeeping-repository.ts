import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { HousekeepingRepository } from '../domain/ports/housekeeping-repository.ts'
import { knownBrowserSeconds } from '../domain/lock-out/known-browsers.ts'
import { expiredFlowSeconds } from '../domain/sessions/flow.ts'
import { keptInvocationSeconds } from '../domain/triggers/trigger-invocation.ts'
import { keptImportSeconds } from '../domain/user-import/import-users.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Schema } from './schema.ts'
import { deleteDecoySignUps } from './decoy-sign-up-repository.ts'
import { deleteUnconfirmedUsers } from './unconfirmed-users.ts'

const hour = 3600
const day = 24 * hour

/** A table, the column by which its rows end, and for how many seconds after that they are still worth keeping. */
interface Sweep {
  table: keyof Schema
  column: string
  keptSeconds: number
  /** The column is a number of milliseconds since 1970. */
  inMilliseconds?: true
}
const sweeps: readonly Sweep[] = [
  { table: 'verification_codes', column: 'expires_at', keptSeconds: 0 },
  { table: 'decoy_codes', column: 'expires_at', keptSeconds: 0 },
  { table: 'attribute_changes', column: 'expires_at', keptSeconds: 0 },
  { table: 'sign_in_attempts', column: 'expires_at', keptSeconds: 0 },
  { table: 'custom_sign_ins', column: 'expires_at', keptSeconds: 0 },
  { table: 'used_once', column: 'expires_at', keptSeconds: 0 },
  { table: 'devices', column: 'expires_at', keptSeconds: 0 },
  { table: 'guess_counters', column: 'expires_at', keptSeconds: 0 },
  { table: 'rate_limits', column: 'expire', keptSeconds: 0, inMilliseconds: true },
  { table: 'known_browsers', column: 'last_used_at', keptSeconds: knownBrowserSeconds },
  { table: 'flows', column: 'expires_at', keptSeconds: expiredFlowSeconds },
  { table: 'interactions', column: 'expires_at', keptSeconds: 0 },
  { table: 'browser_sessions', column: 'expires_at', keptSeconds: 0 },
  // A code presented a second time revokes what it gave (RFC 6749 §4.1.2), also when it comes late.
  { table: 'authorization_codes', column: 'expires_at', keptSeconds: hour },
  // Access tokens may outlive their grant by a day at most, and userInfo asks whether it was revoked. Takes the grant's
  // refresh tokens along.
  { table: 'grants', column: 'expires_at', keptSeconds: day },
  { table: 'trigger_invocations', column: 'at', keptSeconds: keptInvocationSeconds },
  // The names of refused rows are people's: an import that could still go on by then begins anew.
  { table: 'user_imports', column: 'started_at', keptSeconds: keptImportSeconds },
  // Dead letters stay until somebody has looked at them.
  { table: 'outbox', column: 'sent_at', keptSeconds: 7 * day },
]

export const housekeepingRepository = (db: Kysely<Schema>): HousekeepingRepository => ({
  async deleteExpired(at, limit) {
    let deleted = 0
    // A statement a table, one after the other: each holds its locks for a moment only.
    for (const { table, column, keptSeconds, inMilliseconds } of sweeps) {
      const end = addSeconds(at, -keptSeconds)
      const before = inMilliseconds === true ? end.getTime() : end
      deleted += await deleteBefore(db, { table, column, before, limit })
    }
    return deleted + (await deleteDecoySignUps(db, at, limit))
  },
  deleteUnconfirmed: (at, limit) => deleteUnconfirmedUsers(db, at, limit),
})

/** Seconds between two clean-ups of an embedded database. Each stops it for some tenths of a second. */
const vacuumEverySeconds = 6 * hour

/**
 * The embedded database has nobody who reclaims the room of deleted and overwritten rows, and gathers statistics: without
 * this it would grow for ever.
 */
export function embeddedHousekeeping(db: Kysely<Schema>): HousekeepingRepository {
  const repository = housekeepingRepository(db)
  let nextVacuum: Date | undefined
  return {
    ...repository,
    async deleteExpired(at, limit) {
      const deleted = await repository.deleteExpired(at, limit)
      if (nextVacuum === undefined || nextVacuum <= at) {
        nextVacuum = addSeconds(at, vacuumEverySeconds)
        await sql`vacuum (analyze)`.execute(db)
      }
      return deleted
    },
  }
}

/** Rows that somebody has locked are left for the next time: housekeeping waits for nobody. */
async function deleteBefore(
  db: Kysely<Schema>,
  { table, column, before, limit }: { table: keyof Schema; column: string; before: Date | number; limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from ${sql.table(table)} where ctid = any (array(
      select ctid from ${sql.table(table)} where ${sql.ref(column)} <= ${before} limit ${limit} for update skip locked
    ))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
