import { sql } from 'kysely'
import type { Database } from './database.ts'

/** Any number, the same in every release: "latchkey" in ASCII, cut to 63 bits. */
const startLock = 0x6c_61_74_63_68_6b_65

/**
 * Runs `work` while no other server of the same database does: several that start at once must not each make the user
 * pools that are not there yet. On the embedded database there is one process anyway. The lock goes with its connection,
 * so that a server that dies leaves none behind.
 */
export async function withStartLock<T>(
  database: Pick<Database, 'kysely' | 'kind'>,
  work: () => Promise<T>,
): Promise<T> {
  if (database.kind === 'embedded') return work()
  return database.kysely.connection().execute(async (connection) => {
    // Another server may take its time over its first users' passwords.
    await sql`set statement_timeout = 0`.execute(connection)
    await sql`select pg_advisory_lock(${startLock}::bigint)`.execute(connection)
    try {
      return await work()
    } finally {
      await sql`select pg_advisory_unlock(${startLock}::bigint)`.execute(connection)
      await sql`reset statement_timeout`.execute(connection)
    }
  })
}
