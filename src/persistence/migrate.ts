import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import { promises as fs } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Log } from '../platform/log.ts'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'

export interface MigrationState {
  applied: readonly string[]
  /** Not applied yet, in order. */
  pending: readonly string[]
  /** Applied, but by a release newer than this one. */
  unknown: readonly string[]
}

/** A newer release has changed the database: this one would misread it. */
export class NewerDatabaseError extends Error {
  constructor(unknown: readonly string[]) {
    super(
      `The database was migrated by a newer release of Latchkey (unknown here: ${unknown.join(', ')}). ` +
        'Start that release or a later one, or restore a backup made before the upgrade.',
    )
    this.name = 'NewerDatabaseError'
  }
}

/** Beside src/ in the sources, and beside dist/src/ in a build: two folders up from here in both. */
const migrationFolder = path.join(import.meta.dirname, '..', '..', 'migrations')

/** What has been applied and what has not; changes nothing. */
export async function migrationState(database: Pick<Database, 'kysely'>): Promise<MigrationState> {
  const known = Object.keys(await provider.getMigrations()).sort()
  const applied = await appliedMigrations(database.kysely)
  return {
    applied,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  }
}

/**
 * Brings the database up to date, all pending migrations in one transaction. Of several servers that start at once one
 * migrates, and the others wait for it.
 * @returns the names of what this call applied
 * @throws NewerDatabaseError
 */
export async function migrate(
  database: Pick<Database, 'kysely' | 'kind'>,
  { log }: { log: Log },
): Promise<readonly string[]> {
  const { unknown } = await migrationState(database)
  if (unknown.length > 0) throw new NewerDatabaseError(unknown)
  return database.kysely.connection().execute(async (connection) => {
    // Waiting for the lock and building an index may both take long.
    await sql`set statement_timeout = 0`.execute(connection)
    try {
      return await runMigrations(connection, log)
    } finally {
      await sql`reset statement_timeout`.execute(connection)
    }
  })
}

async function runMigrations(connection: Kysely<Schema>, log: Log): Promise<readonly string[]> {
  const { error, results = [] } = await new Migrator({ db: connection, provider }).migrateToLatest()
  const failed = results.find(({ status }) => status === 'Error')
  if (failed !== undefined) log.error({ migration: failed.migrationName }, 'a migration failed; nothing was changed')
  if (error !== undefined) throw new Error('The database could not be migrated.', { cause: error })
  const applied = results.map(({ migrationName }) => migrationName)
  if (applied.length > 0) log.info({ applied }, 'migrated the database')
  return applied
}

const provider = new FileMigrationProvider({
  fs,
  path,
  migrationFolder,
  import: (file) => import(pathToFileURL(file).href),
})

async function appliedMigrations(db: Kysely<Schema>): Promise<readonly string[]> {
  const { rows } = await sql<{ exists: boolean }>`select to_regclass('kysely_migration') is not null as exists`.execute(
    db,
  )
  if (rows[0]?.exists !== true) return []
  const applied = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return applied.rows.map(({ name }) => name)
}
