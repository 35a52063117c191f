import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { UserIdentifier } from '../../src/domain/ports/new-user.ts'
import { onEachDatabase } from './databases.ts'
import { addUser, addUserPool, inParallel, later, newUser, now, stored } from './records.ts'

onEachDatabase((context) => {
  const onPostgres = context.kind === 'postgres' ? test : () => {}
  const users = () => context.store.users
  const names = (username: string, email: string): UserIdentifier[] => [
    { kind: 'username', key: username },
    { kind: 'email', key: email },
  ]

  describe('adding a user', () => {
    test('makes it found by sub and by each of its names, just as it was given', async () => {
      const userPoolId = await addUserPool(context.store)
      const user = await addUser(context.store, userPoolId, {
        username: 'Ada',
        identifiers: names('ada', 'ada@example.com'),
        passwordHash: '$argon2id$…',
        temporaryPasswordExpiresAt: later(3600),
        signedOutAt: later(1),
        attributes: { email: 'ada@example.com', 'custom:quote': `'"\\ü🔑` },
      })
      expect(await users().findBySub(userPoolId, user.sub)).toEqual(stored(user))
      expect(await users().findByIdentifier(userPoolId, 'ada')).toEqual(stored(user))
      expect(await users().findByIdentifier(userPoolId, 'ada@example.com')).toEqual(stored(user))
      expect(await users().findByIdentifier(userPoolId, 'Ada')).toBeUndefined()
    })

    test('leaves out what is not known', async () => {
      const userPoolId = await addUserPool(context.store)
      const user = await addUser(context.store, userPoolId)
      const found = await users().findBySub(userPoolId, user.sub)
      expect(Object.keys(found ?? {})).not.toContain('passwordHash')
    })

    test('says which name another user holds, and adds nothing', async () => {
      const userPoolId = await addUserPool(context.store)
      await addUser(context.store, userPoolId, { identifiers: names('ada', 'ada@example.com') })
      const second = newUser(userPoolId, 'bob', { identifiers: names('bob', 'ada@example.com') })
      expect(await users().add(second)).toBe('email')
      expect(await users().findBySub(userPoolId, second.sub)).toBeUndefined()
      expect(await users().findByIdentifier(userPoolId, 'bob')).toBeUndefined()
      const third = newUser(userPoolId, 'ada', { identifiers: names('ada', 'ada@example.com') })
      expect(await users().add(third)).toBe('username')
      // A name is taken whatever kind it was taken as.
      const fourth = newUser(userPoolId, 'x', { identifiers: [{ kind: 'username', key: 'ada@example.com' }] })
      expect(await users().add(fourth)).toBe('username')
    })

    test('leaves the transaction around it usable after a conflict', async () => {
      const userPoolId = await addUserPool(context.store)
      await addUser(context.store, userPoolId, { identifiers: names('ada', 'ada@example.com') })
      const bob = newUser(userPoolId, 'bob')
      const conflict = await context.store.transaction(async (tx) => {
        const kind = await tx.users.add(newUser(userPoolId, 'ada', { identifiers: names('ada', 'x@example.com') }))
        await tx.users.add(bob)
        return kind
      })
      expect(conflict).toBe('username')
      expect(await users().findBySub(userPoolId, bob.sub)).toEqual(stored(bob))
    })

    test('with a user name that is the own e-mail address works', async () => {
      const userPoolId = await addUserPool(context.store)
      const user = await addUser(context.store, userPoolId, {
        identifiers: names('ada@example.com', 'ada@example.com'),
      })
      expect(await users().findByIdentifier(userPoolId, 'ada@example.com')).toEqual(stored(user))
    })

    test('is undone by a throw', async () => {
      const userPoolId = await addUserPool(context.store)
      const user = newUser(userPoolId, 'ada')
      const failing = context.store.transaction(async (tx) => {
        await tx.users.add(user)
        throw new Error('no mail server')
      })
      await expect(failing).rejects.toThrow('no mail server')
      expect(await users().findByIdentifier(userPoolId, 'ada')).toBeUndefined()
    })
  })

  test('of 30 people who sign up at once with one address, one gets it, and nobody is half there', async () => {
    const userPoolId = await addUserPool(context.store)
    const candidates = Array.from({ length: 30 }, (_, index) => {
      const identifiers = names(`user-${index}`, 'shared@example.com')
      return newUser(userPoolId, `user-${index}`, {
        identifiers: index % 2 === 0 ? identifiers : identifiers.reverse(),
      })
    })
    const conflicts = await Promise.all(candidates.map((user) => users().add(user)))
    expect(conflicts.filter((kind) => kind === undefined)).toHaveLength(1)
    expect(conflicts.filter((kind) => kind === 'email')).toHaveLength(29)
    const winner = candidates[conflicts.indexOf(undefined)]!
    expect(await users().page({ userPoolId, limit: 60 })).toEqual([stored(winner)])
    expect(await users().findByIdentifier(userPoolId, 'shared@example.com')).toEqual(stored(winner))
    // The losers' own names are free again.
    const loser = candidates.find((user) => user !== winner)!
    expect(await users().add({ ...loser, identifiers: [{ kind: 'username', key: loser.username }] })).toBeUndefined()
  })

  // The embedded database has one connection: there no two additions overlap.
  onPostgres('who loses a name to a sign-up that is under way is not half there', async () => {
    const userPoolId = await addUserPool(context.store)
    const ada = newUser(userPoolId, 'ada', { identifiers: names('ada', 'shared@example.com') })
    const bob = newUser(userPoolId, 'bob', { identifiers: names('bob', 'shared@example.com') })
    let second: Promise<string | undefined> | undefined
    await context.store.transaction(async (tx) => {
      await tx.users.add(ada)
      second = users().add(bob)
      await sleep(200) // it has found the name free, and now waits for us
    })
    expect(await second).toBe('email')
    expect(await users().page({ userPoolId, limit: 10 })).toEqual([stored(ada)])
    expect(await users().findByIdentifier(userPoolId, 'bob')).toBeUndefined()
  })

  describe('changing a user', () => {
    test('touches the named members only, and merges attributes', async () => {
      const userPoolId = await addUserPool(context.store)
      const attributes = { email: 'ada@example.com', name: 'Ada', 'custom:a': '1' }
      const user = await addUser(context.store, userPoolId, { attributes, passwordHash: 'first' })
      const change = {
        attributes: { name: 'Ada L.', 'custom:a': null, locale: 'en', absent: null },
        signedOutAt: later(9),
      }
      expect(await users().update(userPoolId, user.sub, change, later(10))).toBe(true)
      expect(await users().findBySub(userPoolId, user.sub)).toEqual({
        ...stored(user),
        attributes: { email: 'ada@example.com', name: 'Ada L.', locale: 'en' },
        signedOutAt: later(9),
        updatedAt: later(10),
      })
      await users().update(userPoolId, user.sub, { passwordHash: null, enabled: false }, later(11))
      const found = await users().findBySub(userPoolId, user.sub)
      expect(found).toMatchObject({ enabled: false, status: 'CONFIRMED', signedOutAt: later(9) })
      expect(found).not.toHaveProperty('passwordHash')
    })

    test('only from the given states', async () => {
      const userPoolId = await addUserPool(context.store)
      const user = await addUser(context.store, userPoolId, { status: 'UNCONFIRMED' })
      const confirm = { status: 'CONFIRMED', onlyFrom: ['UNCONFIRMED', 'FORCE_CHANGE_PASSWORD'] } as const
      expect(await users().update(userPoolId, user.sub, confirm, now)).toBe(true)
      expect(await users().update(userPoolId, user.sub, { ...confirm, passwordHash: 'evil' }, now)).toBe(false)
      expect(await users().findBySub(userPoolId, user.sub)).not.toHaveProperty('passwordHash')
      expect(await users().update(userPoolId, randomUUID(), { enabled: false }, now)).toBe(false)
    })

    test('twenty attributes at once, each in a call of its own, keeps them all', async () => {
      const userPoolId = await addUserPool(context.store)
      const user = await addUser(context.store, userPoolId, { attributes: {} })
      await inParallel(20, (n) => users().update(userPoolId, user.sub, { attributes: { [`custom:${n}`]: 'x' } }, now))
      expect(Object.keys((await users().findBySub(userPoolId, user.sub))?.attributes ?? {})).toHaveLength(20)
    })
  })

  describe('claiming a name', () => {
    test('is refused while another user holds it, and granted again to its holder', async () => {
      const userPoolId = await addUserPool(context.store)
      const ada = await addUser(context.store, userPoolId)
      const bob = await addUser(context.store, userPoolId)
      const email = { kind: 'email', key: 'shared@example.com' } as const
      expect(await users().claimIdentifier(userPoolId, ada.sub, email)).toBe(true)
      expect(await users().claimIdentifier(userPoolId, ada.sub, email)).toBe(true)
      expect(await users().claimIdentifier(userPoolId, bob.sub, email)).toBe(false)
      expect(await users().findByIdentifier(userPoolId, email.key)).toEqual(stored(ada))
      expect(await users().claimIdentifier(userPoolId, randomUUID(), { kind: 'email', key: 'free' })).toBe(false)
    })

    test('frees the earlier one of its kind, and no other', async () => {
      const userPoolId = await addUserPool(context.store)
      const ada = await addUser(context.store, userPoolId, { identifiers: names('ada', 'old@example.com') })
      expect(await users().claimIdentifier(userPoolId, ada.sub, { kind: 'email', key: 'new@example.com' })).toBe(true)
      expect(await users().findByIdentifier(userPoolId, 'old@example.com')).toBeUndefined()
      expect(await users().findByIdentifier(userPoolId, 'new@example.com')).toEqual(stored(ada))
      expect(await users().findByIdentifier(userPoolId, 'ada')).toEqual(stored(ada))
      const bob = await addUser(context.store, userPoolId)
      expect(await users().claimIdentifier(userPoolId, bob.sub, { kind: 'email', key: 'new@example.com' })).toBe(false)
    })

    test('that twenty users claim at once, one gets', async () => {
      const userPoolId = await addUserPool(context.store)
      const people = await inParallel(20, () => addUser(context.store, userPoolId))
      const claims = await Promise.all(
        people.map(({ sub }) => users().claimIdentifier(userPoolId, sub, { kind: 'email', key: 'one@example.com' })),
      )
      expect(claims.filter((claimed) => claimed)).toHaveLength(1)
    })
  })

  test('pages are in order of canonical names as bytes, and can be narrowed to a status', async () => {
    const userPoolId = await addUserPool(context.store)
    for (const username of ['b', 'Zoe', 'a_1', 'a-1', 'ä', 'a']) await addUser(context.store, userPoolId, { username })
    await addUser(context.store, userPoolId, { username: 'new', status: 'UNCONFIRMED' })
    const first = await users().page({ userPoolId, limit: 4 })
    expect(first.map(({ username }) => username)).toEqual(['a', 'a-1', 'a_1', 'b'])
    const second = await users().page({ userPoolId, limit: 4, after: 'b' })
    expect(second.map(({ username }) => username)).toEqual(['new', 'Zoe', 'ä'])
    expect(await users().page({ userPoolId, limit: 4, status: 'UNCONFIRMED' })).toHaveLength(1)
  })

  test('a user goes with names, codes and tokens; an unconfirmed one only while it is', async () => {
    const userPoolId = await addUserPool(context.store)
    const user = await addUser(context.store, userPoolId, { username: 'ada', status: 'UNCONFIRMED' })
    await users().update(userPoolId, user.sub, { status: 'CONFIRMED' }, now)
    expect(await users().deleteUnconfirmed(userPoolId, user.sub)).toBe(false)
    await users().update(userPoolId, user.sub, { status: 'UNCONFIRMED' }, now)
    expect(await users().deleteUnconfirmed(userPoolId, user.sub)).toBe(true)
    expect(await users().delete(userPoolId, user.sub)).toBe(false)
    expect(await users().add(newUser(userPoolId, 'ada'))).toBeUndefined()
  })

  test('groups come in order of precedence, then name', async () => {
    const { store } = context
    const userPoolId = await addUserPool(store)
    const user = await addUser(store, userPoolId)
    await store.groups.save({ userPoolId, name: 'plain' }, now)
    await store.groups.save({ userPoolId, name: 'writers', precedence: 5, roleArn: 'arn:aws:iam::1:role/writer' }, now)
    await store.groups.save({ userPoolId, name: 'admins', precedence: 5, description: 'first' }, now)
    await store.groups.save({ userPoolId, name: 'owners', precedence: 0 }, now)
    await store.groups.save({ userPoolId, name: 'admins', precedence: 5, description: 'second' }, now)
    for (const name of ['plain', 'writers', 'admins', 'owners', 'owners']) {
      await store.groups.addUser(userPoolId, [name], user.sub, now)
    }
    expect(await store.groups.ofUser(userPoolId, user.sub)).toEqual([
      { userPoolId, name: 'owners', precedence: 0 },
      { userPoolId, name: 'admins', precedence: 5, description: 'second' },
      { userPoolId, name: 'writers', precedence: 5, roleArn: 'arn:aws:iam::1:role/writer' },
      { userPoolId, name: 'plain' },
    ])
    expect((await store.groups.list(userPoolId)).map(({ name }) => name)).toEqual([
      'admins',
      'owners',
      'plain',
      'writers',
    ])
  })

  test('of groups that come together those are made that were not there; a user joins many at once', async () => {
    const { store } = context
    const userPoolId = await addUserPool(store)
    const user = await addUser(store, userPoolId)
    const [staff, admins, writers] = [
      { userPoolId, name: 'staff', description: 'as it was' },
      { userPoolId, name: 'admins', precedence: 0, roleArn: 'arn:aws:iam::1:role/admin' },
      { userPoolId, name: 'writers', description: 'a zero \0 byte' },
    ]
    await store.groups.save(staff, now)
    const made = await store.groups.addIfAbsent([writers, { ...staff, description: 'another' }, admins, admins], now)
    expect(made.toSorted()).toEqual(['admins', 'writers'])
    expect(await store.groups.addIfAbsent([], now)).toEqual([])
    expect(await store.groups.list(userPoolId)).toEqual([
      admins,
      staff,
      { ...writers, description: 'a zero \uFFFD byte' },
    ])
    await store.groups.addUser(userPoolId, [], user.sub, now)
    await store.groups.addUser(userPoolId, ['staff', 'admins', 'staff'], user.sub, now)
    expect((await store.groups.ofUser(userPoolId, user.sub)).map(({ name }) => name)).toEqual(['admins', 'staff'])
  })
})
