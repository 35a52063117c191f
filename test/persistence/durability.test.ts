import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import { createStore } from '../../src/persistence/store.ts'
import { runChild } from './child-process.ts'
import { log } from './databases.ts'

/** Signs users up for ever, each with a message, and says so after each commit. */
const signUps = (dataDir: string, round: number) => `
  const { openDatabase } = await load('database.ts')
  const { migrate } = await load('migrate.ts')
  const { createStore } = await load('store.ts')
  const database = await openDatabase({ dataDir: ${JSON.stringify(dataDir)}, log })
  await migrate(database, { log })
  const store = createStore(database)
  const at = new Date()
  const issuer = 'https://id.example.com/pool'
  const userPool = { id: 'pool', name: 'p', isDefault: false, issuer, issuerFollowsPublicUrl: false, domains: [] }
  await store.settings.saveUserPool({ ...userPool, settings: {} }, at)
  for (let n = 0; ; n++) {
    const sub = '${round}-' + n
    const identifiers = [{ kind: 'username', key: sub }, { kind: 'email', key: sub + '@example.com' }]
    const times = { createdAt: at, updatedAt: at }
    const user = { userPoolId: 'pool', sub, username: sub, status: 'UNCONFIRMED', enabled: true, attributes: {} }
    await store.transaction(async (tx) => {
      await tx.users.add({ ...user, ...times, identifiers })
      await tx.outbox.add({ id: sub, userPoolId: 'pool', sealedMessage: 'x'.repeat(500), at })
    })
    say('committed ' + sub)
  }`

test('what the embedded database has acknowledged outlives kill -9, and no user is half there', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-kill-'))
  const acknowledged: string[] = []
  for (let round = 0; round < 4; round++) {
    const child = runChild(signUps(dataDir, round))
    await child.line('committed')
    await sleep(100 + 157 * round)
    await child.kill()
    acknowledged.push(...child.lines.map((line) => line.replace('committed ', '')))
  }

  const database = await openDatabase({ dataDir, log })
  const store = createStore(database)
  const users = await store.users.page({ userPoolId: 'pool', limit: 1_000_000 })
  const subs = new Set(users.map(({ sub }) => sub))
  expect(acknowledged.length).toBeGreaterThan(4)
  expect(acknowledged.filter((sub) => !subs.has(sub))).toEqual([])
  // In each round at most the one commit that was under way may be there unacknowledged.
  expect(users.length).toBeLessThanOrEqual(acknowledged.length + 4)
  const { rows } = await sql<{ names: string; messages: string }>`
    select (select count(*) from user_identifiers) as names, (select count(*) from outbox) as messages
  `.execute(database.kysely)
  expect(Number(rows[0]?.names)).toBe(users.length * 2)
  expect(Number(rows[0]?.messages)).toBe(users.length)
  await database.close()
  await rm(dataDir, { recursive: true })
})
