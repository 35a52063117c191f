import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { isClientSecret, newSecretRecord } from '../../src/domain/app-clients/client-secrets.ts'
import {
  addClientSecret,
  deleteClientSecret,
  newClientSecret,
} from '../../src/domain/app-clients/administer-client-secrets.ts'
import type { AddSecretOutcome, DeleteSecretOutcome } from '../../src/domain/app-clients/administer-client-secrets.ts'
import { basic, requestTokens } from '../support/relying-party.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { databaseKinds } from '../support/server.ts'
import { configurationOf, createBrowser, poolId, refresh, secret, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

/* A secret is exchanged while programs go on using the former one (reference: hosted UI §5 and §13). */

const formType = 'application/x-www-form-urlencoded'
const second = 'the-sec0nd+secret/of:the%client'

describe.each(databaseKinds)('an app client with two secrets on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    const other = { ClientSecret: 'an0ther-secret-of-its-own', AllowedOAuthFlows: ['client_credentials'] }
    pool = await startPool({
      database,
      configuration: configurationOf({ clients: { other: { ...other, AllowedOAuthScopes: ['api/read'] } } }),
    })
  })
  afterAll(() => pool.stop())

  const add = async (value: string, clientId = 'machine'): Promise<AddSecretOutcome> => {
    const outcome = await addClientSecret(pool.domain, { userPoolId: poolId, clientId, secret: value })
    await pool.services.directory.refresh()
    return outcome
  }
  const remove = async (secretId: string, clientId = 'machine'): Promise<DeleteSecretOutcome> => {
    const outcome = await deleteClientSecret(pool.domain, { userPoolId: poolId, clientId, secretId })
    await pool.services.directory.refresh()
    return outcome
  }
  const stored = async (clientId = 'machine') =>
    (await pool.domain.store.settings.appClients(poolId)).find(({ id }) => id === clientId)?.secrets ?? []

  /** By Basic, in the body, and at the revocation endpoint. */
  const works = async (value: string, clientId = 'machine'): Promise<readonly number[]> => {
    // Wrong ones of a while ago count no more.
    pool.clock.ahead += 1801
    const form = { grant_type: 'client_credentials' }
    const byBasic = await requestTokens(pool.base, form, { authorization: basic(clientId, value) })
    const byBody = await requestTokens(pool.base, { ...form, client_id: clientId, client_secret: value })
    const revoked = await fetch(`${pool.base}/oauth2/revoke`, {
      method: 'POST',
      headers: { authorization: basic(clientId, value) },
      body: new URLSearchParams({ token: 'x' }),
    })
    return [byBasic.status, byBody.status, revoked.status]
  }
  const yes = [200, 200, 200]
  const no = [401, 400, 401]

  beforeEach(async () => {
    for (const { id, added } of await stored()) if (added) await remove(id)
    expect(await stored()).toHaveLength(1)
  })

  test('may use either of them, and no other one', async () => {
    expect(await works(second)).toEqual(no)
    expect(await add(second)).toMatchObject({ kind: 'done', secret: { added: true } })
    expect([await works(secret), await works(second)]).toEqual([yes, yes])
    for (const wrong of [`${secret}${second}`, second.slice(0, -1), `${second}x`, second.toUpperCase()]) {
      expect(await works(wrong)).toEqual(no)
    }
    expect(await works(second, 'other')).toEqual(no)
    expect(await works('an0ther-secret-of-its-own')).toEqual(no)
  })

  test('loses one at once, whichever, and keeps the other', async () => {
    await add(second)
    const [first] = await stored()
    expect(await remove(first?.id ?? '')).toMatchObject({ kind: 'done' })
    expect([await works(secret), await works(second)]).toEqual([no, yes])
    expect(await add(secret)).toMatchObject({ kind: 'done' })
    const [former] = await stored()
    expect(await remove(former?.id ?? '')).toMatchObject({ kind: 'done' })
    expect([await works(secret), await works(second)]).toEqual([yes, no])
    // The client's own one again, for the tests that follow.
    await pool.domain.store.transaction(async (tx) => {
      const record = await tx.settings.lockAppClient(poolId, 'machine')
      if (record === undefined) throw new Error('no client')
      const secrets = (record.secrets ?? []).map((one) => ({ ...one, added: false }))
      await tx.settings.saveAppClient({ ...record, secrets }, new Date())
    })
  })

  test('has two at most, not the same one twice, and one at least', async () => {
    expect(await add(secret)).toEqual({ kind: 'refused', reason: 'sameSecret' })
    const [only] = await stored()
    expect(await remove(only?.id ?? '')).toEqual({ kind: 'refused', reason: 'lastSecret' })
    await add(second)
    expect(await add('a-third-secret-is-too-many')).toEqual({ kind: 'refused', reason: 'tooManySecrets' })
    expect(await remove('nonsense')).toEqual({ kind: 'refused', reason: 'noSuchSecret' })
    const [theirs] = await stored('other')
    expect(await remove(theirs?.id ?? '')).toEqual({ kind: 'refused', reason: 'noSuchSecret' })
    expect(await add(second, 'app')).toEqual({ kind: 'refused', reason: 'publicClient' })
    expect(await add(second, 'nobody')).toEqual({ kind: 'refused', reason: 'noSuchClient' })
    expect(await stored('app')).toEqual([])
  })

  test('has two at most and one at least also when many ask at once', async () => {
    const request = () => ({ userPoolId: poolId, clientId: 'machine', secret: newClientSecret(pool.domain.random) })
    const added = await Promise.all(Array.from({ length: 8 }, () => addClientSecret(pool.domain, request())))
    expect(added.filter(({ kind }) => kind === 'done')).toHaveLength(1)
    const both = await stored()
    expect(both).toHaveLength(2)
    const deleted = await Promise.all(
      both.map(({ id }) => deleteClientSecret(pool.domain, { userPoolId: poolId, clientId: 'machine', secretId: id })),
    )
    expect(deleted.map(({ kind }) => kind).toSorted()).toEqual(['done', 'refused'])
    expect(await stored()).toHaveLength(1)
    await pool.domain.store.transaction(async (tx) => {
      const record = await tx.settings.lockAppClient(poolId, 'machine')
      if (record === undefined) throw new Error('no client')
      await tx.settings.saveAppClient({ ...record, secrets: [newSecretRecord(pool.domain, secret, false)] }, new Date())
    })
    await pool.services.directory.refresh()
    expect(await works(secret)).toEqual(yes)
  })

  test('goes on with a sign-in under the other secret', async () => {
    const { refreshToken } = await createBrowser(pool.base).signIn({ client_id: 'backend' })
    await add(second, 'backend')
    for (const value of [secret, second]) {
      const form = { client_id: 'backend', client_secret: value }
      expect((await refresh(pool.base, refreshToken, form)).status).toBe(200)
    }
  })

  test('keeps neither of them in clear', async () => {
    await add(second)
    const text = JSON.stringify(await pool.domain.store.settings.appClients(poolId))
    expect(text).not.toContain(secret)
    expect(text).not.toContain(second)
  })
})

