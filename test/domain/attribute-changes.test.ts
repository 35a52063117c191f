import { describe, expect, test } from 'vitest'
import { updateUserAttributes } from '../../src/domain/attribute-changes/update-user-attributes.ts'
import {
  cancelAttributeChange,
  sendAttributeVerificationCode,
  verifyUserAttribute,
} from '../../src/domain/attribute-changes/verify-user-attribute.ts'
import { confirmForgotPassword } from '../../src/domain/recovery/confirm-forgot-password.ts'
import { signIn } from '../../src/domain/sign-in/sign-in.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import { signOutUserPool } from '../../src/domain/user-pools/sign-out-user-pool.ts'
import {
  createUser,
  disableUser,
  enableUser,
  setUserPassword,
  signOutUser,
} from '../../src/domain/users/administer-user.ts'
import { setUserAttributes } from '../../src/domain/users/set-user-attributes.ts'
import type { User } from '../../src/domain/users/user.ts'
import { addSeconds } from '../../src/platform/clock.ts'
import { askForReset, clientOf, onEachDatabase, password } from './domain-fixture.ts'

const byEmail = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
const atOnce = { ...byEmail, UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: [] } }
const byAlias = { AliasAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
const [before, after] = ['ana@example.org', 'ana@example.net']

onEachDatabase((context) => {
  const account = async (userPool: UserPool, username = before, attributes: Record<string, string> = {}) => {
    const verified = { email_verified: 'true', ...attributes }
    const request = { userPool, username, attributes: verified, password, permanent: true }
    const outcome = await createUser(context.services, request)
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome))
    await context.newMessages()
    return outcome.user.sub
  }
  const attributesOf = async (userPool: UserPool, sub: string) =>
    (await context.services.store.users.findBySub(userPool.id, sub))?.attributes
  const change = (
    userPool: UserPool,
    userSub: string,
    attributes: Record<string, string>,
    options: { authTime?: Date; client?: object } = {},
  ) =>
    updateUserAttributes(context.services, {
      userPool,
      appClient: { ...clientOf(userPool), ...options.client },
      userSub,
      authTime: options.authTime ?? context.clock.now(),
      attributes,
      languages: ['en'],
    })
  const verify = (userPool: UserPool, userSub: string, code: string) =>
    verifyUserAttribute(context.services, { userPool, userSub, attribute: 'email', languages: ['en'], code })
  const enters = async (userPool: UserPool, username: string, typed = password) =>
    (await signIn(context.services, { userPool, appClient: clientOf(userPool), username, password: typed })).kind ===
    'done'
  /** What was sent since the last time, by address. */
  const sent = async () =>
    new Map((await context.newMessages()).map(({ recipient, kind, code = '' }) => [recipient, { kind, code }]))
  const forgot = (userPool: UserPool, username: string) => askForReset(context.services, { userPool, username })
  const reset = (userPool: UserPool, userSub: string, code: string) =>
    confirmForgotPassword(context.services, { userPool, userSub, username: 'ana', code, password: 'Different-1852' })

  describe('a new address', () => {
    test.each([
      ['of a pool that signs in by e-mail', byEmail, before],
      ['that is an alias', byAlias, 'ana'],
    ])(
      '%s waits for its code; the former one stays in force and is told (threat row A7)',
      async (_, settings, name) => {
        const userPool = await context.makePool(settings)
        const sub = await account(userPool, name, { email: before })
        expect(await change(userPool, sub, { email: after, given_name: 'Ana' })).toMatchObject({
          kind: 'done',
          deliveries: [{ medium: 'EMAIL', destination: 'a***@e***', attribute: 'email' }],
        })
        expect(await attributesOf(userPool, sub)).toMatchObject({
          email: before,
          email_verified: 'true',
          given_name: 'Ana',
        })
        expect([await enters(userPool, before), await enters(userPool, after)]).toEqual([true, false])
        const messages = await sent()
        expect(messages.get(before)).toEqual({ kind: 'addressChanging', code: '' })
        const { kind, code } = messages.get(after) ?? { code: '' }
        expect(kind).toBe('addressVerification')

        expect(await verify(userPool, sub, code)).toEqual({ kind: 'done' })
        expect(await attributesOf(userPool, sub)).toMatchObject({ email: after, email_verified: 'true' })
        expect([await enters(userPool, before), await enters(userPool, after)]).toEqual([false, true])
        expect(await sent()).toEqual(new Map([[before, { kind: 'addressChanged', code: '' }]]))
        expect(await verify(userPool, sub, code)).toMatchObject({ reason: 'codeExpired' })
      },
    )

    test('is confirmed once, however many try at the same moment', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      const code = (await sent()).get(after)?.code ?? ''
      const outcomes = await Promise.all([1, 2, 3].map(() => verify(userPool, sub, code)))
      expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1)
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: after })
    })

    test('is not taken by a wrong code, a late one, or one of a change that another has followed', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      const first = (await sent()).get(after)?.code ?? ''
      expect(await verify(userPool, sub, first === '000000' ? '000001' : '000000')).toMatchObject({
        reason: 'codeMismatch',
      })
      context.clock.pass(60)
      await change(userPool, sub, { email: 'another@example.net' })
      const second = (await sent()).get('another@example.net')?.code ?? ''
      if (second !== first) expect(await verify(userPool, sub, first)).toMatchObject({ reason: 'codeMismatch' })
      context.clock.pass(24 * 3600)
      expect(await verify(userPool, sub, second)).toMatchObject({ reason: 'codeExpired' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: before })
    })

    test('is refused when it has become somebody else’s meanwhile, who keeps it', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      const code = (await sent()).get(after)?.code ?? ''
      const other = await account(userPool, after)
      expect(await verify(userPool, sub, code)).toMatchObject({ reason: 'aliasExists' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: before })
      expect(await context.services.store.users.findByIdentifier(userPool.id, after)).toMatchObject({ sub: other })
    })

    test('can be given up, sent another code, or taken back by the former one', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      const { code = '' } = (await sent()).get(after) ?? {}
      const request = { userPool, userSub: sub, attribute: 'email', languages: ['en'] } as const
      expect(await sendAttributeVerificationCode(context.services, request)).toMatchObject({ kind: 'done' })
      expect(await sent()).toEqual(new Map())
      context.clock.pass(31)
      await sendAttributeVerificationCode(context.services, request)
      const again = (await sent()).get(after)?.code ?? ''
      expect(again).toMatch(/^\d{6}$/)
      expect(await cancelAttributeChange(context.services, request)).toBe(true)
      expect(await cancelAttributeChange(context.services, request)).toBe(false)
      expect(await verify(userPool, sub, again)).toMatchObject({ kind: 'refused' })
      expect(await verify(userPool, sub, code)).toMatchObject({ kind: 'refused' })

      context.clock.pass(31)
      await change(userPool, sub, { email: after })
      await change(userPool, sub, { email: before })
      expect(await verify(userPool, sub, (await sent()).get(after)?.code ?? '')).toMatchObject({ kind: 'refused' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: before, email_verified: 'true' })
    })

    test('changes at once where the pool says so, unverified until its code comes back', async () => {
      const userPool = await context.makePool(atOnce)
      const sub = await account(userPool)
      await account(userPool, 'taken@example.org')
      expect(await change(userPool, sub, { email: 'taken@example.org' })).toMatchObject({ reason: 'aliasExists' })
      await change(userPool, sub, { email: after })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: after, email_verified: 'false' })
      expect([await enters(userPool, before), await enters(userPool, after)]).toEqual([false, true])
      const messages = await sent()
      expect(messages.get(before)?.kind).toBe('addressChanged')
      expect(await verify(userPool, sub, messages.get(after)?.code ?? '')).toEqual({ kind: 'done' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: after, email_verified: 'true' })
    })
  })

  describe('what may be changed', () => {
    test('an address only soon after signing in', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const authTime = addSeconds(context.clock.now(), -15 * 60 - 1)
      expect(await change(userPool, sub, { email: after }, { authTime })).toMatchObject({
        reason: 'staleAuthentication',
      })
      expect(await change(userPool, sub, { nickname: 'A' }, { authTime })).toMatchObject({ kind: 'done' })
    })

    test('never flags, ids or what the app may not write (threat row A6)', async () => {
      const userPool = await context.makePool({
        ...byEmail,
        Schema: [{ Name: 'tier' }, { Name: 'born', Mutable: false }],
      })
      const sub = await account(userPool)
      const names = ['email_verified', 'sub', 'identities', 'updated_at', 'dev:role', 'custom:tier']
      for (const name of names) {
        const values = Object.fromEntries([[name, 'true']])
        expect(await change(userPool, sub, values)).toEqual({ kind: 'refused', reason: 'notWritable', names: [name] })
      }
      const client = { writeAttributes: ['custom:tier', 'custom:born'] }
      expect(await change(userPool, sub, { nickname: 'A' }, { client })).toMatchObject({ reason: 'notWritable' })
      expect(await change(userPool, sub, { 'custom:born': 'x' }, { client })).toMatchObject({ reason: 'notWritable' })
      expect(await change(userPool, sub, { 'custom:tier': 'gold' }, { client })).toMatchObject({ kind: 'done' })
      expect(await change(userPool, sub, { email: '' })).toMatchObject({ problems: { email: 'required' } })
      expect(await change(userPool, sub, { email: 'nobody' })).toMatchObject({ problems: { email: 'email' } })
      expect(await attributesOf(userPool, sub)).toEqual({
        email: before,
        email_verified: 'true',
        'custom:tier': 'gold',
      })
    })
  })

  describe('a forgotten password while an address waits', () => {
    test('is reset by the former address, which drops the new one (threat row A1)', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      const pending = (await sent()).get(after)?.code ?? ''
      await forgot(userPool, before)
      const code = (await sent()).get(before)?.code ?? ''
      expect(await reset(userPool, sub, code)).toMatchObject({ kind: 'done' })
      expect(await verify(userPool, sub, pending)).toMatchObject({ reason: 'codeExpired' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: before })
    })

    test('is reset by the new address too, which then takes the place of the former one', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      await sent()
      await forgot(userPool, before)
      const messages = await sent()
      const code = messages.get(after)?.code ?? ''
      expect(messages.get(after)?.kind).toBe('reset')
      expect(await reset(userPool, sub, code)).toMatchObject({ kind: 'done' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: after, email_verified: 'true' })
      expect((await sent()).get(before)?.kind).toBe('addressChanged')
      expect(await enters(userPool, after, 'Different-1852')).toBe(true)
      expect(await reset(userPool, sub, messages.get(before)?.code ?? '')).toMatchObject({ kind: 'refused' })
    })

    test('is not reset by an address that no longer waits', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      await forgot(userPool, before)
      const code = (await sent()).get(after)?.code ?? ''
      await cancelAttributeChange(context.services, { userPool, userSub: sub, attribute: 'email' })
      expect(await reset(userPool, sub, code)).toMatchObject({ kind: 'refused' })
      expect(await enters(userPool, before)).toBe(true)
    })
  })

  describe('whoever was shut out does not come back by the address that they named (threat row A1)', () => {
    const shutOut = {
      'signed out everywhere': (_userPool: UserPool, user: User) => signOutUser(context.services, user),
      'disabled and enabled again': async (_userPool: UserPool, user: User) => {
        await disableUser(context.services, user)
        await enableUser(context.services, user)
      },
      'given another password': (userPool: UserPool, user: User) =>
        setUserPassword(context.services, userPool, user, 'Trajectory-1962', true),
      'signed out with the whole pool': (userPool: UserPool) => signOutUserPool(context.services, userPool.id),
    }
    test.each(Object.entries(shutOut))('%s', async (_way, work) => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      await forgot(userPool, before)
      const early = (await sent()).get(after)?.code ?? ''
      context.clock.pass(31)
      await work(userPool, (await context.services.store.users.findBySub(userPool.id, sub))!)
      expect(await reset(userPool, sub, early)).toMatchObject({ kind: 'refused' })
      await forgot(userPool, before)
      expect([...(await sent()).keys()]).toEqual([before])
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: before })
      // Whoever has signed in since may name one.
      await change(userPool, sub, { email: 'another@example.net' })
      context.clock.pass(31)
      await forgot(userPool, before)
      expect([...(await sent()).keys()]).toContain('another@example.net')
    })

    test('or by a second one, when the first has been proved', async () => {
      const userPool = await context.makePool({ ...byEmail, AutoVerifiedAttributes: ['email', 'phone_number'] })
      const sub = await account(userPool)
      await change(userPool, sub, { email: after })
      await change(userPool, sub, { phone_number: '+15555550100' })
      await forgot(userPool, before)
      expect(await reset(userPool, sub, (await sent()).get(after)?.code ?? '')).toMatchObject({ kind: 'done' })
      expect(await context.services.store.attributeChanges.ofUser(userPool.id, sub, context.clock.now())).toEqual([])
    })
  })

  describe('an operator', () => {
    test('changes an address at once, with its sign-in name', async () => {
      const userPool = await context.makePool(byAlias)
      const sub = await account(userPool, 'ana', { email: before })
      const user = (await context.services.store.users.findBySub(userPool.id, sub))!
      await account(userPool, 'bob', { email: 'bob@example.org' })
      const set = (values: Record<string, string>) => setUserAttributes(context.services, userPool, user, values)
      expect(await set({ email: 'bob@example.org', email_verified: 'true' })).toMatchObject({ reason: 'aliasExists' })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: before })
      expect(await set({ email: after, email_verified: 'true' })).toEqual({ kind: 'done' })
      expect([await enters(userPool, before), await enters(userPool, after)]).toEqual([false, true])
      expect(await set({ email: 'nobody' })).toMatchObject({ problems: { email: 'email' } })
    })

    test('who changes it without saying so leaves it unverified, and an empty value takes it away', async () => {
      const userPool = await context.makePool(byAlias)
      const sub = await account(userPool, 'ana', { email: before })
      const user = async () => (await context.services.store.users.findBySub(userPool.id, sub))!
      await setUserAttributes(context.services, userPool, await user(), { email: after })
      expect(await attributesOf(userPool, sub)).toMatchObject({ email: after, email_verified: 'false' })
      expect([await enters(userPool, before), await enters(userPool, after)]).toEqual([false, false])
      await setUserAttributes(context.services, userPool, await user(), { email: '' })
      expect(await attributesOf(userPool, sub)).toEqual({})
    })
  })
})
