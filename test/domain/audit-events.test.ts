import { describe, expect, test } from 'vitest'
import { createAppClient, deleteAppClient } from '../../src/domain/app-clients/administer-app-client.ts'
import {
  addClientSecret,
  deleteClientSecret,
  replaceClientSecret,
} from '../../src/domain/app-clients/administer-client-secrets.ts'
import { createResourceServer, deleteResourceServer } from '../../src/domain/app-clients/administer-resource-server.ts'
import { recordRefusedClient } from '../../src/domain/app-clients/refused-client.ts'
import {
  cancelAttributeChange,
  sendAttributeVerificationCode,
  verifyUserAttribute,
} from '../../src/domain/attribute-changes/verify-user-attribute.ts'
import { updateUserAttributes } from '../../src/domain/attribute-changes/update-user-attributes.ts'
import { giveConsent, withdrawConsent } from '../../src/domain/consents/give-consent.ts'
import { retryDeadLetters } from '../../src/domain/messages/retry-dead-letters.ts'
import type { DomainServices } from '../../src/domain/ports/services.ts'
import { confirmForgotPassword } from '../../src/domain/recovery/confirm-forgot-password.ts'
import { recoveryRefusal } from '../../src/domain/recovery/recovery-refusal.ts'
import { endBrowserSession } from '../../src/domain/sessions/end-browser-session.ts'
import { completeNewPassword } from '../../src/domain/sign-in/complete-new-password.ts'
import { signIn } from '../../src/domain/sign-in/sign-in.ts'
import { confirmByLink } from '../../src/domain/sign-up/confirm-by-link.ts'
import { confirmSignUp } from '../../src/domain/sign-up/confirm-sign-up.ts'
import { deleteUnconfirmedSignUps } from '../../src/domain/sign-up/delete-unconfirmed-sign-ups.ts'
import { confirmDecoySignUp, resendToDecoy } from '../../src/domain/sign-up/decoy-answers.ts'
import { resendConfirmationCode } from '../../src/domain/sign-up/resend-confirmation-code.ts'
import { signUp } from '../../src/domain/sign-up/sign-up.ts'
import { rotateSigningKeys } from '../../src/domain/tokens/rotate-signing-keys.ts'
import { createUserPool } from '../../src/domain/user-pools/create-user-pool.ts'
import { deleteUserPool } from '../../src/domain/user-pools/delete-user-pool.ts'
import { setIssuer } from '../../src/domain/user-pools/set-issuer.ts'
import { signOutUserPool } from '../../src/domain/user-pools/sign-out-user-pool.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import {
  addUserToGroup,
  confirmUser,
  createUser,
  deleteUser,
  disableUser,
  enableUser,
  setUserPassword,
  signOutUser,
} from '../../src/domain/users/administer-user.ts'
import type { User } from '../../src/domain/users/user.ts'
import { setUserAttributes } from '../../src/domain/users/set-user-attributes.ts'
import { sha256 } from '../../src/security/digest.ts'
import { auditTrailOf, inShort } from '../support/audit-events.ts'
import { askForReset, clientOf, onEachDatabase, password, wrongCode } from './domain-fixture.ts'

