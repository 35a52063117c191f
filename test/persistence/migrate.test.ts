import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Database } from '../../src/persistence/database.ts'
import { migrate, migrationState, NewerDatabaseError } from '../../src/persistence/migrate.ts'
import { createStore } from '../../src/persistence/store.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { log } from './databases.ts'

const files = await readdir(join(import.meta.dirname, '..', '..', 'migrations'))
const all = files.map((file) => file.replace(/\.ts$/, '')).sort()

describe('on PostgreSQL', () => {
  let empty: TestDatabase
  let servers: Database[]
  beforeEach(async () => {
    empty = await createDatabase(inject('postgresUrl'))
    servers = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase({ databaseUrl: empty.url, dataDir: '', log, poolSize: 2 })),
    )
  })
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()))
    await empty.drop()
  })

  test('an empty database lacks everything, and asking changes nothing', async () => {
    expect(await migrationState(servers[0]!)).toEqual({ applied: [], pending: all, unknown: [] })
    expect(await migrationState(servers[0]!)).toEqual({ applied: [], pending: all, unknown: [] })
  })

  test.each([1, 2, 3, 4, 5])('four servers that start at once all come up, and one migrates (%i)', async () => {
    const applied = await Promise.all(servers.map((server) => migrate(server, { log })))
    expect(applied.filter((names) => names.length > 0)).toEqual([all])
    for (const server of servers) {
      expect(await migrationState(server)).toEqual({ applied: all, pending: [], unknown: [] })
      expect(await createStore(server).settings.generation()).toBe(1)
    }
    expect(await migrate(servers[0]!, { log })).toEqual([])
  })

  test('a migrated connection has its time limit for statements back', async () => {
    const [server] = servers
    await migrate(server!, { log })
    const { rows } = await sql<{ statement_timeout: string }>`show statement_timeout`.execute(server!.kysely)
    expect(rows).toEqual([{ statement_timeout: '30s' }])
  })

  test('what a newer release has migrated is refused, and says so', async () => {
    const [server] = servers
    await migrate(server!, { log })
    await sql`insert into kysely_migration values ('9999-from-the-future', '2100-01-01T00:00:00Z')`.execute(
      server!.kysely,
    )
    expect((await migrationState(server!)).unknown).toEqual(['9999-from-the-future'])
    const refusal = migrate(server!, { log })
    await expect(refusal).rejects.toThrow(NewerDatabaseError)
    await expect(refusal).rejects.toThrow('newer release of Latchkey (unknown here: 9999-from-the-future)')
  })

  test('every sweep and every foreign key, but those to whole pools, has an index to go by', async () => {
    await migrate(servers[0]!, { log })
    const { rows } = await sql<{ key: string }>`
      select conrelid::regclass || ' ' || conname as key from pg_constraint c where contype = 'f' and confrelid <> 'user_pools'::regclass and not exists (
        select 1 from pg_index i where i.indrelid = c.conrelid
          and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
      )`.execute(servers[0]!.kysely)
    expect(rows).toEqual([])
    const sweeps = await sql<{ table: string }>`
      select attrelid::regclass::text as table from pg_attribute a join pg_class t on t.oid = a.attrelid
      where attname = 'expires_at' and t.relkind = 'r' and not exists (
        select 1 from pg_index i where i.indrelid = a.attrelid and i.indkey[0] = a.attnum
      )`.execute(servers[0]!.kysely)
    expect(sweeps.rows).toEqual([])
  })
})

test('the embedded database gets the same migrations, once', async () => {
  const database = await openDatabase({ dataDir: 'memory://', log })
  expect(await migrate(database, { log })).toEqual(all)
  expect(await migrate(database, { log })).toEqual([])
  expect(await migrationState(database)).toEqual({ applied: all, pending: [], unknown: [] })
  await database.close()
})
