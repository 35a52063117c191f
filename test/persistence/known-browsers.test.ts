import { expect, test } from 'vitest'
import { onEachDatabase } from './databases.ts'
import { addUser, addUserPool, inParallel, later } from './records.ts'

const day = 86_400

onEachDatabase((context) => {
  async function userWithBrowsers() {
    const { knownBrowsers } = context.store
    const userPoolId = await addUserPool(context.store)
    const { sub: userSub } = await addUser(context.store, userPoolId)
    return {
      userPoolId,
      userSub,
      remember: (browserHash: string, seconds = 0, maximum = 3) =>
        knownBrowsers.remember({ userPoolId, userSub, browserHash, maximum, at: later(seconds) }),
      known: async (...names: string[]) => {
        const found: string[] = []
        for (const name of names) if (await knownBrowsers.has(userPoolId, userSub, name)) found.push(name)
        return found
      },
    }
  }

  test('a user’s browsers are remembered, those used last, and no more than so many', async () => {
    const { remember, known } = await userWithBrowsers()
    for (const [index, name] of ['a', 'b', 'c'].entries()) await remember(name, index)
    expect(await known('a', 'b', 'c')).toEqual(['a', 'b', 'c'])
    // Used once more, a day later: `b` is the oldest one now.
    await remember('a', day + 10)
    await remember('d', day + 20)
    expect(await known('a', 'b', 'c', 'd')).toEqual(['a', 'c', 'd'])
    await remember('e', day + 30)
    expect(await known('a', 'c', 'd', 'e')).toEqual(['a', 'd', 'e'])
  })

  test('one that is used again at once pushes none out', async () => {
    const { remember, known } = await userWithBrowsers()
    for (const [index, name] of ['a', 'b', 'c', 'c', 'c', 'a'].entries()) await remember(name, index)
    expect(await known('a', 'b', 'c')).toEqual(['a', 'b', 'c'])
  })

  test('many at once are all written, and the next one makes room', async () => {
    const { remember, known, userPoolId, userSub } = await userWithBrowsers()
    await inParallel(40, (index) => remember(`browser ${index}`))
    await remember('last', 60)
    const rows = await context.database.kysely
      .selectFrom('known_browsers')
      .select('browser_hash')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .execute()
    expect(rows).toHaveLength(3)
    expect(await known('last')).toEqual(['last'])
  })

  test('they are of one user in one pool, and go with the user, or when they are forgotten', async () => {
    const [ada, eve] = [await userWithBrowsers(), await userWithBrowsers()]
    const other = await addUser(context.store, ada.userPoolId)
    await ada.remember('a')
    await eve.remember('a')
    const { knownBrowsers, users } = context.store
    expect(await knownBrowsers.has(ada.userPoolId, other.sub, 'a')).toBe(false)
    expect(await knownBrowsers.has(eve.userPoolId, ada.userSub, 'a')).toBe(false)
    await knownBrowsers.forget(ada.userPoolId, ada.userSub)
    expect([await ada.known('a'), await eve.known('a')]).toEqual([[], ['a']])
    await ada.remember('b')
    await knownBrowsers.forgetAll(ada.userPoolId)
    expect([await ada.known('b'), await eve.known('a')]).toEqual([[], ['a']])
    await users.delete(eve.userPoolId, eve.userSub)
    expect(await eve.known('a')).toEqual([])
  })

  test('one that was not used for 400 days is forgotten', async () => {
    const { remember, known } = await userWithBrowsers()
    await remember('old')
    await remember('young', day)
    await context.store.housekeeping.deleteExpired(later(400 * day - 1), 100)
    expect(await known('old', 'young')).toEqual(['old', 'young'])
    await context.store.housekeeping.deleteExpired(later(400 * day), 100)
    expect(await known('old', 'young')).toEqual(['young'])
  })
})
