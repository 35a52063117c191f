import { expect, test } from 'vitest'
import { onEachDatabase } from './databases.ts'
import { addUser, addUserPool, inParallel, later } from './records.ts'

onEachDatabase((context) => {
  async function userWithDevices() {
    const { devices } = context.store
    const userPoolId = await addUserPool(context.store)
    const { sub: userSub } = await addUser(context.store, userPoolId)
    const owner = { userPoolId, userSub }
    return {
      ...owner,
      remember: (name: string, seconds = 0, replacing: readonly string[] = []) =>
        devices.remember(
          {
            ...owner,
            deviceKey: `key of ${name}`,
            secretHash: name,
            createdAt: later(seconds),
            lastUsedAt: later(seconds),
            expiresAt: later(seconds + 1000),
          },
          { replacing, maximum: 3 },
        ),
      use: (names: readonly string[], seconds = 0, address?: string) =>
        devices.use({ ...owner, secretHashes: names, address, at: later(seconds) }),
      names: async (seconds = 0) =>
        (await devices.ofUser(userPoolId, userSub, later(seconds))).map(({ secretHash }) => secretHash),
    }
  }

  test('no more than so many are remembered, those used last', async () => {
    const { remember, use, names } = await userWithDevices()
    for (const [index, name] of ['a', 'b', 'c'].entries()) await remember(name, index)
    expect(await use(['x', 'a'], 10)).toBe(true)
    await remember('d', 20)
    expect(await names()).toEqual(['d', 'a', 'c'])
  })

  test('a new one takes the place of those that the browser held', async () => {
    const { remember, names } = await userWithDevices()
    await remember('a')
    await remember('b', 1)
    expect(await remember('c', 2, ['a', 'x'])).toEqual(['a'])
    expect(await names()).toEqual(['c', 'b'])
  })

  test('used, it notes when and from where; over, it is as if it were not there', async () => {
    const { remember, use, names, userPoolId, userSub } = await userWithDevices()
    await remember('a')
    expect(await use(['a'], 999, '192.0.2.1')).toBe(true)
    const [device] = await context.store.devices.ofUser(userPoolId, userSub, later(0))
    expect(device).toMatchObject({ deviceKey: 'key of a', address: '192.0.2.1', lastUsedAt: later(999) })
    // Without an address the last one stays.
    expect(await use(['a'], 999)).toBe(true)
    expect(await context.store.devices.ofUser(userPoolId, userSub, later(0))).toMatchObject([{ address: '192.0.2.1' }])
    expect([await use(['a'], 1000), await names(1000)]).toEqual([false, []])
    await context.store.housekeeping.deleteExpired(later(1000), 10)
    expect(await names()).toEqual([])
  })

  test('is one user’s, forgotten by its key, with all of theirs, or with the user', async () => {
    const [ada, eve] = [await userWithDevices(), await userWithDevices()]
    const { devices, users } = context.store
    await ada.remember('a')
    await ada.remember('b', 1)
    const other = await addUser(context.store, ada.userPoolId)
    const stranger = { userPoolId: ada.userPoolId, userSub: other.sub, secretHashes: ['a'], address: undefined }
    expect([await devices.use({ ...stranger, at: later(0) }), await eve.use(['a'])]).toEqual([false, false])
    expect(await devices.forget({ userPoolId: ada.userPoolId, userSub: other.sub, deviceKey: 'key of a' })).toBe(false)
    const own = { userPoolId: ada.userPoolId, userSub: ada.userSub, deviceKey: 'key of a' }
    expect([await devices.forget(own), await devices.forget(own), await ada.names()]).toEqual([true, false, ['b']])
    await ada.remember('c', 2)
    expect([await devices.forgetOfUser(ada.userPoolId, ada.userSub), await ada.names()]).toEqual([2, []])
    await ada.remember('d', 3)
    await users.delete(ada.userPoolId, ada.userSub)
    expect(await ada.names()).toEqual([])
  })

  test('many at once are all written, and the next one makes room', async () => {
    const { remember, names } = await userWithDevices()
    await inParallel(20, (index) => remember(`device ${index}`))
    await remember('last', 60)
    expect((await names()).length).toBe(3)
    expect((await names())[0]).toBe('last')
  })
})
