import { promises as fs } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import pg from 'pg'

const migrationFolder = path.join(import.meta.dirname, '..', '..', '..', 'migrations')

/** The names of all migrations, in order. */
export const migrationNames = async (): Promise<string[]> =>
  (await fs.readdir(migrationFolder)).map((file) => file.replace(/\.ts$/, '')).sort()

/**
 * Makes of an empty database what it was when `last` was the newest migration, with the rows of another one, as far as there
 * were tables and columns for them then: a release of that time would have left it so.
 */
export async function makeOlder(emptyUrl: string, last: string, fullUrl: string): Promise<void> {
  const [older, full] = [new pg.Pool({ connectionString: emptyUrl }), new pg.Pool({ connectionString: fullUrl })]
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: older }) })
  const provider = new FileMigrationProvider({
    ...{ fs, path, migrationFolder },
    import: (file) => import(pathToFileURL(file).href),
  })
  const { error } = await new Migrator({ db, provider }).migrateTo(last)
  if (error !== undefined) throw new Error(`could not migrate to ${last}`, { cause: error })
  const { rows } = await sql<{ table: string; columns: string[] }>`
    select table_name as table, array_agg(column_name::text) as columns from information_schema.columns
    where table_schema = 'public' and table_name not like 'kysely%' group by table_name`.execute(db)
  const connection = await older.connect()
  // References are in order already: the rows come from a database that has them.
  await connection.query('set session_replication_role = replica')
  for (const { table, columns } of rows) await copyRows(full, connection, table, columns)
  connection.release()
  await db.destroy()
  await full.end()
}

async function copyRows(from: pg.Pool, to: pg.PoolClient, table: string, columns: readonly string[]): Promise<void> {
  const name = pg.escapeIdentifier(table)
  const { rows } = await from.query<{ row: Record<string, unknown> }>(`select to_jsonb(t) as row from ${name} t`)
  const [first] = rows
  if (first === undefined) return
  const shared = columns
    .filter((column) => Object.hasOwn(first.row, column))
    .map((column) => pg.escapeIdentifier(column))
  await to.query(`delete from ${name}`)
  await to.query(
    `insert into ${name} (${shared.join()}) overriding system value
     select ${shared.join()} from jsonb_populate_recordset(null::${name}, $1)`,
    [JSON.stringify(rows.map(({ row }) => row))],
  )
}