const byEmail = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
const byLink = { ...byEmail, VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' } }
const legacy = { PreventUserExistenceErrors: 'LEGACY' }
const newPassword = 'Different-1852'
const languages = ['en']
const caller = { address: '192.0.2.7', userAgent: 'Browser/1', requestId: 'request-1', clientId: 'web' }

onEachDatabase((context) => {
  /** In the service of somebody at a browser. */
  const visited = (): DomainServices => ({ ...context.services, caller })
  const operated = (): DomainServices => ({ ...context.services, caller: { operator: 'ada' } })

  async function account(userPool: UserPool, username = 'ana@example.org', permanent = true): Promise<User> {
    const attributes = { email_verified: 'true' }
    const outcome = await createUser(context.services, { userPool, username, attributes, password, permanent })
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome))
    await context.newMessages()
    return outcome.user
  }
  const trail = (userPool: Pick<UserPool, 'id'>) => auditTrailOf(context.services, userPool.id)
  /** The events since the last call. */
  const follow = (userPool: Pick<UserPool, 'id'>) => {
    let seen = 0
    return async () => {
      const events = (await trail(userPool)).slice(seen)
      seen += events.length
      return events
    }
  }
  const codeOf = async () => (await context.newMessages()).at(-1)?.code ?? ''
  const enter = (userPool: UserPool, username: string, typed = password) =>
    signIn(visited(), { userPool, appClient: clientOf(userPool), username, password: typed })
  const register = (userPool: UserPool, username: string, more: object = {}) =>
    signUp(visited(), {
      userPool,
      appClient: clientOf(userPool),
      username,
      password,
      attributes: {},
      languages,
      ...more,
    })

  describe('signing in', () => {
    test('tells who, from where, through which app, and how it ended', async () => {
      const userPool = await context.makePool(byEmail)
      const next = follow(userPool)
      const user = await account(userPool)
      const [created] = await next()
      expect(created).toMatchObject({ eventType: 'UserCreate', response: 'Pass', actor: 'server', subject: user.sub })
      expect(created).not.toHaveProperty('address')

      await enter(userPool, 'ana@example.org')
      const [passed, ...more] = await next()
      expect(more).toEqual([])
      expect(passed).toEqual({
        id: expect.stringMatching(/^[\da-f-]{36}$/),
        sequence: 2,
        userPoolId: userPool.id,
        at: context.clock.now(),
        eventType: 'SignIn',
        response: 'Pass',
        subject: user.sub,
        actor: 'user',
        ...caller,
        digest: expect.stringMatching(/^[\w-]{43}$/),
      })
    })

    test.each([
      ['incorrectCredentials', async () => {}, 'Wrong-1843'],
      ['userDisabled', (user: User) => disableUser(context.services, user), password],
      [
        'passwordResetRequired',
        (user: User) =>
          context.services.store.users.update(user.userPoolId, user.sub, { status: 'RESET_REQUIRED' }, user.createdAt),
        password,
      ],
      [
        'userNotConfirmed',
        (user: User) =>
          context.services.store.users.update(user.userPoolId, user.sub, { status: 'UNCONFIRMED' }, user.createdAt),
        password,
      ],
    ] as const)('that is refused says why: %s', async (reason, befall, typed) => {
      const userPool = await context.makePool(byEmail)
      const user = await account(userPool)
      await befall(user)
      await enter(userPool, 'ana@example.org', typed)
      expect((await trail(userPool)).at(-1)).toMatchObject({
        ...caller,
        eventType: 'SignIn',
        response: 'Fail',
        reason,
        subject: user.sub,
        actor: 'user',
      })
    })

    test('under a name that nobody has keeps a digest of it alone, the same for the same name', async () => {
      const userPool = await context.makePool(byEmail)
      const other = await context.makePool(byEmail)
      // A password, typed into the wrong field.
      for (const typed of ['Tr0ub4dor&3', 'TR0UB4DOR&3', 'somebody@example.org']) await enter(userPool, typed)
      await enter(other, 'Tr0ub4dor&3')
      const events = await trail(userPool)
      expect(events.map(inShort)).toEqual(Array(3).fill('SignIn Fail userNotFound'))
      const subjects = events.map(({ subject }) => subject)
      expect(subjects[0]).toMatch(/^name:[\w-]{43}$/)
      expect(subjects[1]).toBe(subjects[0])
      expect(subjects[2]).not.toBe(subjects[0])
      expect((await trail(other))[0]?.subject).not.toBe(subjects[0])
      expect(JSON.stringify(events).toLowerCase()).not.toMatch(/tr0ub4dor|somebody/)
    })

    test('with a temporary password is in progress until another one is set', async () => {
      const userPool = await context.makePool(byEmail)
      const user = await account(userPool, 'ana@example.org', false)
      const next = follow(userPool)
      await next()
      const outcome = await enter(userPool, 'ana@example.org')
      if (outcome.kind !== 'challenge') throw new Error(outcome.kind)
      const answer = (typed: string) =>
        completeNewPassword(visited(), {
          userPool,
          appClient: clientOf(userPool),
          attemptIdHash: sha256(outcome.handle),
          password: typed,
          attributes: {},
        })
      // A form that is not filled in right is no event.
      expect(await answer('short')).toMatchObject({ reason: 'invalid' })
      expect(await answer(newPassword)).toMatchObject({ kind: 'done' })
      const [asked, ...answered] = await next()
      expect(asked).toMatchObject({ eventType: 'SignIn', response: 'InProgress', subject: user.sub })
      expect(asked?.detail).toBe('{"challenge":"NEW_PASSWORD_REQUIRED"}')
      expect(answered.map(inShort)).toEqual(['PasswordChange Pass', 'SignIn Pass'])
      expect(new Set(answered.map(({ subject }) => subject))).toEqual(new Set([user.sub]))
    })
  })

  describe('signing up', () => {
    test('and confirming by code: each try, and each code that was sent', async () => {
      const userPool = await context.makePool(byEmail)
      const outcome = await register(userPool, 'ana@example.org')
      const userSub = outcome.kind === 'confirm' ? (outcome.userSub ?? '') : ''
      const code = await codeOf()
      const request = { userPool, userSub, username: 'ana@example.org' }
      await confirmSignUp(visited(), { ...request, code: wrongCode(code) })
      const resend = () => resendConfirmationCode(visited(), { ...request, clientId: 'web', languages })
      await resend() // too soon: nothing was sent, nothing is told
      context.clock.pass(60)
      await resend()
      await confirmSignUp(visited(), { ...request, code: await codeOf() })
      await confirmSignUp(visited(), { ...request, code: '000000' })
      await resend()
      const events = await trail(userPool)
      expect(events.map(inShort)).toEqual([
        'SignUp Pass',
        'ConfirmSignUp Fail codeMismatch',
        'ResendCode Pass',
        'ConfirmSignUp Pass',
        'ConfirmSignUp Fail alreadyConfirmed',
        'ResendCode Fail alreadyConfirmed',
      ])
      for (const event of events) expect(event).toMatchObject({ ...caller, actor: 'user', subject: userSub })
    })

    test('with an address that has an account tells whose at every step, though no page does', async () => {
      const userPool = await context.makePool(byEmail)
      const user = await account(userPool)
      const username = 'ana@example.org'
      const outcome = await register(userPool, username, { password: newPassword })
      const decoySub = outcome.kind === 'confirm' ? outcome.decoySub : undefined
      expect(decoySub).toBeDefined()
      await enter(userPool, username, newPassword)
      await confirmDecoySignUp(visited(), { userPool, decoySub, username, code: '123456' })
      context.clock.pass(31)
      await resendToDecoy(visited(), { userPool, clientId: 'web', username, decoySub, languages })
      const [, ...events] = await trail(userPool)
      expect(events.map(inShort)).toEqual([
        'SignUp Fail usernameExists',
        'SignIn Fail userNotConfirmed',
        'ConfirmSignUp Fail codeMismatch',
        'ResendCode Pass',
      ])
      for (const event of events) expect(event).toMatchObject({ ...caller, subject: user.sub })
      for (const event of events.slice(1)) expect(event.detail).toBe('{"decoy":true}')
    })

    test('in the place of one that nobody confirmed ends that one, on record', async () => {
      const userPool = await context.makePool(byEmail)
      const first = await register(userPool, 'ana@example.org')
      const second = await register(userPool, 'ana@example.org')
      const subOf = (outcome: typeof first) => (outcome.kind === 'confirm' ? outcome.userSub : undefined)
      const again = await register(userPool, 'ana@example.org', { earlierSub: subOf(second) })
      expect(subOf(again)).toBe(subOf(second))
      const events = await trail(userPool)
      expect(events.map(inShort)).toEqual(['SignUp Pass', 'UserDelete Pass', 'SignUp Pass', 'SignUp Pass'])
      expect(events.map(({ subject }) => subject)).toEqual([subOf(first), subOf(first), subOf(second), subOf(second)])
      expect(events.at(-1)?.detail).toBe('{"again":true}')
    })

    test('where only operators make users is refused, and the name that was typed not kept', async () => {
      const userPool = await context.makePool({ AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } })
      await register(userPool, 'somebody')
      const [event] = await trail(userPool)
      expect(event).toMatchObject({ ...caller, eventType: 'SignUp', response: 'Fail', reason: 'signUpNotAllowed' })
      expect(event?.subject).toMatch(/^name:/)
    })

    test('and confirming by link, in another browser', async () => {
      const userPool = await context.makePool(byLink)
      const origin = { confirmUserUrl: 'https://x/confirmUser', clientId: 'web', browserHash: 'b', flowId: 'f' }
      const outcome = await register(userPool, 'ana@example.org', { origin })
      const userSub = outcome.kind === 'confirm' ? outcome.userSub : undefined
      const link = new URL((await context.newMessages()).at(-1)?.link ?? '')
      const followed = {
        userPool,
        clientId: 'web',
        username: link.searchParams.get('user_name') ?? '',
        code: link.searchParams.get('confirmation_code') ?? '',
        browserHash: 'other',
      }
      const proof = (typed: string) => ({ kind: 'password', password: typed }) as const
      await confirmByLink(visited(), { ...followed, proof: { kind: 'none' } })
      await confirmByLink(visited(), { ...followed, proof: proof('Wrong-1843') })
      await confirmByLink(visited(), { ...followed, proof: proof(password) })
      const events = (await trail(userPool)).slice(1)
      expect(events.map(inShort)).toEqual(['ConfirmSignUp Fail incorrectPassword', 'ConfirmSignUp Pass'])
      for (const event of events) expect(event).toMatchObject({ ...caller, subject: userSub })
    })

    test('that nobody confirms in time ends by itself, on record', async () => {
      const userPool = await context.makePool(byEmail)
      const outcome = await register(userPool, 'never@example.org')
      context.clock.pass(8 * 86_400)
      expect(await deleteUnconfirmedSignUps(context.services, 100)).toBeGreaterThan(0)
      expect((await trail(userPool)).at(-1)).toMatchObject({
        eventType: 'UserDelete',
        actor: 'server',
        subject: outcome.kind === 'confirm' ? outcome.userSub : '',
        detail: '{"reason":"neverConfirmed"}',
      })
    })
  })

  describe('a forgotten password', () => {
    test('is in progress from the code on, and each try counts', async () => {
      const userPool = await context.makePool(byEmail)
      const user = await account(userPool)
      const forgot = (username: string) => askForReset(visited(), { userPool, username })
      const reset = (userSub: string | undefined, code: string, typed = newPassword) => {
        const username = userSub === undefined ? 'nobody@example.org' : 'ana@example.org'
        return confirmForgotPassword(visited(), { userPool, userSub, username, code, password: typed })
      }
      await forgot('ana@example.org')
      await forgot('ana@example.org') // too soon: nothing was sent
      const code = await codeOf()
      await reset(user.sub, wrongCode(code))
      await reset(user.sub, code, 'short') // a form that is not filled in right
      await reset(user.sub, code)
      await forgot('nobody@example.org')
      await reset(undefined, '123456')
      await disableUser(context.services, user)
      await forgot('ana@example.org')
      const events = (await trail(userPool)).slice(1).filter(({ eventType }) => eventType === 'ForgotPassword')
      expect(events.map(inShort)).toEqual([
        'ForgotPassword InProgress',
        'ForgotPassword Fail codeMismatch',
        'ForgotPassword Pass',
        'ForgotPassword Fail userNotFound',
        'ForgotPassword Fail codeMismatch',
        'ForgotPassword Fail userDisabled',
      ])
      const about = events.map(({ subject }) => (subject === user.sub ? 'ana' : subject?.slice(0, 5)))
      expect(about).toEqual(['ana', 'ana', 'ana', 'name:', undefined, 'ana'])
      for (const event of events) expect(event).toMatchObject(caller)
    })

    test('of nobody, where the page may tell so', async () => {
      const userPool = await context.makePool(byEmail)
      const request = { userPool, appClient: clientOf(userPool, legacy), username: 'nobody@example.org' }
      expect(await recoveryRefusal(visited(), request)).toBe('usernameNotFound')
      expect((await trail(userPool)).map(inShort)).toEqual(['ForgotPassword Fail userNotFound'])
    })
  })

  test('changes of attributes tell which, never what they are', async () => {
    const userPool = await context.makePool(byEmail)
    const user = await account(userPool)
    await account(userPool, 'taken@example.org')
    const next = follow(userPool)
    await next()
    const change = (attributes: Record<string, string>, authTime = context.clock.now()) =>
      updateUserAttributes(visited(), {
        userPool,
        appClient: clientOf(userPool),
        userSub: user.sub,
        authTime,
        attributes,
        languages,
      })
    const request = { userPool, userSub: user.sub, attribute: 'email', languages } as const
    await change({ nickname: 'Anita', email: 'ana@example.net' })
    const code = await codeOf()
    await verifyUserAttribute(visited(), { ...request, code: wrongCode(code) })
    context.clock.pass(60)
    await sendAttributeVerificationCode(visited(), request)
    await verifyUserAttribute(visited(), { ...request, code: await codeOf() })
    await change({ email: 'ana@example.com' })
    await cancelAttributeChange(visited(), request)
    await change({ sub: 'me' })
    await change({ email: 'late@example.com' }, new Date(0))
    await change({ birthdate: 'yesterday' }) // a form that is not filled in right
    const events = await next()
    expect(events.map((event) => `${inShort(event)} ${event.detail ?? ''}`.trim())).toEqual([
      'AttributeChange Pass {"attributes":["email","nickname"]}',
      'VerifyAttribute Fail codeMismatch {"attribute":"email"}',
      'ResendCode Pass {"attribute":"email"}',
      'VerifyAttribute Pass {"attribute":"email"}',
      'AttributeChange Pass {"attributes":["email"]}',
      'AttributeChangeCancel Pass {"attribute":"email"}',
      'AttributeChange Fail notWritable',
      'AttributeChange Fail staleAuthentication',
    ])
    for (const event of events) expect(event).toMatchObject({ ...caller, actor: 'user', subject: user.sub })
  })

  test('what is undone leaves its refusal and nothing else', async () => {
    const atOnce = { ...byEmail, UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: [] } }
    const userPool = await context.makePool(atOnce)
    const user = await account(userPool)
    await account(userPool, 'taken@example.org')
    const next = follow(userPool)
    await next()
    const outcome = await updateUserAttributes(visited(), {
      userPool,
      appClient: clientOf(userPool),
      userSub: user.sub,
      authTime: context.clock.now(),
      attributes: { email: 'taken@example.org' },
      languages,
    })
    expect(outcome).toMatchObject({ reason: 'aliasExists' })
    expect(await setUserAttributes(operated(), userPool, user, { email: 'taken@example.org' })).toMatchObject({
      reason: 'aliasExists',
    })
    expect((await next()).map(inShort)).toEqual(['AttributeChange Fail aliasExists', 'UserUpdate Fail aliasExists'])
  })

  test('nothing is done that cannot be put on record (threat row F11)', async () => {
    const userPool = await context.makePool(byEmail)
    const sealedBox = {
      ...context.services.sealedBox,
      digest: (text: string, purpose: string) => {
        if (purpose === 'audit event') throw new Error('the trail cannot be written')
        return context.services.sealedBox.digest(text, purpose)
      },
    }
    const services = { ...context.services, sealedBox }
    const user = await account(userPool)
    const attributes = { email_verified: 'true' }
    const other = { userPool, username: 'new@example.org', attributes, password, permanent: true }
    const refused = 'the trail cannot be written'
    await expect(createUser(services, other)).rejects.toThrow(refused)
    await expect(disableUser(services, user)).rejects.toThrow(refused)
    await expect(signIn(services, { ...other, appClient: clientOf(userPool) })).rejects.toThrow(refused)
    const { users } = context.services.store
    expect(await users.findByIdentifier(userPool.id, 'new@example.org')).toBeUndefined()
    expect(await users.findBySub(userPool.id, user.sub)).toMatchObject({ enabled: true })
    expect((await trail(userPool)).map(inShort)).toEqual(['UserCreate Pass'])
  })

  test('what operators do with users is theirs', async () => {
    const userPool = await context.makePool({})
    const { groups, users } = context.services.store
    await groups.save({ userPoolId: userPool.id, name: 'staff' }, context.clock.now())
    const request = { userPool, username: 'ana', attributes: {}, password, permanent: true }
    const outcome = await createUser(operated(), { ...request, groups: ['staff'] })
    if (outcome.kind !== 'done') throw new Error(outcome.reason)
    const { user } = outcome
    await createUser(operated(), request)
    await confirmUser(operated(), user)
    await users.update(userPool.id, user.sub, { status: 'UNCONFIRMED' }, context.clock.now())
    await confirmUser(operated(), user)
    await setUserPassword(operated(), userPool, user, newPassword, true)
    await setUserPassword(operated(), userPool, user, 'short', true)
    await setUserAttributes(operated(), userPool, user, { nickname: 'Anita', email: '' })
    await addUserToGroup(operated(), user, 'staff')
    await addUserToGroup(operated(), user, 'nobody')
    await disableUser(operated(), user)
    await enableUser(operated(), user)
    await signOutUser(operated(), user)
    await deleteUser(operated(), user)
    await deleteUser(operated(), user)
    const events = await trail(userPool)
    expect(events.map((event) => `${inShort(event)} ${event.detail ?? ''}`.trim())).toEqual([
      'UserCreate Pass {"status":"CONFIRMED","groups":["staff"]}',
      'UserCreate Fail usernameExists',
      'UserConfirm Fail notUnconfirmed',
      'UserConfirm Pass',
      'UserSetPassword Pass {"permanent":true}',
      'UserUpdate Pass {"attributes":["email","nickname"]}',
      'UserAddToGroup Pass {"group":"staff"}',
      'UserDisable Pass {"sessions":0,"grants":0}',
      'UserEnable Pass',
      'GlobalSignOut Pass {"sessions":0,"grants":0}',
      'UserDelete Pass',
    ])
    for (const event of events) {
      expect(event).toMatchObject({ actor: 'operator', operator: 'ada' })
      expect(event).not.toHaveProperty('address')
    }
    // The trail of a user who is gone is still theirs, and knows no more of them than before.
    expect(events.filter(({ subject }) => subject === user.sub)).toHaveLength(10)
  })

  test('and what they do with a pool, its clients and its keys', async () => {
    const settings = { id: undefined, name: 'A pool', isDefault: undefined, issuer: undefined, domains: undefined }
    const location = { publicUrl: 'https://id.example.com', region: 'eu-west-1' }
    const made = await createUserPool(operated(), { userPool: { ...settings, settings: {} }, ...location })
    if (made.kind !== 'done') throw new Error(made.reason)
    const userPoolId = made.userPoolId
    const appClient = { id: 'web', name: 'Web', secrets: ['the-first-secret-1'], settings: {} }
    await createAppClient(operated(), { userPoolId, appClient })
    await createAppClient(operated(), { userPoolId, appClient })
    const target = { userPoolId, clientId: 'web' }
    const added = await addClientSecret(operated(), { ...target, secret: 'the-second-secret-2' })
    const secretId = added.kind === 'done' ? added.secret.id : ''
    await addClientSecret(operated(), { ...target, secret: 'the-third-secret-3' })
    await deleteClientSecret(operated(), { ...target, secretId })
    await replaceClientSecret(operated(), { ...target, secret: 'the-fourth-secret-4' })
    await createResourceServer(operated(), { userPoolId, identifier: 'api', name: 'API', scopes: [] })
    await deleteResourceServer(operated(), { userPoolId, identifier: 'api' })
    await deleteAppClient(operated(), { userPoolId, id: 'web' })
    await setIssuer(operated(), { userPoolId, issuer: 'https://other.example.com' })
    await rotateSigningKeys(operated(), { userPoolId })
    await rotateSigningKeys(operated(), { userPoolId }) // the next ones wait already
    await signOutUserPool(operated(), userPoolId)
    await context.services.store.outbox.add({ id: `m-${userPoolId}`, userPoolId, sealedMessage: 's', at: new Date(0) })
    await context.services.store.outbox.markFailed(`m-${userPoolId}`, {
      error: 'x',
      retryAt: undefined,
      at: new Date(0),
    })
    expect(await retryDeadLetters(operated())).toBe(1)
    await deleteUserPool(operated(), { id: userPoolId, name: 'A pool' })
    const events = await trail({ id: userPoolId })
    expect(events.map(inShort)).toEqual([
      'UserPoolCreate Pass',
      'AppClientCreate Pass',
      'AppClientCreate Fail clientExists',
      'AppClientSecretAdd Pass',
      'AppClientSecretAdd Fail tooManySecrets',
      'AppClientSecretDelete Pass',
      'AppClientSecretReplace Pass',
      'ResourceServerCreate Pass',
      'ResourceServerDelete Pass',
      'AppClientDelete Pass',
      'UserPoolUpdate Pass',
      'KeyRotation Pass',
      'UserPoolSignOut Pass',
      'MessageRetry Pass',
      'UserPoolDelete Pass',
    ])
    for (const event of events) expect(event).toMatchObject({ actor: 'operator', operator: 'ada' })
    expect(JSON.stringify(events)).not.toMatch(/the-\w+-secret/)
    const keys = JSON.parse(events[11]?.detail ?? '') as { keys: string[] }
    expect(keys).toMatchObject({ keys: [expect.any(String), expect.any(String)], now: false, revokeOld: false })
  })

  test('consents, browsers that are signed out, and clients that are not who they say', async () => {
    const userPool = await context.makePool(byEmail)
    const user = await account(userPool)
    const { store, clock } = context.services
    await store.settings.saveAppClient(
      { userPoolId: userPool.id, id: 'guest', name: 'Guest', settings: {} },
      clock.now(),
    )
    const next = follow(userPool)
    await next()
    const consent = { userPoolId: userPool.id, userSub: user.sub, clientId: 'guest' }
    await giveConsent(visited(), { ...consent, scopes: ['openid', 'email'] })
    await withdrawConsent(operated(), consent)
    await withdrawConsent(operated(), consent)
    const session = { userPoolId: userPool.id, idHash: userPool.id, uid: userPool.id, userSub: user.sub }
    const life = { authorizations: {}, transient: false, remembered: false, expiresAt: new Date('2100-01-01') }
    await store.browserSessions.save({ ...session, ...life, amr: ['pwd'] })
    expect(await endBrowserSession(visited(), session)).toBe(true)
    expect(await endBrowserSession(visited(), session)).toBe(false)
    const from = (address: string): DomainServices => ({ ...context.services, caller: { ...caller, address } })
    const named = { userPoolId: userPool.id, id: 'guest' }
    for (const address of ['192.0.2.7', '192.0.2.7', '2001:db8::1', '2001:db8::2']) {
      await recordRefusedClient(from(address), named)
    }
    context.clock.pass(61)
    await recordRefusedClient(from('192.0.2.7'), named)
    const events = await next()
    expect(events.map((event) => `${inShort(event)} ${event.clientId ?? ''} ${event.address ?? ''}`.trim())).toEqual([
      'Consent Pass guest 192.0.2.7',
      'ConsentWithdraw Pass guest',
      'SignOut Pass web 192.0.2.7',
      // Anybody can bring these about: once a minute for each network.
      'ClientAuthentication Fail invalidClient guest 192.0.2.7',
      'ClientAuthentication Fail invalidClient guest 2001:db8::1',
      'ClientAuthentication Fail invalidClient guest 192.0.2.7',
    ])
    expect(events[0]?.detail).toBe('{"scopes":["email","openid"]}')
    expect(events.slice(0, 3).map(({ subject }) => subject)).toEqual([user.sub, user.sub, user.sub])
  })

  test('nothing of it is a secret', async () => {
    const userPool = await context.makePool(byEmail)
    const typed: string[] = [password, newPassword]
    await register(userPool, 'ana@example.org')
    typed.push(await codeOf())
    const user = await context.services.store.users.findByIdentifier(userPool.id, 'ana@example.org')
    await confirmSignUp(visited(), {
      userPool,
      userSub: user?.sub ?? '',
      username: 'ana@example.org',
      code: typed.at(-1)!,
    })
    await enter(userPool, 'ana@example.org')
    await enter(userPool, 'ana@example.org', newPassword)
    await enter(userPool, newPassword, 'ana@example.org')
    await askForReset(visited(), { userPool, username: 'ana@example.org' })
    typed.push(await codeOf())
    await confirmForgotPassword(visited(), {
      userPool,
      userSub: user?.sub,
      username: 'ana@example.org',
      code: typed.at(-1)!,
      password: newPassword,
    })
    const events = JSON.stringify(await trail(userPool))
    expect(events.length).toBeGreaterThan(1000)
    for (const secret of [...typed, 'ana@example.org']) expect(events).not.toContain(secret)
  })
})
