import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateUserAttributes } from '../../src/domain/attribute-changes/update-user-attributes.ts'
import { verifyUserAttribute } from '../../src/domain/attribute-changes/verify-user-attribute.ts'
import { findUser } from '../../src/domain/users/administer-user.ts'
import type { User } from '../../src/domain/users/user.ts'
import { addSeconds } from '../../src/platform/clock.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { decode, requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { recipientsSince, settledMail } from '../support/settled-mail.ts'
import { goodPassword, startServerWithPools, userPoolId, visitorOf, whereItIs } from '../support/visitor.ts'

/*
 * Threat row A7: until 2022 Cognito's UpdateUserAttributes made a new address the sign-in name at once, so that an attacker
 * could be whoever they liked to be. The change is asked for as the API will ask; what it means is tried on the pages.
 * Guards src/domain/attribute-changes and src/domain/recovery. (test/domain/attribute-changes.test.ts has the rules.)
 */

const victim = 'victim@example.org'

describe.each(databaseKinds)('on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
  })
  afterAll(() => server.stop())

  const userPool = () => userPoolOf(server, userPoolId('email'))
  const find = (name: string): Promise<User | undefined> => findUser(server.services.domain, userPool(), name)
  const change = async (user: User, email: string, authTime = clock.now()) => {
    const snapshot = await server.services.directory.get(userPool().id)
    const appClient = snapshot!.appClients.get('email')!
    const request = { userPool: userPool(), appClient, userSub: user.sub, authTime, languages: [] }
    return updateUserAttributes(server.services.domain, { ...request, attributes: { email } })
  }
  const verify = (user: User, code: string) =>
    verifyUserAttribute(server.services.domain, {
      ...{ userPool: userPool(), userSub: user.sub, attribute: 'email', languages: [], code },
    })
  const entersWith = async (username: string, password = goodPassword): Promise<string> =>
    whereItIs(await (await visitorOf(server)).login.submit({ username, password }))

  test('an address that is only named is no name, no recipient and no claim', async () => {
    const mallory = await haveAccount(server, { username: 'mallory@example.net', password: goodPassword })
    const visitor = await visitorOf(server)
    const before = await visitor.tokensFrom(
      await visitor.login.submit({ username: 'mallory@example.net', password: goodPassword }),
    )
    expect(await change(mallory, victim)).toMatchObject({ kind: 'done' })

    const tokens = await requestTokens(visitor.base, {
      ...{ grant_type: 'refresh_token', client_id: 'email', refresh_token: before.body.refresh_token ?? '' },
    })
    const userInfo = await fetch(`${visitor.base}/oauth2/userInfo`, {
      headers: { authorization: `Bearer ${tokens.body.access_token}` },
    })
    for (const claims of [decode(tokens.body.id_token), (await userInfo.json()) as Record<string, unknown>]) {
      expect(claims).toMatchObject({ email: 'mallory@example.net' })
      expect(JSON.stringify(claims)).not.toContain(victim)
    }
    expect(await entersWith(victim)).toBe('Sign in')
    expect(await entersWith('mallory@example.net')).toBe('the app')
    // Whoever forgot the password of the victim’s address has none here.
    const known = await settledMail(server)
    const { login } = await visitorOf(server)
    await (await login.follow('Forgot your password?')).submit({ username: victim })
    expect(await recipientsSince(server, known)).toEqual([])
  })

  test('it keeps the owner of the address from nothing, and is lost to them', async () => {
    const email = 'later@example.org'
    const mallory = await haveAccount(server, { username: 'mal@example.net', password: goodPassword })
    const known = await settledMail(server)
    await change(mallory, email)
    const attackersCode = await server.codeFor(email, known)
    const between = await settledMail(server)
    const form = await (await visitorOf(server)).login.follow('Create an account')
    const confirm = await form.submit({ username: email, password: 'Trajectory-1962' })
    expect(whereItIs(await confirm.submit({ code: await server.codeFor(email, between) }))).toBe('the app')
    // Even with the code: the mailbox may have been the attacker's once.
    expect(await verify(mallory, attackersCode)).toEqual({ kind: 'refused', reason: 'aliasExists' })
    expect(await entersWith(email)).toBe('Sign in')
    expect(await entersWith(email, 'Trajectory-1962')).toBe('the app')
    expect((await find('mal@example.net'))?.attributes).toMatchObject({ email: 'mal@example.net' })
  })

  test.each([
    ['in capitals', 'TAKEN@EXAMPLE.ORG'],
    ['as it is', 'taken@example.org'],
  ])('an address that is somebody’s is not taken from them, %s', async (_how, spelling) => {
    const owner =
      (await find('taken@example.org')) ??
      (await haveAccount(server, { username: 'taken@example.org', password: goodPassword }))
    const thief = await haveAccount(server, {
      username: `${spelling.length}${_how.length}@x.org`,
      password: goodPassword,
    })
    const known = await settledMail(server)
    await change(thief, spelling)
    const code = await server.codeFor(spelling, known)
    expect(await verify(thief, code)).toEqual({ kind: 'refused', reason: 'aliasExists' })
    expect((await find(spelling))?.sub).toBe(owner.sub)
  })

  describe('the owner of a hijacked session’s account', () => {
    test('is told at the address in force, when a change begins and when it is done', async () => {
      const email = 'told@example.org'
      const user = await haveAccount(server, { username: email, password: goodPassword })
      const known = await settledMail(server)
      await change(user, 'attacker@example.net')
      expect((await recipientsSince(server, known)).toSorted()).toEqual(['attacker@example.net', email])
      const between = await settledMail(server)
      const code = await server.codeFor('attacker@example.net', known)
      expect(await verify(user, code)).toEqual({ kind: 'done' })
      expect(await recipientsSince(server, between)).toEqual([email])
      expect(await entersWith(email)).toBe('Sign in')
    })

    test('is protected by the time since the sign-in', async () => {
      const user = await haveAccount(server, { username: 'stale@example.org', password: goodPassword })
      const stale = addSeconds(clock.now(), -(15 * 60) - 1)
      expect(await change(user, 'attacker@example.net', stale)).toEqual({
        kind: 'refused',
        reason: 'staleAuthentication',
      })
    })

    test('takes it back by a forgotten password, and the attacker’s code is worth nothing then', async () => {
      const email = 'back@example.org'
      const user = await haveAccount(server, { username: email, password: goodPassword })
      const known = await settledMail(server)
      await change(user, 'attacker2@example.net')
      const attackersCode = await server.codeFor('attacker2@example.net', known)
      const between = await settledMail(server)
      const { login } = await visitorOf(server)
      const reset = await (await login.follow('Forgot your password?')).submit({ username: email })
      const code = await server.codeFor(email, between)
      expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
      expect(await verify(user, attackersCode)).toEqual({ kind: 'refused', reason: 'codeExpired' })
      expect((await find(email))?.attributes).toMatchObject({ email, email_verified: 'true' })
    })

    test('does not lose it to a code that went to a former address', async () => {
      const [former, email] = ['former@example.org', 'present@example.org']
      const user = await haveAccount(server, { username: former, password: goodPassword })
      const { login } = await visitorOf(server)
      const known = await settledMail(server)
      const reset = await (await login.follow('Forgot your password?')).submit({ username: former })
      const old = await server.codeFor(former, known)
      const between = await settledMail(server)
      await change(user, email)
      expect(await verify(user, await server.codeFor(email, between))).toEqual({ kind: 'done' })
      const page = await reset.submit({ code: old, password: 'An-attacker-s-1' })
      expect(page.heading).toBe('Choose a new password')
      expect(await entersWith(email)).toBe('the app')
    })
  })
})
