import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Log } from '../platform/log.ts'
import { namedStatements } from './named-statements.ts'
import type { Schema } from './schema.ts'

const connectionTimeoutMs = 5_000
/** Longer than any statement of ours should ever run; a lost server must not hold its locks for longer either. */
const statementTimeoutMs = 30_000
const idleInTransactionTimeoutMs = 30_000

/** A pool of connections that are made when needed; one that breaks is logged and replaced, never the process's end. */
export function openPostgresDatabase(options: { databaseUrl: string; log: Log; poolSize?: number }): {
  kysely: Kysely<Schema>
  pool: pg.Pool
  close(): Promise<void>
} {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.poolSize ?? 10,
    application_name: 'latchkey',
    connectionTimeoutMillis: connectionTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    keepAlive: true,
  })
  // Its text only: the error refers to the connection, with all that it knows.
  const report = (error: Error): void => options.log.warn({ reason: error.message }, 'a database connection was lost')
  pool.on('error', report)
  // The pool listens to idle connections only; one that breaks between two statements would end the process.
  pool.on('connect', (connection) => connection.on('error', report))
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: namedStatements(pool) }) })
  return { kysely, pool, close: () => kysely.destroy() }
}
