import { describe, expect, test } from 'vitest'
import { confirmSignUp } from '../../src/domain/sign-up/confirm-sign-up.ts'
import { confirmDecoySignUp } from '../../src/domain/sign-up/decoy-answers.ts'
import { resendConfirmationCode } from '../../src/domain/sign-up/resend-confirmation-code.ts'
import { signUp } from '../../src/domain/sign-up/sign-up.ts'
import type { SignUpRequest } from '../../src/domain/sign-up/sign-up.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import { createUser, findUser, setUserPassword } from '../../src/domain/users/administer-user.ts'
import { clientOf, onEachDatabase, password, wrongCode } from './domain-fixture.ts'

const byEmail = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
const withAliases = {
  AliasAttributes: ['email', 'phone_number', 'preferred_username'],
  AutoVerifiedAttributes: ['email', 'phone_number'],
}

onEachDatabase((context) => {
  const register = (userPool: UserPool, username: string, change: Partial<SignUpRequest> = {}) =>
    signUp(context.services, {
      userPool,
      appClient: clientOf(userPool),
      username,
      password,
      attributes: {},
      languages: ['en'],
      ...change,
    })

  /** A sign-up that waits for its code. */
  async function pending(userPool: UserPool, username: string, attributes: Record<string, string> = {}) {
    await context.newMessages()
    const outcome = await register(userPool, username, { attributes })
    const [message] = await context.newMessages()
    if (outcome.kind !== 'confirm' || outcome.userSub === undefined) throw new Error(JSON.stringify(outcome))
    return { userSub: outcome.userSub, code: message?.code ?? '', delivery: outcome.delivery, message }
  }

  const confirm = (userPool: UserPool, userSub: string, code: string) =>
    confirmSignUp(context.services, { userPool, userSub, username: 'ana@example.org', code })
  const resend = (userPool: UserPool, userSub: string) =>
    resendConfirmationCode(context.services, {
      userPool,
      clientId: 'web',
      userSub,
      username: 'ana@example.org',
      languages: ['en'],
    })
  const stored = (userPool: UserPool, sub: string) => context.services.store.users.findBySub(userPool.id, sub)

  describe('signing up', () => {
    test('makes an unconfirmed user and sends a code to the address', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, delivery, message } = await pending(userPool, 'Ana@Example.org')
      expect(await stored(userPool, userSub)).toMatchObject({
        username: userSub,
        status: 'UNCONFIRMED',
        enabled: true,
        attributes: { email: 'Ana@Example.org' },
      })
      expect(delivery).toMatchObject({ medium: 'EMAIL', destination: 'A***@E***', attribute: 'email' })
      expect(message).toMatchObject({ kind: 'verification', recipient: 'Ana@Example.org', validForMinutes: 1440 })
      expect(message?.code).toMatch(/^\d{6}$/)
    })

    test('the phone gets the code where both could be verified', async () => {
      const userPool = await context.makePool(withAliases)
      const attributes = { email: 'ana@example.org', phone_number: '+15555550100' }
      const { delivery } = await pending(userPool, 'ana', attributes)
      expect(delivery).toMatchObject({ medium: 'SMS', destination: '+*******0100', attribute: 'phone_number' })
    })

    test('a pool that verifies nothing leaves the user to an administrator', async () => {
      const userPool = await context.makePool()
      expect(await register(userPool, 'ana')).toMatchObject({ kind: 'unconfirmed' })
    })

    test('a pool that only administrators fill refuses (threat row A9)', async () => {
      const userPool = await context.makePool({ AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } })
      expect(await register(userPool, 'ana')).toMatchObject({ kind: 'refused', reason: 'signUpNotAllowed' })
    })

    test('everything that is wrong is told at once, and nothing is hashed', async () => {
      const Schema = [{ Name: 'given_name', Required: true }]
      const userPool = await context.makePool({ ...byEmail, Schema })
      const before = { ...context.hasher.calls }
      expect(
        await register(userPool, 'nobody', { password: 'short', attributes: { birthdate: 'x', given_name: '' } }),
      ).toEqual({
        kind: 'refused',
        reason: 'invalid',
        usernameProblem: 'email',
        attributeProblems: { birthdate: 'date', given_name: 'required' },
        brokenRules: ['length', 'uppercase', 'number', 'symbol'],
      })
      expect(context.hasher.calls).toEqual(before)
    })

    test.each(['sub', 'email_verified', 'phone_number_verified', 'custom:admin', 'updated_at', 'identities', 'roles'])(
      'nobody declares %s of oneself (threat row A6)',
      async (name) => {
        const userPool = await context.makePool({ ...byEmail, Schema: [{ Name: 'admin' }] })
        const outcome = await register(userPool, 'ana@example.org', { attributes: { [name]: 'true' } })
        expect(outcome).toMatchObject({ kind: 'refused', attributeProblems: { [name]: 'invalid' } })
      },
    )

    test('a client writes what it may write: WriteAttributes opens a custom attribute and closes the rest', async () => {
      const userPool = await context.makePool({ ...byEmail, Schema: [{ Name: 'tier' }] })
      const appClient = clientOf(userPool, { WriteAttributes: ['email', 'custom:tier', 'email_verified'] })
      const outcomes = await Promise.all(
        ['custom:tier', 'name', 'email_verified'].map((name) =>
          register(userPool, `${name.replace(':', '-')}@example.org`, { appClient, attributes: { [name]: 'true' } }),
        ),
      )
      expect(outcomes.map(({ kind }) => kind)).toEqual(['confirm', 'refused', 'refused'])
    })
  })

  describe('a name that is taken', () => {
    test('a user name is public: told as it is, in every spelling', async () => {
      const userPool = await context.makePool()
      await register(userPool, 'Ana')
      for (const name of ['Ana', 'aNA', 'Ａna']) {
        expect(await register(userPool, name)).toMatchObject({ kind: 'refused', reason: 'usernameExists' })
      }
    })

    test('an address is not: the answer is that of any sign-up, and its owner is told (threat row B13)', async () => {
      const userPool = await context.makePool(byEmail)
      const known = await pending(userPool, 'known@example.org')
      await confirm(userPool, known.userSub, known.code)
      const before = { ...context.hasher.calls }
      const decoy = await register(userPool, 'KNOWN@example.org', {
        signInLink: 'https://app.example.com/',
      })
      const messages = await context.newMessages()
      const between = { ...context.hasher.calls }
      const fresh = await register(userPool, 'KNEWN@example.org')
      const { userSub, ...answer } = fresh as Extract<typeof fresh, { kind: 'confirm' }>
      expect(userSub).toBeDefined()
      expect(decoy).toEqual({ ...answer, decoySub: expect.any(String) as string })
      expect(messages).toMatchObject([
        { kind: 'accountExists', recipient: 'KNOWN@example.org', link: 'https://app.example.com/' },
      ])
      expect(messages[0]).not.toHaveProperty('code')
      // As much hashing for the one as for the other (threat row B14).
      const work = (from: typeof before, to: typeof before) => [to.hash - from.hash, to.verify - from.verify]
      expect(work(before, between)).toEqual(work(between, context.hasher.calls))
    })

    test('a flow that knows of no decoy leads back to the form', async () => {
      const userPool = await context.makePool(byEmail)
      const request = { userPool, decoySub: undefined, username: 'ana@example.org', code: '123456' }
      expect(await confirmDecoySignUp(context.services, request)).toMatchObject({ reason: 'signUpReplaced' })
    })

    test('a client that asks for Cognito’s old behaviour is told', async () => {
      const userPool = await context.makePool(byEmail)
      await createUser(context.services, {
        userPool,
        username: 'known@example.org',
        attributes: {},
        password,
        permanent: true,
      })
      const appClient = clientOf(userPool, { PreventUserExistenceErrors: 'LEGACY' })
      expect(await register(userPool, 'known@example.org', { appClient })).toMatchObject({ reason: 'usernameExists' })
    })

    test('a disabled sign-up is not made anew, not in its own flow either (threat row A10)', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub } = await pending(userPool, 'ana@example.org')
      await context.services.store.users.update(userPool.id, userSub, { enabled: false }, context.clock.now())
      for (const attributes of [{}, { given_name: 'Ana' }] as Record<string, string>[]) {
        const again = await register(userPool, 'ana@example.org', { earlierSub: userSub, attributes })
        expect(again).not.toHaveProperty('userSub')
      }
      expect(await stored(userPool, userSub)).toMatchObject({ enabled: false, passwordHash: `free$${password}` })
    })

    test('nothing is mailed to the owner of a disabled account', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, code } = await pending(userPool, 'known@example.org')
      await confirm(userPool, userSub, code)
      await context.services.store.users.update(userPool.id, userSub, { enabled: false }, context.clock.now())
      expect(await register(userPool, 'known@example.org')).toMatchObject({ kind: 'confirm' })
      expect(await context.newMessages()).toEqual([])
    })
  })

  describe('an unconfirmed sign-up keeps nobody out (threat row A1)', () => {
    test('whoever comes later has the address, with a password and code of their own', async () => {
      const userPool = await context.makePool(byEmail)
      const first = await pending(userPool, 'victim@example.org')
      const second = await pending(userPool, 'Victim@example.org')
      expect(second.userSub).not.toBe(first.userSub)
      expect(await confirm(userPool, first.userSub, first.code)).toMatchObject({ reason: 'signUpReplaced' })
      expect(await resend(userPool, first.userSub)).toEqual({ kind: 'refused', reason: 'signUpReplaced' })
      expect(await confirm(userPool, second.userSub, second.code)).toMatchObject({ kind: 'done' })
    })

    test('of many at once, exactly one account is left', async () => {
      const userPool = await context.makePool(byEmail)
      const outcomes = await Promise.all(Array.from({ length: 12 }, () => register(userPool, 'busy@example.org')))
      const users = await context.services.store.users.page({ userPoolId: userPool.id, limit: 100 })
      expect(users).toHaveLength(1)
      expect(outcomes.every(({ kind }) => kind === 'confirm')).toBe(true)
    })

    test('a second address in somebody else’s sign-up is no sign-in name before it is verified', async () => {
      const userPool = await context.makePool({
        UsernameAttributes: ['email', 'phone_number'],
        AutoVerifiedAttributes: ['email'],
      })
      const mallory = await pending(userPool, 'mallory@example.org', { phone_number: '+15555550100' })
      await confirm(userPool, mallory.userSub, mallory.code)
      expect(await findUser(context.services, userPool, '+15555550100')).toBeUndefined()
      expect(await register(userPool, '+15555550100')).toMatchObject({ kind: 'unconfirmed' })
    })

    test('a pool that signs in by e-mail has the e-mail address proved, not a phone of somebody’s own', async () => {
      const userPool = await context.makePool({ ...byEmail, AutoVerifiedAttributes: ['email', 'phone_number'] })
      const { delivery } = await pending(userPool, 'victim@example.org', { phone_number: '+15555550100' })
      expect(delivery).toMatchObject({ medium: 'EMAIL', attribute: 'email' })
    })

    test('the address that it was made with confirms a sign-up; confirmed by another, it is not found by it any more', async () => {
      const userPool = await context.makePool({
        UsernameAttributes: ['email', 'phone_number'],
        AutoVerifiedAttributes: ['email', 'phone_number'],
      })
      const byEmailFirst = await pending(userPool, 'ana@example.org', { phone_number: '+15555550100' })
      expect(byEmailFirst.delivery).toMatchObject({ medium: 'EMAIL' })
      const byPhoneFirst = await pending(userPool, '+15555550101', { email: 'bob@example.org' })
      expect(byPhoneFirst.delivery).toMatchObject({ medium: 'SMS' })
      context.clock.pass(31)
      expect(await resend(userPool, byEmailFirst.userSub)).toMatchObject({ delivery: { medium: 'EMAIL' } })
      const phones = { ...userPool, autoVerifiedAttributes: ['phone_number'] as const }
      const mallory = await pending(phones, 'victim@example.org', { phone_number: '+15555550102' })
      await confirm(phones, mallory.userSub, mallory.code)
      expect(await findUser(context.services, userPool, 'victim@example.org')).toBeUndefined()
      expect(await findUser(context.services, userPool, '+15555550102')).toMatchObject({ sub: mallory.userSub })
    })

    test('a user name is free again after the life of its code', async () => {
      const userPool = await context.makePool({ AutoVerifiedAttributes: ['email'] })
      await register(userPool, 'ana', { attributes: { email: 'a@example.org' } })
      context.clock.pass(24 * 3600)
      expect(await register(userPool, 'ana')).toMatchObject({ reason: 'usernameExists' })
      context.clock.pass(1)
      expect(await register(userPool, 'ana')).toMatchObject({ kind: 'unconfirmed' })
    })
  })

  describe('confirming', () => {
    test('confirms the user and verifies the address, once', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, code } = await pending(userPool, 'ana@example.org')
      expect(await confirm(userPool, userSub, ` ${code.slice(0, 3)} - ${code.slice(3)} `)).toMatchObject({
        kind: 'done',
        user: { status: 'CONFIRMED', attributes: { email_verified: 'true' } },
      })
      expect(await stored(userPool, userSub)).toMatchObject({
        status: 'CONFIRMED',
        attributes: { email: 'ana@example.org', email_verified: 'true' },
      })
      expect(await confirm(userPool, userSub, code)).toEqual({ kind: 'refused', reason: 'alreadyConfirmed' })
    })

    test('five wrong codes are looked at, then not even the right one is until a second has passed (threat row B5)', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, code } = await pending(userPool, 'ana@example.org')
      for (let wrong = 0; wrong < 5; wrong++) {
        expect(await confirm(userPool, userSub, wrongCode(code))).toMatchObject({ reason: 'codeMismatch' })
      }
      const locked = { kind: 'refused', reason: 'attemptsExceeded', retryAfterSeconds: 1 }
      expect(await confirm(userPool, userSub, code)).toEqual(locked)
      context.clock.pass(1)
      expect(await confirm(userPool, userSub, code)).toMatchObject({ kind: 'done' })
    })

    test('of 200 parallel tries five at most are looked at, and one wins (threat row B6)', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, code } = await pending(userPool, 'ana@example.org')
      const tries = await Promise.all(
        Array.from({ length: 200 }, (_, index) => confirm(userPool, userSub, index % 2 ? code : wrongCode(code))),
      )
      const reasons = tries.map((outcome) => (outcome.kind === 'done' ? 'done' : outcome.reason))
      expect(reasons.filter((reason) => reason === 'done').length).toBeLessThanOrEqual(1)
      expect(reasons.filter((reason) => reason === 'codeMismatch').length).toBeLessThanOrEqual(5)
      const confirmed = (await stored(userPool, userSub))?.status === 'CONFIRMED'
      expect(confirmed).toBe(reasons.includes('done'))
    })

    test('a code lives 24 hours to the second', async () => {
      const userPool = await context.makePool(byEmail)
      const [ana, bob] = [await pending(userPool, 'ana@example.org'), await pending(userPool, 'bob@example.org')]
      context.clock.pass(24 * 3600 - 1)
      expect(await confirm(userPool, ana.userSub, ana.code)).toMatchObject({ kind: 'done' })
      context.clock.pass(1)
      expect(await confirm(userPool, bob.userSub, bob.code)).toEqual({ kind: 'refused', reason: 'codeExpired' })
    })

    test('a code is for one user only', async () => {
      const userPool = await context.makePool(byEmail)
      const ana = await pending(userPool, 'ana@example.org')
      const bob = await pending(userPool, 'bob@example.org')
      if (ana.code !== bob.code) {
        expect(await confirm(userPool, bob.userSub, ana.code)).toMatchObject({ reason: 'codeMismatch' })
      }
      const elsewhere = await context.makePool(byEmail)
      expect(await confirm(elsewhere, ana.userSub, ana.code)).toMatchObject({ reason: 'signUpReplaced' })
    })

    test('a code proves only the address that it went to', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, code } = await pending(userPool, 'old@example.org')
      const change = { attributes: { email: 'new@example.org' } }
      await context.services.store.users.update(userPool.id, userSub, change, context.clock.now())
      expect(await confirm(userPool, userSub, code)).toEqual({ kind: 'refused', reason: 'codeExpired' })
      expect(await stored(userPool, userSub)).toMatchObject({ status: 'UNCONFIRMED' })
    })

    test('hostile codes are wrong codes', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub } = await pending(userPool, 'ana@example.org')
      for (const code of ['', '\0', '９９９９９９', 'x'.repeat(100_000), "' or 1=1 --"]) {
        expect(await confirm(userPool, userSub, code)).toMatchObject({ reason: 'codeMismatch' })
      }
    })
  })

  describe('aliases', () => {
    test('count from their verification on', async () => {
      const userPool = await context.makePool({ ...withAliases, AutoVerifiedAttributes: ['email'] })
      const { userSub, code } = await pending(userPool, 'ana', { email: 'ana@example.org' })
      expect(await findUser(context.services, userPool, 'ana@example.org')).toBeUndefined()
      await confirm(userPool, userSub, code)
      expect(await findUser(context.services, userPool, 'ANA@example.org')).toMatchObject({ sub: userSub })
    })

    test('one that another user verified meanwhile is refused at confirmation', async () => {
      const userPool = await context.makePool({ ...withAliases, AutoVerifiedAttributes: ['email'] })
      const first = await pending(userPool, 'first', { email: 'shared@example.org' })
      const second = await pending(userPool, 'second', { email: 'Shared@Example.org' })
      expect(await confirm(userPool, first.userSub, first.code)).toMatchObject({ kind: 'done' })
      expect(await confirm(userPool, second.userSub, second.code)).toEqual({ kind: 'refused', reason: 'aliasExists' })
      expect(await stored(userPool, second.userSub)).toMatchObject({ status: 'UNCONFIRMED' })
      expect(await findUser(context.services, userPool, 'shared@example.org')).toMatchObject({ sub: first.userSub })
    })

    test('preferred_username counts from confirmation on; one that is taken stays an attribute', async () => {
      const userPool = await context.makePool({ ...withAliases, AutoVerifiedAttributes: ['email'] })
      const attributes = { email: 'ana@example.org', preferred_username: 'Anita' }
      const ana = await pending(userPool, 'ana', attributes)
      expect(await findUser(context.services, userPool, 'anita')).toBeUndefined()
      await confirm(userPool, ana.userSub, ana.code)
      expect(await findUser(context.services, userPool, 'anita')).toMatchObject({ sub: ana.userSub })
      const bob = await pending(userPool, 'bob', { ...attributes, email: 'bob@example.org' })
      expect(await confirm(userPool, bob.userSub, bob.code)).toMatchObject({ kind: 'done' })
      expect(await findUser(context.services, userPool, 'anita')).toMatchObject({ sub: ana.userSub })
    })

    test('a preferred_username cannot take the address of somebody who has yet to come', async () => {
      const userPool = await context.makePool({ ...withAliases, AutoVerifiedAttributes: ['email'] })
      const attributes = { email: 'mallory@example.org', preferred_username: 'victim@example.org' }
      const mallory = await pending(userPool, 'mallory', attributes)
      await confirm(userPool, mallory.userSub, mallory.code)
      const victim = await pending(userPool, 'victim', { email: 'victim@example.org' })
      expect(await confirm(userPool, victim.userSub, victim.code)).toMatchObject({ kind: 'done' })
      expect(await findUser(context.services, userPool, 'victim@example.org')).toMatchObject({ sub: victim.userSub })
    })
  })

  describe('another code', () => {
    test('replaces the first, after a cool-down of 30 seconds', async () => {
      const userPool = await context.makePool(byEmail)
      const { userSub, code } = await pending(userPool, 'ana@example.org')
      expect(await resend(userPool, userSub)).toEqual({ kind: 'wait', seconds: 30 })
      context.clock.pass(29.5)
      expect(await resend(userPool, userSub)).toEqual({ kind: 'wait', seconds: 1 })
      expect(await context.newMessages()).toEqual([])
      context.clock.pass(0.5)
      expect(await resend(userPool, userSub)).toMatchObject({ kind: 'sent', delivery: { destination: 'a***@e***' } })
      const [message] = await context.newMessages()
      if (message?.code !== code) {
        expect(await confirm(userPool, userSub, code)).toMatchObject({ reason: 'codeMismatch' })
      }
      expect(await confirm(userPool, userSub, message?.code ?? '')).toMatchObject({ kind: 'done' })
    })

    test('is not for who is confirmed, gone, or has no address', async () => {
      const userPool = await context.makePool({ AutoVerifiedAttributes: ['email'] })
      const { userSub, code } = await pending(userPool, 'ana', { email: 'ana@example.org' })
      await confirm(userPool, userSub, code)
      expect(await resend(userPool, userSub)).toMatchObject({ reason: 'alreadyConfirmed' })
      expect(await resend(userPool, 'nobody')).toMatchObject({ reason: 'signUpReplaced' })
      const bob = await register(userPool, 'bob')
      expect(await resend(userPool, (bob as { userSub: string }).userSub)).toMatchObject({ reason: 'noRecovery' })
    })
  })

  test('a sign-up that an administrator gave a password is confirmed, and its code has no more to say', async () => {
    const userPool = await context.makePool(byEmail)
    const { userSub, code } = await pending(userPool, 'ana@example.org')
    const user = await stored(userPool, userSub)
    await setUserPassword(context.services, userPool, user!, password, true)
    expect(await stored(userPool, userSub)).toMatchObject({ status: 'CONFIRMED' })
    expect(await confirm(userPool, userSub, code)).toMatchObject({ reason: 'alreadyConfirmed' })
  })
})
