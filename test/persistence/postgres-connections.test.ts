import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Database } from '../../src/persistence/database.ts'
import { migrate } from '../../src/persistence/migrate.ts'
import { createStatementNames } from '../../src/persistence/named-statements.ts'
import { createStore } from '../../src/persistence/store.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { log } from './databases.ts'

let created: TestDatabase
let database: Database
beforeAll(async () => {
  created = await createDatabase(inject('postgresUrl'))
  database = await openDatabase({ databaseUrl: created.url, dataDir: '', log, poolSize: 1 })
  await migrate(database, { log })
})
afterAll(async () => {
  await database.close()
  await created.drop()
})

describe('statements', () => {
  const prepared = async () => {
    const { rows } = await sql<{ name: string; statement: string }>`
      select name, statement from pg_prepared_statements order by prepare_time`.execute(database.kysely)
    return rows
  }

  test('with parameters are prepared once a connection, in transactions too', async () => {
    const store = createStore(database)
    const before = (await prepared()).length
    await store.users.findBySub('pool', 'a')
    await store.users.findBySub('pool', 'b')
    await store.transaction((tx) => tx.users.findBySub('pool', 'c'))
    const added = (await prepared()).slice(before)
    expect(added).toHaveLength(1)
    expect(added[0]?.name).toMatch(/^lk_[\w-]{22}$/)
    expect(added[0]?.statement).toMatch(/^select .* from "users"/)
  })

  test('have one name a text, in every process, and none beyond the limit', () => {
    const [nameOf, elsewhere] = [createStatementNames(2), createStatementNames(2)]
    const name = nameOf('select $1')
    expect(nameOf('select $1')).toBe(name)
    expect(nameOf('select $1, $2')).not.toBe(name)
    expect(nameOf('select $3')).toBeUndefined()
    expect(nameOf('select $1')).toBe(name)
    elsewhere('select $4')
    expect(elsewhere('select $1')).toBe(name)
  })

  test('of an older release go on working when a newer one adds a column', async () => {
    const store = createStore(database)
    await store.users.findBySub('pool', 'a')
    await store.browserSessions.find('pool', 'a', new Date())
    await sql`alter table users add column from_the_future text`.execute(database.kysely)
    await sql`alter table browser_sessions add column from_the_future text`.execute(database.kysely)
    expect(await store.users.findBySub('pool', 'a')).toBeUndefined()
    expect(await store.browserSessions.find('pool', 'a', new Date())).toBeUndefined()
  })

  test('end after half a minute, and so does an idle transaction', async () => {
    const limits = await sql`
      select current_setting('statement_timeout') as statement,
        current_setting('idle_in_transaction_session_timeout') as idle`.execute(database.kysely)
    expect(limits.rows).toEqual([{ statement: '30s', idle: '30s' }])
  })
})

describe('a lost connection', () => {
  async function terminateAll(): Promise<void> {
    const admin = new pg.Client({ connectionString: inject('postgresUrl') })
    await admin.connect()
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [created.name])
    await admin.end()
    await sleep(100)
  }

  test('while idle is replaced', async () => {
    const store = createStore(database)
    await store.settings.generation()
    await terminateAll()
    expect(await store.settings.generation()).toBe(1)
  })

  test('within a transaction fails that transaction, and nothing else', async () => {
    const store = createStore(database)
    const failing = store.transaction(async (tx) => {
      await tx.settings.generation()
      await terminateAll()
      return tx.settings.generation()
    })
    await expect(failing).rejects.toThrow()
    expect(await store.settings.generation()).toBe(1)
  })
})

test('a server that is not there is an error soon, not a hang', async () => {
  const nobody = await openDatabase({ databaseUrl: 'postgres://a:b@127.0.0.1:1/c', dataDir: '', log })
  await expect(createStore(nobody).settings.generation()).rejects.toThrow('ECONNREFUSED')
  await nobody.close()
})
