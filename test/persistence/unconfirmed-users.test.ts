import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { onEachDatabase } from './databases.ts'
import { addUser, addUserPool, later } from './records.ts'

const day = 86_400

onEachDatabase((context) => {
  const byMail = { AutoVerifiedAttributes: ['email'] }
  test.each([
    ['a week where the pool sends codes or links', byMail, 7],
    ['as many days as the pool says', { ...byMail, UnconfirmedSignUpValidityDays: 30 }, 30],
    ['the same where an operator confirms', { UnconfirmedSignUpValidityDays: 1 }, 1],
    ['for ever where an operator confirms and no more is said', {}, undefined],
    ['for ever where the pool verifies nothing', { AutoVerifiedAttributes: [] }, undefined],
  ] as const)('an unconfirmed sign-up is kept %s', async (_what, settings, days) => {
    const { store } = context
    const userPoolId = await addUserPool(store, { settings })
    const add = (username: string, change: object) =>
      addUser(store, userPoolId, { username, status: 'UNCONFIRMED', ...change })
    const signUp = await add('sign-up', {})
    const others = [
      await add('confirmed', { status: 'CONFIRMED' }),
      await add('invited', { status: 'FORCE_CHANGE_PASSWORD' }),
      await add('disabled', { enabled: false }),
    ]
    const isThere = async ({ sub }: { sub: string }) => (await store.users.findBySub(userPoolId, sub)) !== undefined
    await store.housekeeping.deleteUnconfirmed(later((days ?? 4000) * day - 1), 100)
    expect(await isThere(signUp)).toBe(true)
    await store.housekeeping.deleteUnconfirmed(later((days ?? 4000) * day), 100)
    expect(await isThere(signUp)).toBe(days === undefined)
    expect(await Promise.all(others.map(isThere))).toEqual([true, true, true])
    // The name is free again.
    expect(await store.users.add({ ...signUp, sub: randomUUID() })).toBe(days === undefined ? 'username' : undefined)
  })

  test('whoever has just asked for another code keeps the sign-up for the life of that code', async () => {
    const { store } = context
    const userPoolId = await addUserPool(store, { settings: byMail })
    const user = await addUser(store, userPoolId, { username: 'slow', status: 'UNCONFIRMED' })
    const code = { userPoolId, userSub: user.sub, purpose: 'sign_up', attribute: 'email', destination: 'a' } as const
    const sentAt = later(7 * day - 60)
    await store.verificationCodes.replace({ ...code, codeHash: 'h', sentAt, expiresAt: later(8 * day - 60) })
    await store.housekeeping.deleteUnconfirmed(later(8 * day - 61), 100)
    expect(await store.users.findBySub(userPoolId, user.sub)).toBeDefined()
    await store.housekeeping.deleteUnconfirmed(later(8 * day), 100)
    expect(await store.users.findBySub(userPoolId, user.sub)).toBeUndefined()
  })

  test.each([
    ['a week where the pool sends codes or links', byMail, 7],
    ['as many days as the pool says', { ...byMail, UnconfirmedSignUpValidityDays: 30 }, 30],
    ['for ever where an operator confirms and no more is said', {}, undefined],
  ] as const)('a decoy sign-up is kept as long: %s', async (_what, settings, days) => {
    const { store } = context
    const userPoolId = await addUserPool(store, { settings })
    const address = 'a@example.org'
    const decoy = { userPoolId, key: address, sub: 'decoy', kind: 'email', address, passwordHash: 'h' } as const
    await store.decoySignUps.replace({ ...decoy, attributesDigest: 'd', createdAt: later(0) })
    const isThere = async () => (await store.decoySignUps.find(userPoolId, address)) !== undefined
    const code = { userPoolId, userSub: 'decoy', purpose: 'sign_up', attribute: 'email', destination: 'a' } as const
    const last = (days ?? 4000) * day
    await store.housekeeping.deleteExpired(later(last - 1), 100)
    expect(await isThere()).toBe(true)
    await store.decoyCodes.replace({ ...code, codeHash: 'none', sentAt: later(last - 1), expiresAt: later(last + day) })
    await store.housekeeping.deleteExpired(later(last), 100)
    expect(await isThere()).toBe(true)
    await store.housekeeping.deleteExpired(later(last + day), 100)
    expect(await isThere()).toBe(days === undefined)
  })

  test('of many unconfirmed sign-ups the oldest go first, so many at a time', async () => {
    const { store } = context
    const userPoolId = await addUserPool(store, { settings: byMail })
    for (const [username, age] of [['young', 1], ['old', 3], ['middle', 2]] as const) {
      await addUser(store, userPoolId, { username, status: 'UNCONFIRMED', createdAt: later(-age * day) })
    } // prettier-ignore
    const left = async () => (await store.users.page({ userPoolId, limit: 10 })).map(({ username }) => username)
    await store.housekeeping.deleteUnconfirmed(later(30 * day), 2)
    expect(await left()).toEqual(['young'])
  })
})
