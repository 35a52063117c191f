import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import {
  clientStory,
  consentStory,
  keyStory,
  mailStory,
  poolSignOutStory,
  prepare,
  resourceServerStory,
  userStory,
} from './administration-story.ts'
import { createLatchkey, newSecret } from './latchkey.ts'
import type { Latchkey, Served } from './latchkey.ts'
import { mailPreviewStory } from './mail-story.ts'
import { triggerStory } from './trigger-story.ts'

let database: TestDatabase
let latchkey: Latchkey
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  latchkey = await createLatchkey({ DATABASE_URL: database.url, LATCHKEY_SECRET: newSecret() })
})
afterAll(async () => {
  await latchkey.remove()
  await database.drop()
})

test('an empty database is migrated when that is asked for', async () => {
  expect(await latchkey.run(['user', 'list'])).toMatchObject({
    status: 1,
    stderr: 'latchkey: The database is empty: run `latchkey migrate` first.\n',
  })
  const { Pending } = await latchkey.json('migrate', '--dry-run')
  expect(Pending).toContain('0001-user-pools')
  expect(await latchkey.json('migrate')).toEqual({ Applied: Pending, Pending: [] })
  expect(await latchkey.run(['migrate'])).toMatchObject({ status: 0, stdout: 'The database is up to date.\n' })
  expect(await latchkey.run(['user', 'list'])).toMatchObject({ status: 3 })
})

test('everything is administered', { timeout: 120_000 }, async () => {
  await latchkey.json('pool', 'create', 'main')
  await prepare(latchkey, ['grace'])
  await userStory(latchkey, { made: 'ada', signedUp: 'grace' })
  await consentStory(latchkey, 'ada')
  await clientStory(latchkey)
  await mailStory(latchkey)
  await triggerStory(latchkey)
  await mailPreviewStory(latchkey)
})

test('a user pool is signed out', () => poolSignOutStory(latchkey))
test('resource servers are administered', () => resourceServerStory(latchkey))

test('signing keys are rotated', () => keyStory(latchkey))

test('another secret than the database’s is refused before anything is sealed with it', async () => {
  const args = ['client', 'create', 'web', '--callback-url', 'https://app.example.com/']
  const outcome = await latchkey.run(args, { env: { LATCHKEY_SECRET: newSecret() } })
  expect(outcome).toMatchObject({ status: 1, stderr: expect.stringContaining('LATCHKEY_SECRET is not the one') })
  expect((await latchkey.json('client', 'list')).UserPoolClients).toEqual([])
})

test('a running server notices a pool that is made beside it', async () => {
  const server: Served = await latchkey.serve()
  const { PublicUrl } = server.ready
  const args = ['pool', 'create', 'second', '--json']
  const made = JSON.parse((await latchkey.run(args, { env: { PUBLIC_URL: PublicUrl } })).stdout)
  expect(made.Issuer).toBe(`${PublicUrl}/${made.Id}`)
  const discovery = `${made.Issuer}/.well-known/openid-configuration`
  let found = await fetch(discovery)
  for (const deadline = Date.now() + 3_000; found.status !== 200 && Date.now() < deadline;) {
    await sleep(100)
    found = await fetch(discovery)
  }
  expect(await found.json()).toMatchObject({ issuer: made.Issuer })
  await server.stop()
  expect(server.process.exitCode).toBe(0)
})

test('an issuer changes only when somebody insists', async () => {
  const change = ['pool', 'set-issuer', 'second', 'https://id.example.com']
  expect(await latchkey.run(change)).toMatchObject({ status: 4, stderr: expect.stringContaining('--yes') })
  expect(await latchkey.json(...change, '--yes')).toMatchObject({ Issuer: 'https://id.example.com' })
  const taken = await latchkey.run(['pool', 'set-issuer', 'main', 'https://id.example.com', '--yes'])
  expect(taken).toMatchObject({
    status: 4,
    stderr: 'latchkey: Another user pool has the issuer https://id.example.com.\n',
  })
})
