import { describe, expect, test } from 'vitest'
import { completeNewPassword } from '../../src/domain/sign-in/complete-new-password.ts'
import { signIn } from '../../src/domain/sign-in/sign-in.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import {
  confirmUser,
  createUser,
  disableUser,
  enableUser,
  findUser,
  setUserPassword,
  signOutUser,
} from '../../src/domain/users/administer-user.ts'
import type { CreateUserRequest } from '../../src/domain/users/administer-user.ts'
import type { User, UserStatus } from '../../src/domain/users/user.ts'
import { sha256 } from '../../src/security/digest.ts'
import { clientOf, onEachDatabase, password } from './domain-fixture.ts'

const newPassword = 'Different-1852'
const byEmail = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }

onEachDatabase((context) => {
  const create = (userPool: UserPool, username: string, change: Partial<CreateUserRequest> = {}) =>
    createUser(context.services, { userPool, username, attributes: {}, password, permanent: true, ...change })

  async function account(userPool: UserPool, username = 'ana', change: Partial<CreateUserRequest> = {}): Promise<User> {
    const outcome = await create(userPool, username, change)
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome))
    return outcome.user
  }

  const enter = (userPool: UserPool, username: string, typed = password) =>
    signIn(context.services, { userPool, appClient: clientOf(userPool), username, password: typed })
  const stored = (user: User) => context.services.store.users.findBySub(user.userPoolId, user.sub)
  const become = (user: User, status: UserStatus) =>
    context.services.store.users.update(user.userPoolId, user.sub, { status }, context.clock.now())

  describe('signing in', () => {
    test('by user name, alias, or address, in every spelling', async () => {
      const aliases = await context.makePool({ AliasAttributes: ['email', 'phone_number', 'preferred_username'] })
      const attributes = {
        email: 'Ana@Example.org',
        email_verified: 'true',
        phone_number: '+15555550100',
        phone_number_verified: 'true',
        preferred_username: 'Anita',
      }
      const user = await account(aliases, 'Ana', { attributes })
      for (const name of ['ana', ' ANA ', 'ana@example.ORG.', '+1 (555) 555-0100', 'anita', 'Ａna']) {
        expect(await enter(aliases, name)).toMatchObject({ kind: 'done', user: { sub: user.sub }, amr: ['pwd'] })
      }
      const addresses = await context.makePool(byEmail)
      const other = await account(addresses, 'ana@example.org')
      expect(await enter(addresses, 'ANA@example.org')).toMatchObject({ user: { sub: other.sub, username: other.sub } })
    })

    test('not by an alias before it is verified', async () => {
      const userPool = await context.makePool({ AliasAttributes: ['email'] })
      await account(userPool, 'ana', { attributes: { email: 'ana@example.org' } })
      expect(await enter(userPool, 'ana@example.org')).toMatchObject({ reason: 'incorrectCredentials' })
    })

    test('cases count where the pool says so', async () => {
      const userPool = await context.makePool({ UsernameConfiguration: { CaseSensitive: true } })
      await account(userPool, 'Ana')
      await account(userPool, 'ana')
      expect(await enter(userPool, 'ANA')).toMatchObject({ reason: 'incorrectCredentials' })
    })

    test('an unknown name is answered as a wrong password is, for as much work (threat rows B13, B14)', async () => {
      const userPool = await context.makePool()
      await account(userPool)
      await account(userPool, 'passwordless', { password: undefined as never })
      const work = async (name: string, typed: string) => {
        const before = { ...context.hasher.calls }
        const outcome = await enter(userPool, name, typed)
        return {
          outcome,
          verified: context.hasher.calls.verify - before.verify,
          hashed: context.hasher.calls.hash - before.hash,
        }
      }
      const wrong = await work('ana', 'Wrong-1852')
      expect(wrong).toEqual({
        outcome: { kind: 'refused', reason: 'incorrectCredentials' },
        verified: 1,
        hashed: 0,
      })
      for (const name of ['nobody', 'passwordless', '', 'a\0b', '\ud800', 'x'.repeat(100_000)]) {
        expect(await work(name, 'Wrong-1852'), JSON.stringify(name.slice(0, 20))).toEqual(wrong)
      }
    })

    test.each([
      ['UNCONFIRMED', { kind: 'refused', reason: 'userNotConfirmed' }],
      ['CONFIRMED', { kind: 'done' }],
      ['FORCE_CHANGE_PASSWORD', { kind: 'challenge', challenge: 'NEW_PASSWORD_REQUIRED' }],
      ['RESET_REQUIRED', { kind: 'refused', reason: 'passwordResetRequired' }],
    ] as const)('%s is told to who knows the password, and to nobody else', async (status, outcome) => {
      const userPool = await context.makePool()
      await become(await account(userPool), status)
      expect(await enter(userPool, 'ana')).toMatchObject(outcome)
      expect(await enter(userPool, 'ana', 'Wrong-1852')).toEqual({ kind: 'refused', reason: 'incorrectCredentials' })
    })

    test('a disabled user is refused until enabled again (threat row A10)', async () => {
      const userPool = await context.makePool()
      const user = await account(userPool)
      await disableUser(context.services, user)
      expect(await enter(userPool, 'ana')).toEqual({ kind: 'refused', reason: 'userDisabled' })
      expect(await enter(userPool, 'ana', 'Wrong-1852')).toEqual({ kind: 'refused', reason: 'incorrectCredentials' })
      await enableUser(context.services, user)
      expect(await enter(userPool, 'ana')).toMatchObject({ kind: 'done' })
    })

    test('a user of one pool is nobody in another', async () => {
      const [here, there] = [await context.makePool(), await context.makePool()]
      await account(here)
      expect(await enter(there, 'ana')).toMatchObject({ reason: 'incorrectCredentials' })
    })
  })

  describe('a temporary password', () => {
    const temporary = { permanent: false } as const

    async function challenged(userPool: UserPool, change: Partial<CreateUserRequest> = {}) {
      const user = await account(userPool, 'ana', { ...temporary, ...change })
      const outcome = await enter(userPool, 'ana')
      if (outcome.kind !== 'challenge') throw new Error(JSON.stringify(outcome))
      return { ...outcome, user }
    }

    const answer = (userPool: UserPool, handle: string, typed = newPassword, attributes: Record<string, string> = {}) =>
      completeNewPassword(context.services, {
        userPool,
        appClient: clientOf(userPool),
        attemptIdHash: sha256(handle),
        password: typed,
        attributes,
      })

    test('has to be changed, once', async () => {
      const userPool = await context.makePool()
      const { user, handle } = await challenged(userPool)
      expect(await answer(userPool, handle)).toMatchObject({
        kind: 'done',
        user: { sub: user.sub, status: 'CONFIRMED' },
        amr: ['pwd'],
      })
      expect(await answer(userPool, handle, 'Another-1853')).toEqual({ kind: 'refused', reason: 'attemptExpired' })
      expect(await enter(userPool, 'ana', newPassword)).toMatchObject({ kind: 'done' })
      expect(await enter(userPool, 'ana')).toMatchObject({ reason: 'incorrectCredentials' })
    })

    test('of 50 parallel answers one is taken', async () => {
      const userPool = await context.makePool()
      const { handle } = await challenged(userPool)
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => answer(userPool, handle, `${newPassword}-${index}`)),
      )
      expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(1)
    })

    test('runs out after the days that the pool gives it', async () => {
      const PasswordPolicy = { TemporaryPasswordValidityDays: 2 }
      const userPool = await context.makePool({ Policies: { PasswordPolicy } })
      await account(userPool, 'ana', temporary)
      context.clock.pass(2 * 86_400 - 1)
      const { handle } = (await enter(userPool, 'ana')) as { handle: string }
      context.clock.pass(1)
      expect(await enter(userPool, 'ana')).toEqual({ kind: 'refused', reason: 'temporaryPasswordExpired' })
      expect(await enter(userPool, 'ana', 'Wrong-1852')).toMatchObject({ reason: 'incorrectCredentials' })
      expect(await answer(userPool, handle)).toMatchObject({ reason: 'attemptExpired' })
    })

    test('the missing required attributes are asked for, those already set stay', async () => {
      const Schema = ['email', 'given_name', 'birthdate'].map((Name) => ({ Name, Required: true }))
      const userPool = await context.makePool({ Schema: [...Schema, { Name: 'tier' }] })
      const { user, handle, missingAttributes } = await challenged(userPool, { attributes: { given_name: 'Ana' } })
      expect(missingAttributes).toEqual(['email', 'birthdate'])
      expect(await answer(userPool, handle, 'weak', { email: 'x' })).toMatchObject({
        reason: 'invalid',
        brokenRules: ['length', 'uppercase', 'number', 'symbol'],
        attributeProblems: { email: 'email', birthdate: 'required' },
      })
      const given = {
        email: 'ana@example.org',
        birthdate: '1815-12-10',
        given_name: 'Mallory',
        email_verified: 'true',
        'custom:tier': 'gold',
      }
      expect(await answer(userPool, handle, newPassword, given)).toMatchObject({ kind: 'done' })
      expect((await stored(user))?.attributes).toEqual({
        given_name: 'Ana',
        email: 'ana@example.org',
        birthdate: '1815-12-10',
      })
    })

    test('its challenge is answered within minutes, for the same client and pool', async () => {
      const userPool = await context.makePool()
      const { handle } = await challenged(userPool)
      const elsewhere = await context.makePool()
      expect(await answer(elsewhere, handle)).toMatchObject({ reason: 'attemptExpired' })
      const other = { ...clientOf(userPool), id: 'other' }
      const request = { userPool, attemptIdHash: sha256(handle), password: newPassword, attributes: {} }
      expect(await completeNewPassword(context.services, { ...request, appClient: other })).toMatchObject({
        reason: 'attemptExpired',
      })
      context.clock.pass(180)
      expect(await answer(userPool, handle)).toMatchObject({ reason: 'attemptExpired' })
    })

    test.each([
      ['disabled', (user: User) => disableUser(context.services, user)],
      ['signed out', (user: User) => signOutUser(context.services, user)],
      [
        'given another temporary password',
        (user: User, userPool: UserPool) => setUserPassword(context.services, userPool, user, newPassword, false),
      ],
      [
        'given a password for good',
        (user: User, userPool: UserPool) => setUserPassword(context.services, userPool, user, newPassword, true),
      ],
    ])('its challenge dies when the user is %s', async (_, happen) => {
      const userPool = await context.makePool()
      const { user, handle } = await challenged(userPool)
      context.clock.pass(1)
      await happen(user, userPool)
      const before = await stored(user)
      expect(await answer(userPool, handle, 'Third-Password-3')).toEqual({ kind: 'refused', reason: 'attemptExpired' })
      expect(await stored(user)).toEqual(before)
    })
  })

  describe('administration', () => {
    test('a user is made once, in every spelling, and never over another’s alias', async () => {
      const userPool = await context.makePool({ AliasAttributes: ['email'] })
      const attributes = { email: 'ana@example.org', email_verified: 'true' }
      await account(userPool, 'ana', { attributes })
      expect(await create(userPool, 'ANA')).toEqual({ kind: 'refused', reason: 'usernameExists' })
      expect(await create(userPool, 'bob', { attributes })).toEqual({ kind: 'refused', reason: 'usernameExists' })
      expect(await create(userPool, 'bob@example.org')).toEqual({ kind: 'refused', reason: 'invalidUsername' })
      expect(await findUser(context.services, userPool, 'bob')).toBeUndefined()
    })

    test('is told everything that is wrong', async () => {
      const userPool = await context.makePool({ Schema: [{ Name: 'email', Required: true }] })
      expect(await create(userPool, 'ana', { password: 'weak', attributes: { birthdate: 'x' } })).toMatchObject({
        reason: 'invalid',
        brokenRules: ['length', 'uppercase', 'number', 'symbol'],
        attributeProblems: { birthdate: 'date', email: 'required' },
      })
    })

    test('finds users by sub and by any name; by nothing else', async () => {
      const userPool = await context.makePool(byEmail)
      const user = await account(userPool, 'ana@example.org')
      for (const name of [user.sub, 'ANA@example.org']) {
        expect(await findUser(context.services, userPool, name)).toMatchObject({ sub: user.sub })
      }
      for (const name of ['', 'a\0b', 'ana', 'x'.repeat(10_000)]) {
        expect(await findUser(context.services, userPool, name)).toBeUndefined()
      }
    })

    test('confirms who waits for it, with its preferred_username, and nobody else', async () => {
      const userPool = await context.makePool({ AliasAttributes: ['preferred_username'] })
      const user = await account(userPool, 'ana', { permanent: false, attributes: { preferred_username: 'Anita' } })
      await become(user, 'UNCONFIRMED')
      expect(await confirmUser(context.services, user)).toBe(true)
      expect(await stored(user)).toMatchObject({ status: 'CONFIRMED' })
      expect(await findUser(context.services, userPool, 'anita')).toMatchObject({ sub: user.sub })
      for (const status of ['CONFIRMED', 'FORCE_CHANGE_PASSWORD', 'RESET_REQUIRED'] as const) {
        await become(user, status)
        expect(await confirmUser(context.services, user)).toBe(false)
        expect(await stored(user)).toMatchObject({ status })
      }
    })

    test.each([
      [true, 'CONFIRMED', undefined],
      [false, 'FORCE_CHANGE_PASSWORD', 7 * 86_400],
    ] as const)('sets a password (permanent: %s) from any status and signs out', async (permanent, status, lives) => {
      const userPool = await context.makePool()
      const user = await account(userPool)
      for (const from of ['CONFIRMED', 'UNCONFIRMED', 'FORCE_CHANGE_PASSWORD', 'RESET_REQUIRED'] as const) {
        await become(user, from)
        context.clock.pass(1)
        expect(await setUserPassword(context.services, userPool, user, 'weak', permanent)).not.toEqual([])
        expect(await stored(user)).toMatchObject({ status: from })
        expect(await setUserPassword(context.services, userPool, user, newPassword, permanent)).toEqual([])
        const now = context.clock.now()
        const after = await stored(user)
        expect(after).toMatchObject({ status, signedOutAt: now })
        expect(after?.temporaryPasswordExpiresAt?.getTime()).toBe(lives && now.getTime() + lives * 1000)
      }
    })
  })

  test('a user made together with its groups is never there without them', async () => {
    const userPool = await context.makePool({})
    const { services } = context
    const request = { userPool, attributes: {}, password: 'Analytical-1', permanent: true }
    await services.store.groups.save({ userPoolId: userPool.id, name: 'staff' }, services.clock.now())
    const made = await createUser(services, { ...request, username: 'ada', groups: ['staff'] })
    const sub = made.kind === 'done' ? made.user.sub : ''
    expect(await services.store.groups.ofUser(userPool.id, sub)).toMatchObject([{ name: 'staff' }])
    await expect(createUser(services, { ...request, username: 'grace', groups: ['staff', 'gone'] })).rejects.toThrow()
    expect(await findUser(services, userPool, 'grace')).toBeUndefined()
  })
})
