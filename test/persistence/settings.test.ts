import { describe, expect, test } from 'vitest'
import type { AppClientSecretRecord } from '../../src/domain/ports/store.ts'
import type { SigningKeyRecord } from '../../src/domain/tokens/signing-key.ts'
import { onEachDatabase } from './databases.ts'
import { addAppClient, addUser, addUserPool, grantOf, inParallel, later, now, userPoolRecord } from './records.ts'

onEachDatabase((context) => {
  const settings = () => context.store.settings
  const find = async (id: string) => (await settings().userPools()).find((userPool) => userPool.id === id)

  /** By how much the generation and the pool's version grew. */
  async function growth(userPoolId: string, change: () => Promise<unknown>) {
    const before = { generation: await settings().generation(), version: (await find(userPoolId))?.version ?? 0 }
    await change()
    const version = (await find(userPoolId))?.version ?? 0
    return { generation: (await settings().generation()) - before.generation, version: version - before.version }
  }
  const once = { generation: 1, version: 1 }
  const unchanged = { generation: 0, version: 0 }

  describe('a user pool', () => {
    test('is stored with its domains in order', async () => {
      const record = userPoolRecord({
        domains: ['https://z.example.com', 'https://a.example.com'],
        settings: { Policies: { PasswordPolicy: { MinimumLength: 12 } }, UsernameAttributes: ['email'] },
        issuerFollowsPublicUrl: true,
      })
      await settings().saveUserPool(record, now)
      expect(await find(record.id)).toEqual({ ...record, version: 1 })
    })

    test('that is saved as it was changes nothing, whatever the order of its members', async () => {
      const record = userPoolRecord({ domains: ['https://same.example.com'], settings: { A: 1, B: [1, 2] } })
      await settings().saveUserPool(record, now)
      const again = { ...record, settings: { B: [1, 2], A: 1 } }
      expect(await growth(record.id, () => settings().saveUserPool(again, later(60)))).toEqual(unchanged)
    })

    test.each([
      ['settings', { settings: { MfaConfiguration: 'ON' } }],
      ['domains', { domains: ['https://one.example.com', 'https://three.example.com'] }],
      ['the order of domains', { domains: ['https://two.example.com', 'https://one.example.com'] }],
      ['no domains', { domains: [] }],
      ['its name', { name: 'another' }],
    ])('that is saved with other %s grows by one version', async (_, change) => {
      const record = userPoolRecord({ domains: ['https://one.example.com', 'https://two.example.com'] })
      await settings().saveUserPool(record, now)
      expect(await growth(record.id, () => settings().saveUserPool({ ...record, ...change }, later(60)))).toEqual(once)
      expect(await find(record.id)).toEqual({ ...record, ...change, version: 2 })
      await settings().deleteUserPool(record.id)
    })

    test('cannot take the domain of another one, and keeps its own when it tries', async () => {
      const owner = userPoolRecord({ domains: ['https://login.example.com'] })
      const thief = userPoolRecord({ domains: ['https://mine.example.com'] })
      await settings().saveUserPool(owner, now)
      await settings().saveUserPool(thief, now)
      const stealing = { ...thief, domains: ['https://mine.example.com', 'https://login.example.com'] }
      await expect(settings().saveUserPool(stealing, now)).rejects.toThrow(
        'https://login.example.com belongs to another',
      )
      expect((await find(owner.id))?.domains).toEqual(owner.domains)
      expect((await find(thief.id))?.domains).toEqual(thief.domains)
    })

    test('that becomes the default takes that from the one before', async () => {
      const first = await addUserPool(context.store, { isDefault: true })
      const second = await addUserPool(context.store, { isDefault: true })
      expect((await find(first))?.isDefault).toBe(false)
      expect((await find(second))?.isDefault).toBe(true)
    })

    test('that eight servers save at once as they start grows by one version', async () => {
      const record = userPoolRecord({ domains: ['https://eight.example.com'] })
      const before = await settings().generation()
      await inParallel(8, () => settings().saveUserPool(record, now))
      expect(await find(record.id)).toEqual({ ...record, version: 1 })
      expect(await settings().generation()).toBe(before + 1)
    })

    test('goes with everything in it', async () => {
      const { store } = context
      const id = await addUserPool(store, { domains: ['https://gone.example.com'] })
      await addAppClient(store, id)
      const user = await addUser(store, id)
      await store.grants.open(grantOf(user), 'token')
      const before = await settings().generation()
      expect(await settings().deleteUserPool(id)).toBe(true)
      expect(await settings().generation()).toBe(before + 1)
      expect(await settings().deleteUserPool(id)).toBe(false)
      expect(await settings().generation()).toBe(before + 1)
      expect(await settings().appClients(id)).toEqual([])
      expect(await store.users.findBySub(id, user.sub)).toBeUndefined()
      expect(await store.grants.findRefreshToken(id, 'token')).toBeUndefined()
    })
  })

  describe('an app client', () => {
    test('is stored with or without a secret, and changes the pool once', async () => {
      const userPoolId = await addUserPool(context.store)
      const open = { userPoolId, id: 'a', name: 'open', settings: { CallbackURLs: ['http://localhost/'] } }
      const [one, two] = ['one', 'two'].map((id, index) => ({
        id,
        sealedSecret: `sealed ${id}`,
        added: index > 0,
        createdAt: later(index),
      })) as [AppClientSecretRecord, AppClientSecretRecord]
      const secret = { userPoolId, id: 'b', name: 'confidential', secrets: [one], settings: {} }
      expect(await growth(userPoolId, () => settings().saveAppClient(open, now))).toEqual(once)
      expect(await growth(userPoolId, () => settings().saveAppClient(secret, now))).toEqual(once)
      expect(await growth(userPoolId, () => settings().saveAppClient(secret, later(1)))).toEqual(unchanged)
      expect(await settings().appClients(userPoolId)).toEqual([open, secret])

      for (const secrets of [[one, two], [two], [{ ...two, sealedSecret: 'sealed anew', added: false }]]) {
        const changed = { ...secret, secrets }
        expect(await growth(userPoolId, () => settings().saveAppClient(changed, later(1)))).toEqual(once)
        expect(await settings().appClients(userPoolId)).toEqual([open, changed])
        expect(await settings().lockAppClient(userPoolId, 'b')).toEqual(changed)
      }
      expect(await settings().lockAppClient(userPoolId, 'nobody')).toBeUndefined()
      const { secrets: _, ...withoutSecret } = secret
      expect(await growth(userPoolId, () => settings().saveAppClient(withoutSecret, later(1)))).toEqual(once)
      expect(await settings().appClients(userPoolId)).toEqual([open, withoutSecret])
    })

    test('takes its grants along, so that a later one of the same id does not inherit them', async () => {
      const { store } = context
      const userPoolId = await addUserPool(store)
      await addAppClient(store, userPoolId)
      await addAppClient(store, userPoolId, 'other')
      const user = await addUser(store, userPoolId)
      await store.grants.open(grantOf(user), 'its')
      const consent = { userPoolId, userSub: user.sub, clientId: 'web', scopes: ['openid'] }
      await store.consents.add(consent, now)
      expect(await store.consents.find(userPoolId, user.sub, 'web')).toMatchObject(consent)
      await store.grants.open(grantOf(user, { clientId: 'other' }), "the other's")
      expect(await growth(userPoolId, () => settings().deleteAppClient(userPoolId, 'web'))).toEqual(once)
      expect(await growth(userPoolId, () => settings().deleteAppClient(userPoolId, 'web'))).toEqual(unchanged)
      await addAppClient(store, userPoolId)
      expect(await store.grants.findRefreshToken(userPoolId, 'its')).toBeUndefined()
      expect(await store.consents.find(userPoolId, user.sub, 'web')).toBeUndefined()
      expect(await store.grants.findRefreshToken(userPoolId, "the other's")).toBeDefined()
    })
  })

  test('resource servers and signing keys change the pool, and come back as they were', async () => {
    const userPoolId = await addUserPool(context.store)
    const server = { userPoolId, identifier: 'api', name: 'An API', scopes: [{ name: 'read', description: 'Read' }] }
    expect(await growth(userPoolId, () => settings().saveResourceServer(server, now))).toEqual(once)
    expect(await growth(userPoolId, () => settings().saveResourceServer(server, later(1)))).toEqual(unchanged)
    expect(await settings().resourceServers(userPoolId)).toEqual([server])
    expect(await growth(userPoolId, () => settings().deleteResourceServer(userPoolId, 'api'))).toEqual(once)
    expect(await growth(userPoolId, () => settings().deleteResourceServer(userPoolId, 'api'))).toEqual(unchanged)
    expect(await settings().resourceServers(userPoolId)).toEqual([])

    const key = (kid: string, createdAt: Date): SigningKeyRecord => ({
      kid,
      userPoolId,
      use: 'id',
      algorithm: 'RS256',
      publicJwk: { kty: 'RSA', n: 'n', e: 'AQAB' },
      sealedPrivateKey: 'sealed',
      createdAt,
      activeAt: createdAt,
      predecessor: kid === 'new' ? 'old' : '',
    })
    expect(await growth(userPoolId, () => settings().addSigningKey(key('old', now)))).toEqual(once)
    expect(await growth(userPoolId, () => settings().addSigningKey(key('new', later(1))))).toEqual(once)
    expect(await settings().signingKeys(userPoolId)).toEqual([key('new', later(1)), key('old', now)])
  })
})
