import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { confirmForgotPassword } from '../../src/domain/recovery/confirm-forgot-password.ts'
import { confirmSignUp } from '../../src/domain/sign-up/confirm-sign-up.ts'
import { signIn } from '../../src/domain/sign-in/sign-in.ts'
import type { Repositories, Store } from '../../src/domain/ports/store.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import { createUser, disableUser, findUser } from '../../src/domain/users/administer-user.ts'
import type { UserStatus } from '../../src/domain/users/user.ts'
import { addSeconds } from '../../src/platform/clock.ts'
import { askForReset, clientOf, onEachDatabase, password, wrongCode } from './domain-fixture.ts'

const byEmail = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
const newPassword = 'Different-1852'

onEachDatabase((context) => {
  const forgot = (userPool: UserPool, username: string) => askForReset(context.services, { userPool, username })
  const reset = (userPool: UserPool, userSub: string | undefined, code: string, change = newPassword) =>
    confirmForgotPassword(context.services, { userPool, userSub, username: 'ana@example.org', code, password: change })
  const stored = (userPool: UserPool, sub: string) => context.services.store.users.findBySub(userPool.id, sub)
  const enter = (userPool: UserPool, username: string, typed: string) =>
    signIn(context.services, { userPool, appClient: clientOf(userPool), username, password: typed })

  async function account(
    userPool: UserPool,
    username = 'ana@example.org',
    change: { status?: UserStatus; attributes?: Record<string, string> } = {},
  ) {
    const attributes = change.attributes ?? { email_verified: 'true' }
    const outcome = await createUser(context.services, { userPool, username, attributes, password, permanent: true })
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome))
    const { sub } = outcome.user
    if (change.status !== undefined) {
      await context.services.store.users.update(userPool.id, sub, { status: change.status }, context.clock.now())
    }
    return sub
  }

  async function sentCode(userPool: UserPool, username: string) {
    await context.newMessages()
    const outcome = await forgot(userPool, username)
    const [message] = await context.newMessages()
    return { ...outcome, code: message?.code ?? '', message }
  }

  describe('asking for a reset', () => {
    test('sends a code for an hour and changes nothing', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const before = await stored(userPool, sub)
      const { userSub, delivery, message } = await sentCode(userPool, 'ANA@example.org')
      expect(userSub).toBe(sub)
      expect(delivery).toMatchObject({ medium: 'EMAIL', destination: 'a***@e***', attribute: 'email' })
      expect(message).toMatchObject({ kind: 'reset', recipient: 'ana@example.org', validForMinutes: 60 })
      expect(await stored(userPool, sub)).toEqual(before)
      expect(await enter(userPool, 'ana@example.org', password)).toMatchObject({ kind: 'done' })
    })

    test('answers the same for nobody, however the name is typed (threat row B13)', async () => {
      const userPool = await context.makePool(byEmail)
      await account(userPool, 'Known@Example.org')
      for (const [known, unknown] of [
        ['known@example.org', 'kn0wn@example.org'],
        ['KNOWN@EXAMPLE.ORG', 'KN0WN@EXAMPLE.ORG'],
        ['Ｋnown@example.org', 'Ｋn0wn@example.org'],
        ['known@example.org.', 'kn0wn@example.org.'],
      ] as const) {
        const { userSub, ...answer } = await forgot(userPool, known)
        const simulated = await forgot(userPool, unknown)
        expect(userSub).toBeDefined()
        expect(simulated).toEqual(answer)
        context.clock.pass(10)
      }
    })

    test('nobody’s destination is made up once and for all, and is of the pool’s own kind', async () => {
      const both = await context.makePool()
      const [first, second] = [await forgot(both, 'nobody'), await forgot(both, 'NOBODY')]
      expect(first).toMatchObject({ delivery: { medium: 'EMAIL', attribute: 'email' } })
      expect(first.delivery.destination).toMatch(/^[a-z]\*{3}@[a-z]\*{3}$/)
      expect(second.delivery.destination).toBe(first.delivery.destination)
      const RecoveryMechanisms = [{ Name: 'verified_phone_number', Priority: 1 }]
      const phones = await context.makePool({ AccountRecoverySetting: { RecoveryMechanisms } })
      for (const name of ['nobody', 'nobody@example.org']) {
        const { delivery } = await forgot(phones, name)
        expect(delivery.destination).toMatch(/^\+\*{7}\d{4}$/)
      }
    })

    test('sends nothing to whoever cannot be reached or may not enter, and does not tell', async () => {
      const userPool = await context.makePool(byEmail)
      await account(userPool, 'unverified@example.org', { attributes: {} })
      const disabled = await account(userPool, 'disabled@example.org')
      await disableUser(context.services, (await stored(userPool, disabled))!)
      for (const name of ['unverified@example.org', 'disabled@example.org']) {
        const outcome = await sentCode(userPool, name)
        expect(outcome.userSub).toBeUndefined()
        expect(outcome.delivery.destination).toMatch(/^[ud]\*{3}@e\*{3}$/)
        expect(outcome.message).toBeUndefined()
      }
    })

    test('goes where the pool’s priorities say', async () => {
      const RecoveryMechanisms = [
        { Name: 'verified_email', Priority: 2 },
        { Name: 'verified_phone_number', Priority: 1 },
      ]
      const userPool = await context.makePool({ AccountRecoverySetting: { RecoveryMechanisms } })
      const attributes = { email: 'ana@example.org', email_verified: 'true', phone_number: '+15555550100' }
      await account(userPool, 'ana', { attributes })
      await account(userPool, 'bob', { attributes: { ...attributes, phone_number_verified: 'true' } })
      expect(await forgot(userPool, 'ana')).toMatchObject({ delivery: { medium: 'EMAIL' } })
      expect(await forgot(userPool, 'bob')).toMatchObject({ delivery: { medium: 'SMS', destination: '+*******0100' } })
    })

    test('sends no second code within 30 seconds; the first one stands', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { code } = await sentCode(userPool, 'ana@example.org')
      context.clock.pass(29)
      expect(await sentCode(userPool, 'ana@example.org')).toMatchObject({ userSub: sub, code: '' })
      context.clock.pass(1)
      const second = await sentCode(userPool, 'ana@example.org')
      expect(second).toMatchObject({ code: expect.stringMatching(/^\d{6}$/) })
      if (second.code !== code) {
        expect(await reset(userPool, sub, code)).toMatchObject({ reason: 'codeMismatch' })
      }
      expect(await reset(userPool, sub, second.code)).toMatchObject({ kind: 'done' })
    })

    test('takes hostile names for unknown ones', async () => {
      const userPool = await context.makePool()
      for (const name of ['', '\0', 'a\0b', '\ud800', 'x'.repeat(100_000), "' or 1=1 --"]) {
        expect((await forgot(userPool, name)).userSub).toBeUndefined()
      }
    })
  })

  describe('setting the password', () => {
    test.each(['CONFIRMED', 'UNCONFIRMED', 'FORCE_CHANGE_PASSWORD', 'RESET_REQUIRED'] as const)(
      'works from %s, and confirms user and address by the way',
      async (status) => {
        const userPool = await context.makePool(byEmail)
        const neverUsed = status === 'UNCONFIRMED' || status === 'FORCE_CHANGE_PASSWORD'
        const sub = await account(userPool, 'ana@example.org', {
          status,
          attributes: neverUsed ? {} : { email_verified: 'true' },
        })
        const { code } = await sentCode(userPool, 'ana@example.org')
        expect(await reset(userPool, sub, code)).toMatchObject({ kind: 'done', user: { status: 'CONFIRMED' } })
        expect(await stored(userPool, sub)).toMatchObject({
          status: 'CONFIRMED',
          attributes: { email: 'ana@example.org', email_verified: 'true' },
        })
        expect(await enter(userPool, 'ana@example.org', password)).toMatchObject({ reason: 'incorrectCredentials' })
        expect(await enter(userPool, 'ana@example.org', newPassword)).toMatchObject({ kind: 'done' })
      },
    )

    test('ends every session and grant that began before (threat row A1)', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { browserSessions, grants } = context.services.store
      const at = context.clock.now()
      const idHash = randomUUID()
      const common = {
        userPoolId: userPool.id,
        userSub: sub,
        amr: ['pwd'],
        authTime: at,
        expiresAt: addSeconds(at, 999),
      }
      await browserSessions.save({
        ...common,
        idHash,
        uid: idHash,
        authorizations: {},
        transient: false,
        remembered: false,
      })
      await grants.open(
        { ...common, id: idHash, clientId: 'web', scope: 'openid', eventId: 'e', createdAt: at },
        'token-hash',
      )
      expect(await browserSessions.find(userPool.id, idHash, at)).toBeDefined()
      const { code } = await sentCode(userPool, 'ana@example.org')
      context.clock.pass(1)
      await reset(userPool, sub, code)
      expect(await browserSessions.find(userPool.id, idHash, at)).toBeUndefined()
      const token = await grants.findRefreshToken(userPool.id, 'token-hash')
      expect(token?.grant.revokedAt).toEqual(context.clock.now())
      expect((await stored(userPool, sub))?.signedOutAt).toEqual(context.clock.now())
    })

    test('of a sign-up that nobody confirmed: what it said beside the proved address goes (threat row A1)', async () => {
      const RecoveryMechanisms = [
        { Name: 'verified_phone_number', Priority: 1 },
        { Name: 'verified_email', Priority: 2 },
      ]
      const userPool = await context.makePool({ ...byEmail, AccountRecoverySetting: { RecoveryMechanisms } })
      const attributes = { phone_number: '+15555550100', given_name: 'Mallory' }
      const sub = await account(userPool, 'ana@example.org', { status: 'UNCONFIRMED', attributes })
      // Not to the phone, whose proof would not have confirmed anybody.
      const { code, delivery } = await sentCode(userPool, 'ana@example.org')
      expect(delivery).toMatchObject({ medium: 'EMAIL' })
      expect(await reset(userPool, sub, code)).toMatchObject({ kind: 'done' })
      expect((await stored(userPool, sub))?.attributes).toEqual({ email: 'ana@example.org', email_verified: 'true' })
    })

    test('does not confirm whoever waits for an administrator', async () => {
      const userPool = await context.makePool({ UsernameAttributes: ['email'] })
      await account(userPool, 'ana@example.org', { status: 'UNCONFIRMED', attributes: {} })
      expect(await sentCode(userPool, 'ana@example.org')).toMatchObject({ code: '', message: undefined })
    })

    test('a code is used once, waits behind five wrong ones, and lives an hour', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const once = await sentCode(userPool, 'ana@example.org')
      expect(await reset(userPool, sub, once.code)).toMatchObject({ kind: 'done' })
      // Not that it was used: somebody else who waits for a code here would see that there is an account (threat row B13).
      expect(await reset(userPool, sub, once.code)).toEqual({ kind: 'refused', reason: 'codeMismatch' })

      // The code that was used counts as a guess too.
      const guessed = await sentCode(userPool, 'ana@example.org')
      for (let wrong = 0; wrong < 4; wrong++) {
        expect(await reset(userPool, sub, wrongCode(guessed.code))).toMatchObject({ reason: 'codeMismatch' })
      }
      const locked = { kind: 'refused', reason: 'attemptsExceeded', retryAfterSeconds: 1 }
      const { hash } = context.hasher.calls
      expect(await reset(userPool, sub, guessed.code)).toEqual(locked)
      expect(context.hasher.calls.hash).toBe(hash)

      context.clock.pass(31)
      const late = await sentCode(userPool, 'ana@example.org')
      context.clock.pass(3600)
      expect(await reset(userPool, sub, late.code)).toEqual({ kind: 'refused', reason: 'codeExpired' })
    })

    test('of 200 parallel tries one sets a password (threat row B6)', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { code } = await sentCode(userPool, 'ana@example.org')
      const tries = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          reset(userPool, sub, index === 3 ? code : wrongCode(code), `${newPassword}-${index}`),
        ),
      )
      const reasons = tries.map((outcome) => (outcome.kind === 'done' ? 'done' : outcome.reason))
      expect(reasons.filter((reason) => reason === 'done').length).toBeLessThanOrEqual(1)
      expect(reasons.filter((reason) => reason === 'codeMismatch').length).toBeLessThanOrEqual(5)
    })

    test('a code resets nothing but its own purpose, user and pool', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool, 'ana@example.org', { status: 'UNCONFIRMED', attributes: {} })
      const other = await account(userPool, 'bob@example.org')
      const { code } = await sentCode(userPool, 'ana@example.org')
      await sentCode(userPool, 'bob@example.org')
      expect(await confirmSignUp(context.services, { userPool, userSub: sub, username: 'ana', code })).toMatchObject({
        kind: 'refused',
      })
      expect(await stored(userPool, sub)).toMatchObject({ status: 'UNCONFIRMED' })
      const elsewhere = await context.makePool(byEmail)
      expect(await reset(elsewhere, sub, code)).toMatchObject({ reason: 'codeExpired' })
      const taken = await reset(userPool, other, code)
      expect(taken.kind === 'done' && code !== '').toBe(false)
    })

    test('a code that went to a former address is worth nothing (threat row A7)', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool, 'old@example.org')
      const { code } = await sentCode(userPool, 'old@example.org')
      const change = { attributes: { email: 'new@example.org' } }
      await context.services.store.users.update(userPool.id, sub, change, context.clock.now())
      expect(await reset(userPool, sub, code)).toEqual({ kind: 'refused', reason: 'codeExpired' })
      expect(await stored(userPool, sub)).toMatchObject({ passwordHash: `free$${password}` })
    })

    test('is nothing for who was disabled meanwhile', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { code } = await sentCode(userPool, 'ana@example.org')
      await disableUser(context.services, (await stored(userPool, sub))!)
      expect(await reset(userPool, sub, code)).toEqual({ kind: 'refused', reason: 'userDisabled' })
    })

    test('is nothing once the operator has closed this way (threat row A9)', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { code } = await sentCode(userPool, 'ana@example.org')
      const closed = { ...userPool, recoveryMechanisms: ['admin_only'] as const }
      expect(await reset(closed, sub, code)).toEqual({ kind: 'refused', reason: 'codeExpired' })
      expect(await enter(userPool, 'ana@example.org', password)).toMatchObject({ kind: 'done' })
    })

    test('costs the same for nobody, and no code works (threat rows B3, B14)', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { code } = await sentCode(userPool, 'ana@example.org')
      await askForReset(context.services, { userPool, username: 'nobody@example.org' })
      const work = async (userSub: string | undefined, username: string) => {
        const before = { ...context.hasher.calls }
        const request = { userPool, userSub, username, code: wrongCode(code), password: newPassword }
        const outcome = await confirmForgotPassword(context.services, request)
        const { hash, verify } = context.hasher.calls
        return { outcome, hash: hash - before.hash, verify: verify - before.verify }
      }
      const both = async () => [await work(undefined, 'nobody@example.org'), await work(sub, 'ana@example.org')]
      const [nobody, ana] = await both()
      expect(nobody).toEqual(ana)
      expect(ana?.outcome).toMatchObject({ reason: 'codeMismatch' })
      context.clock.pass(3600)
      const [nobodyLater, anaLater] = await both()
      expect(nobodyLater).toEqual(anaLater)
      expect(anaLater?.outcome).toMatchObject({ reason: 'codeExpired' })
    })

    test('asking for a code and entering one lock in one order, the user first, so that neither waits for the other', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { store, clock } = context.services
      const change = { userPoolId: userPool.id, userSub: sub, attribute: 'email', value: 'new@example.org' } as const
      await store.attributeChanges.save({ ...change, expiresAt: addSeconds(clock.now(), 3600) })
      let order: string[] = []
      const noting =
        <Arguments extends unknown[], Result>(
          what: (...args: Arguments) => string,
          call: (...args: Arguments) => Result,
        ) =>
        (...args: Arguments): Result => {
          order.push(what(...args))
          return call(...args)
        }
      const noted = (tx: Repositories): Repositories => ({
        ...tx,
        users: {
          ...tx.users,
          lockBySub: noting((_pool: string, _sub: string) => 'user', tx.users.lockBySub),
          lockByIdentifier: noting((_pool: string, _key: string) => 'user', tx.users.lockByIdentifier),
        },
        verificationCodes: {
          ...tx.verificationCodes,
          replace: noting(({ purpose }) => purpose, tx.verificationCodes.replace),
          attempt: noting(({ purpose }) => purpose, tx.verificationCodes.attempt),
        },
      })
      const transaction: Store['transaction'] = (work) => store.transaction((tx) => work(noted(tx)))
      const services = { ...context.services, store: { ...store, transaction } }
      await askForReset(services, { userPool, username: 'ana@example.org' })
      expect(order).toEqual(['user', 'reset', 'reset_pending'])
      order = []
      const request = { userPool, userSub: sub, username: 'ana@example.org', code: '', password: newPassword }
      await confirmForgotPassword(services, request)
      expect(order).toEqual(['user', 'reset', 'reset_pending'])
    })

    test('a weak password is refused before the code is spent', async () => {
      const userPool = await context.makePool(byEmail)
      const sub = await account(userPool)
      const { code } = await sentCode(userPool, 'ana@example.org')
      expect(await reset(userPool, sub, code, 'weak')).toMatchObject({ kind: 'refused', reason: 'invalid' })
      expect(await reset(userPool, sub, code, 'x'.repeat(300))).toMatchObject({ reason: 'invalid' })
      expect(await reset(userPool, sub, code)).toMatchObject({ kind: 'done' })
    })

    test('makes the proved address and preferred_username sign-in names', async () => {
      const userPool = await context.makePool({ AliasAttributes: ['email', 'preferred_username'] })
      const attributes = { email: 'ana@example.org', preferred_username: 'anita' }
      const { services } = context
      const made = await createUser(services, { userPool, username: 'ana', attributes, password, permanent: false })
      expect(await findUser(services, userPool, 'anita')).toBeUndefined()
      const { userSub, code } = await sentCode(userPool, 'ana')
      await reset(userPool, userSub, code)
      for (const name of ['ana@example.org', 'anita']) {
        expect(await findUser(services, userPool, name)).toMatchObject({
          sub: (made as { user: { sub: string } }).user.sub,
        })
      }
    })
  })
})
