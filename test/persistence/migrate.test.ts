import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import * as clientSecrets from '../../migrations/0015-client-secrets.ts'
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

  test('the secret that an app client has becomes its first of two', async () => {
    const [server] = servers
    await migrate(server!, { log })
    const db = server!.kysely
    // As it was before that migration.
    await sql`drop table app_client_secrets`.execute(db)
    await sql`alter table app_clients add column sealed_secret text`.execute(db)
    await sql`
      insert into user_pools (id, name, is_default, issuer, issuer_follows_public_url, settings, created_at, updated_at)
      values ('p', 'p', false, 'https://p.example.com', false, '{}', now(), now())
    `.execute(db)
    await sql`
      insert into app_clients (user_pool_id, id, name, sealed_secret, settings, created_at, updated_at) values
        ('p', 'closed', 'closed', 'sealed', '{}', '2026-01-01T00:00:00Z', now()),
        ('p', 'open', 'open', null, '{}', now(), now())
    `.execute(db)
    await clientSecrets.up(db as unknown as Kysely<unknown>)
    const [closed, open] = await createStore(server!).settings.appClients('p')
    const createdAt = new Date('2026-01-01T00:00:00Z')
    const id = expect.any(String) as string
    expect(closed?.secrets).toEqual([{ id, sealedSecret: 'sealed', added: false, createdAt }])
    expect(open).not.toHaveProperty('secrets')
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