describe('on two servers', () => {
  let database: TestDatabase
  let servers: ConformancePool[]
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    const options = { environment: { databaseUrl: database.url, publicUrl: 'http://localhost:3000' } }
    servers = [await startPool(options), await startPool(options)]
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await database.drop()
  })

  test('a secret that one of them adds or deletes is noticed by the other within seconds, without a restart', async () => {
    const [one, two] = servers as [ConformancePool, ConformancePool]
    const target = { userPoolId: poolId, clientId: 'machine' }
    const ask = async (): Promise<number> => {
      const headers = { host: 'localhost:3000', authorization: basic('machine', second), 'content-type': formType }
      const body = 'grant_type=client_credentials'
      return (await rawRequest(two.port, '/oauth2/token', { method: 'POST', headers, body })).status
    }
    const within = { timeout: 5000, interval: 100 }
    expect(await ask()).toBe(401)
    const added = await addClientSecret(one.domain, { ...target, secret: second })
    if (added.kind !== 'done') throw new Error(added.reason)
    await expect.poll(ask, within).toBe(200)
    expect((await deleteClientSecret(one.domain, { ...target, secretId: added.secret.id })).kind).toBe('done')
    await expect.poll(ask, within).toBe(401)
  })
})

test('every secret is compared, also after one that fits', () => {
  const seen: string[] = []
  const secrets = new Proxy(['one', 'two'], {
    get(target, name, receiver) {
      if (name === '0' || name === '1') seen.push(name)
      return Reflect.get(target, name, receiver) as unknown
    },
  })
  expect(isClientSecret({ secrets }, 'one')).toBe(true)
  expect(isClientSecret({ secrets }, 'two')).toBe(true)
  expect(isClientSecret({ secrets }, 'three')).toBe(false)
  expect(seen).toEqual(['0', '1', '0', '1', '0', '1'])
  expect(isClientSecret({ secrets: [] }, '')).toBe(false)
})
