import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateUserAttributes } from '../../src/domain/attribute-changes/update-user-attributes.ts'
import { signUp } from '../../src/domain/sign-up/sign-up.ts'
import { findUser, setUserPassword, signOutUser } from '../../src/domain/users/administer-user.ts'
import type { User } from '../../src/domain/users/user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { movableClock } from '../support/movable-clock.ts'
import { requestTokens } from '../support/relying-party.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { Mail, TestServer } from '../support/server.ts'
import { recipientsSince, settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row A1: pre-hijacking. 35 of 75 services let an attacker who had signed up with the victim's address before keep
 * a way in: a password, a session, a second name, a change that waits. Guards src/domain/sign-up (attribute-to-verify,
 * left-behind, confirm-sign-up, sign-up's replacement), src/domain/recovery, src/domain/sign-in/sign-in-time.ts and
 * src/domain/attribute-changes/pending-change.ts. (stories/odd-paths/confirmation-link.test.ts has the victim who follows the
 * link of the attacker's sign-up.)
 */

const attackersPassword = 'An-attacker-s-1'
const attackersPhone = '+15555550100'
const phoneFirst = {
  RecoveryMechanisms: [
    { Name: 'verified_phone_number', Priority: 1 },
    { Name: 'verified_email', Priority: 2 },
  ],
}
const required = (...names: string[]) => ({ Schema: names.map((Name) => ({ Name, Required: true })) })

const pools = {
  codes: { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] },
  links: {
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email'],
    VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
    AccountRecoverySetting: phoneFirst,
    ...required('phone_number'),
  },
  both: {
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email', 'phone_number'],
    AccountRecoverySetting: phoneFirst,
    ...required('phone_number'),
  },
  either: {
    UsernameAttributes: ['email', 'phone_number'],
    AutoVerifiedAttributes: ['email', 'phone_number'],
    AccountRecoverySetting: phoneFirst,
    ...required('phone_number'),
  },
  phones: {
    UsernameAttributes: ['email', 'phone_number'],
    AutoVerifiedAttributes: ['phone_number'],
    AccountRecoverySetting: phoneFirst,
    ...required('phone_number'),
  },
  named: { AliasAttributes: ['email', 'phone_number', 'preferred_username'], AutoVerifiedAttributes: ['email'] },
  approved: { UsernameAttributes: ['email'] },
}
type Pool = keyof typeof pools
const idOf = (pool: Pool): string => `eu-west-1_${pool}`

const configuration = JSON.stringify({
  UserPools: Object.entries(pools).map(([name, settings]) => ({
    Id: `eu-west-1_${name}`,
    PoolName: name,
    ...settings,
    Clients: [{ ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email', 'profile'] }],
  })),
})

describe.each(databaseKinds)('on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration, database, clock })
  })
  afterAll(() => server.stop())

  const services = () => server.services.domain
  const at = (pool: Pool): Promise<Visitor> => visitorAt(`${server.publicUrl}/${idOf(pool)}`, pool)
  const find = (pool: Pool, name: string): Promise<User | undefined> =>
    findUser(services(), userPoolOf(server, idOf(pool)), name)

  /** On the sign-up page, in a browser of one's own. @returns the page that waits for the proof */
  async function signsUp(pool: Pool, fields: Record<string, string>): Promise<VisitedPage> {
    const { login } = await at(pool)
    return (await login.follow('Create an account')).submit({ password: attackersPassword, ...fields })
  }
  async function forgets(pool: Pool, username: string): Promise<VisitedPage> {
    return (await (await at(pool)).login.follow('Forgot your password?')).submit({ username })
  }
  const entersWith = async (pool: Pool, username: string, password: string): Promise<string> =>
    whereItIs(await (await at(pool)).login.submit({ username, password }))
  const newMail = (known: readonly Mail[]): Promise<readonly string[]> => recipientsSince(server, known)

  describe('the victim resets the password of an account that somebody made for them', () => {
    test('and neither the password, the open pages nor another sign-up in them lead in any more', async () => {
      const victim = 'by-reset@example.com'
      const waiting = await signsUp('codes', { username: victim })
      const early = await server.codeFor(victim)
      const attackersReset = await forgets('codes', victim)
      const known = await settledMail(server)
      clock.pass(31)
      const reset = await forgets('codes', victim)
      const code = await server.codeFor(victim, known)
      expect(whereItIs(await reset.submit({ code, password: goodPassword }))).toBe('the app')

      // The confirmation that waits, even with the code that was sent; the reset that waits, even with its code.
      const late = await waiting.submit({ code: early })
      expect(late.heading).toBe('Sign in')
      expect(whereItIs(await late.submit({ username: victim, password: attackersPassword }))).toBe('Sign in')
      const again = await attackersReset.submit({ code, password: attackersPassword })
      expect(again.heading).toBe('Choose a new password')
      // Signing up once more in the flow that had made the account.
      clock.pass(31)
      const signUpPage = await late.follow('Create an account')
      const decoy = await signUpPage.submit({ username: victim, password: attackersPassword })
      expect(decoy.heading).toBe('Check your messages')
      expect(await entersWith('codes', victim, goodPassword)).toBe('the app')
    })

    test('and nothing of what the sign-up said of its maker is in the victim’s tokens', async () => {
      const victim = 'said@example.com'
      const userPool = userPoolOf(server, idOf('codes'))
      const snapshot = await server.services.directory.get(userPool.id)
      // As the API's SignUp takes them; the page asks for fewer.
      const attributes = { given_name: 'Mallory', phone_number: attackersPhone, website: 'https://evil.example' }
      const appClient = snapshot!.appClients.get('codes')!
      await signUp(services(), {
        ...{ userPool, appClient, username: victim, password: attackersPassword, attributes, languages: [] },
      })
      const known = await settledMail(server)
      const reset = await forgets('codes', victim)
      await reset.submit({ code: await server.codeFor(victim, known), password: goodPassword })
      expect((await find('codes', victim))?.attributes).toEqual({ email: victim, email_verified: 'true' })
    })

    test('and no second name that the attacker chose leads to it', async () => {
      const [victim, username] = ['named@example.com', 'mallory']
      await signsUp('named', {
        ...{ username, email: victim, phone_number: attackersPhone, preferred_username: 'mal' },
      })
      const known = await settledMail(server)
      clock.pass(31)
      const reset = await forgets('named', username)
      await reset.submit({ code: await server.codeFor(victim, known), password: goodPassword })
      const owned = await find('named', victim)
      expect(owned?.attributes).toEqual({ email: victim, email_verified: 'true' })
      for (const name of ['mal', attackersPhone]) expect(await find('named', name)).toBeUndefined()
    })
  })

  describe('a phone of the attacker’s own', () => {
    test('is no way back after the victim has followed the link', async () => {
      const victim = 'linked@example.com'
      const known = await settledMail(server)
      await signsUp('links', { username: victim, phone_number: attackersPhone })
      const link = await linkFor(server, victim, known)
      const attackersReset = await forgets('links', victim)
      const { visit } = await at('links')
      const choosing = await (await visit(link)).follow('Choose a new password')
      expect((await choosing.submit({ password: goodPassword })).heading).toBe('Your account is confirmed')
      // The pool insists on a phone number, so the attacker's is there; it proves nothing, then and now.
      clock.pass(31)
      await attackersReset.submit({}, 'Send a new code')
      expect(await newMail(known)).not.toContain(attackersPhone)
      expect(await entersWith('links', victim, goodPassword)).toBe('the app')
    })

    test.each(['both', 'either'] as const)(
      'does not confirm an account at the victim’s address, nor reset its password (%s)',
      async (pool) => {
        const victim = 'phone@example.com'
        const known = await settledMail(server)
        await signsUp(pool, { username: victim, phone_number: attackersPhone })
        expect(await newMail(known)).toEqual([victim])
        const between = await settledMail(server)
        clock.pass(31)
        await forgets(pool, victim)
        expect(await newMail(between)).toEqual([victim])
      },
    )

    test('where it alone is proved, leaves the victim’s address free for the victim', async () => {
      const victim = 'free@example.com'
      const waiting = await signsUp('phones', { username: victim, phone_number: attackersPhone })
      expect(whereItIs(await waiting.submit({ code: await server.codeFor(attackersPhone) }))).toBe('the app')
      expect(await entersWith('phones', victim, attackersPassword)).toBe('Sign in')
      const phone = '+15555550199'
      const known = await settledMail(server)
      const mine = await signsUp('phones', { username: victim, phone_number: phone, password: goodPassword })
      expect(whereItIs(await mine.submit({ code: await server.codeFor(phone, known) }))).toBe('the app')
      expect((await find('phones', phone))?.attributes['email']).toBe(victim)
    })
  })

  test('a sign-up that waits for an administrator is not confirmed by a forgotten password', async () => {
    const username = 'approved@example.com'
    const page = await signsUp('approved', { username })
    expect(page.status).toBe(200)
    const known = await settledMail(server)
    await forgets('approved', username)
    expect(await newMail(known)).toEqual([])
    expect((await find('approved', username))?.status).toBe('UNCONFIRMED')
  })

  test.each(['replaced@example.com', 'REPLACED@Example.COM'])(
    'the victim signs up as %s: the first sign-up, its code and its page are gone',
    async (spelling) => {
      const first = await signsUp('codes', { username: 'replaced@example.com' })
      const attackersCode = await server.codeFor('replaced@example.com')
      const known = await settledMail(server)
      const mine = await signsUp('codes', { username: spelling, password: goodPassword })
      const gone = await first.submit({ code: attackersCode })
      expect(gone.heading).toBe('Create your account')
      const code = await server.codeFor(spelling, known)
      expect((await gone.submit({ username: '', password: '' })).heading).toBe('Create your account')
      expect(whereItIs(await mine.submit({ code }))).toBe('the app')
      expect(await entersWith('codes', spelling, attackersPassword)).toBe('Sign in')
      await services().store.users.delete(idOf('codes'), (await find('codes', spelling))!.sub)
    },
  )

  describe('somebody who is signed in to the victim’s account', () => {
    interface Intruder {
      user: User
      browser: Visitor
      tokens: { access_token?: string; refresh_token?: string }
      /** A code that the app has not redeemed yet. */
      answer: VisitedPage
      /** Another browser, signed in this very moment, that has not followed the last redirect yet. */
      held: { browser: Visitor; location: string }
    }

    async function intrudes(email: string): Promise<Intruder> {
      const account = { username: email, password: goodPassword }
      const user = await haveAccount(server, { ...account, userPoolId: idOf('codes') })
      const browser = await at('codes')
      const { body } = await browser.tokensFrom(await browser.login.submit(account))
      const answer = await browser.visit(browser.authorization.url)
      const waiting = await at('codes')
      const form = { _csrf: waiting.login.field('_csrf') ?? '', flow: waiting.login.field('flow') ?? '', ...account }
      const response = await waiting.request(`${waiting.base}/login`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      const location = response.headers.get('location') ?? ''
      expect(location).toContain('/oauth2/authorize/')
      return { user, browser, tokens: body, answer, held: { browser: waiting, location } }
    }

    /** The intruder names an address of their own, as the API's UpdateUserAttributes lets somebody who has just signed in. */
    async function names(email: string, { user, browser }: Intruder): Promise<void> {
      const userPool = userPoolOf(server, idOf('codes'))
      const appClient = (await server.services.directory.get(userPool.id))!.appClients.get('codes')!
      expect(browser.authorization.state).toBeDefined()
      const outcome = await updateUserAttributes(services(), {
        ...{ userPool, appClient, userSub: user.sub, authTime: clock.now(), attributes: { email }, languages: [] },
      })
      expect(outcome.kind).toBe('done')
    }

    /** Everything that still works. */
    async function waysIn({ browser, tokens, answer, held }: Intruder): Promise<readonly string[]> {
      const refreshed = await requestTokens(browser.base, {
        ...{ grant_type: 'refresh_token', client_id: 'codes', refresh_token: tokens.refresh_token ?? '' },
      })
      const headers = { authorization: `Bearer ${tokens.access_token}` }
      const later = await held.browser.visit(held.location)
      const ways: [string, boolean][] = [
        ['session', whereItIs(await browser.visit(browser.authorization.url)) === 'the app'],
        ['refresh token', refreshed.status === 200],
        ['access token', (await fetch(`${browser.base}/oauth2/userInfo`, { headers })).status === 200],
        ['code', (await browser.tokensFrom(answer)).status === 200],
        ['sign-in that was held back', whereItIs(later) === 'the app'],
      ]
      return ways.flatMap(([name, works]) => (works ? [name] : []))
    }

    test('has five ways in as long as nothing happens', async () => {
      expect(await waysIn(await intrudes('bystander@example.com'))).toHaveLength(5)
    })

    test('has none when the owner has reset the password, in the same second as it were', async () => {
      const email = 'reset-now@example.com'
      const intruder = await intrudes(email)
      await names('attacker-reset@example.net', intruder)
      const known = await settledMail(server)
      const reset = await forgets('codes', email)
      const code = await server.codeFor(email, known)
      const owner = await reset.submit({ code, password: 'Trajectory-1962' })
      expect(whereItIs(owner)).toBe('the app')
      expect(await waysIn(intruder)).toEqual([])
      clock.pass(31)
      const between = await settledMail(server)
      await forgets('codes', email)
      expect(await newMail(between)).toEqual([email])
      expect((await find('codes', email))?.attributes['email']).toBe(email)
      expect(await entersWith('codes', email, 'Trajectory-1962')).toBe('the app')
    })

    const interventions: [string, (user: User) => Promise<unknown>][] = [
      [
        'an operator sets another password',
        (user) => setUserPassword(services(), userPoolOf(server, idOf('codes')), user, 'Trajectory-1962', true),
      ],
      ['they are signed out everywhere', (user) => signOutUser(services(), user)],
    ]
    test.each(interventions)('has none when %s, nor one by an address that they named before', async (_what, end) => {
      const email = `${_what.replaceAll(/\W/g, '-')}@example.com`
      const intruder = await intrudes(email)
      await names(`mallory-${email}`, intruder)
      const known = await settledMail(server)
      const attackersReset = await forgets('codes', email)
      const code = await server.codeFor(`mallory-${email}`, known)
      await end(intruder.user)
      expect(await waysIn(intruder)).toEqual([])
      expect((await attackersReset.submit({ code, password: attackersPassword })).heading).toBe('Choose a new password')
      clock.pass(31)
      const between = await settledMail(server)
      await attackersReset.submit({}, 'Send a new code')
      expect(await newMail(between)).toEqual([email])
    })
  })
})
