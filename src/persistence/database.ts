import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { Log } from '../platform/log.ts'
import { openEmbeddedDatabase } from './embedded-database.ts'
import type { FolderLock } from './folder-lock.ts'
import { openPostgresDatabase } from './postgres-database.ts'
import type { Schema } from './schema.ts'

export interface Database {
  readonly kysely: Kysely<Schema>
  readonly kind: 'postgres' | 'embedded'
  /** Of PostgreSQL: the connections themselves, for what brings its own statements. */
  readonly pool?: pg.Pool
  /** Of an embedded database in a folder; the server adds to it where the command line reaches it. */
  readonly lock?: FolderLock
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A PostgreSQL URL; absent: the embedded database. */
  databaseUrl?: string
  /** Folder of the embedded database, or `memory://` for one that ends with the process. */
  dataDir: string
  log: Log
  /** PostgreSQL connections at most; default 10. */
  poolSize?: number
  /** What a new embedded database begins with: a dump made by `createEmbeddedDump`. */
  loadDataDir?: Blob
}

/**
 * Opens the database that the options name (design decision 2). PostgreSQL is connected to at the first query; the
 * embedded database is ready when this resolves.
 * @throws DatabaseInUseError when another process has the folder open
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl } = options
  if (databaseUrl === undefined) return { kind: 'embedded', ...(await openEmbeddedDatabase(options)) }
  return { kind: 'postgres', ...openPostgresDatabase({ ...options, databaseUrl }) }
}
