import pg from 'pg'
import { expect } from 'vitest'

/** A table that nobody can write to, so that whoever is about to stands still. */
export interface HeldTable {
  /** Resolves when so many writers stand still. */
  isWaitedFor(writers?: number): Promise<void>
  /** Lets them go on, whoever may have died meanwhile: the database finishes what it was asked. */
  release(): Promise<void>
  /** Ends them where they stand, as a database does that notices, or fails over. */
  drop(): Promise<void>
}

/** @param url of a PostgreSQL database; an embedded one has one connection, and nothing could hold its table. */
export async function holdTable(url: string, table: string): Promise<HeldTable> {
  const [holder, watcher] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })]
  // A database that goes away takes both with it.
  for (const connection of [holder, watcher]) connection.on('error', () => {})
  await Promise.all([holder.connect(), watcher.connect()])
  await holder.query('begin')
  await holder.query(`lock table ${pg.escapeIdentifier(table)} in share mode`)
  const waiting = `select count(*)::int as number from pg_locks
    where not granted and relation = $1::regclass
      and database = (select oid from pg_database where datname = current_database())`
  const writers = async (): Promise<number | undefined> =>
    (await watcher.query<{ number: number }>(waiting, [table])).rows[0]?.number
  const release = async (): Promise<void> => {
    await holder.query('rollback').catch(() => {})
    await Promise.allSettled([holder.end(), watcher.end()])
  }
  return {
    release,
    async drop() {
      await watcher.query(
        'select pg_terminate_backend(pid) from pg_locks where not granted and relation = $1::regclass',
        [table],
      )
      await release()
    },
    isWaitedFor: (number = 1) => expect.poll(writers, { timeout: 20_000 }).toBe(number),
  }
}
