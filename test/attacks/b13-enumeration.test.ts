import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteUnconfirmedSignUps } from '../../src/domain/sign-up/delete-unconfirmed-sign-ups.ts'
import { disableUser } from '../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, whereItIs } from '../support/visitor.ts'
import { startWalk } from './support/twin-walks.ts'
import type { Walk } from './support/twin-walks.ts'

/*
 * Threat row B13: somebody learns from an answer whether a name has an account. Every walk is made with a name that nobody has
 * and with the names of accounts of every kind, and everything that comes back is compared, to the byte.
 */

/** Sign-in by e-mail, with a code or a link; by e-mail or phone; and where an operator confirms. */
const pools = {
  code: 'UsernameAttributes: [email], AutoVerifiedAttributes: [email], Policies: { SignInPolicy: { AllowedFirstAuthFactors: [PASSWORD, EMAIL_OTP, SMS_OTP] } }',
  link: 'UsernameAttributes: [email], AutoVerifiedAttributes: [email], VerificationMessageTemplate: { DefaultEmailOption: CONFIRM_WITH_LINK }',
  both: 'UsernameAttributes: [email, phone_number], AutoVerifiedAttributes: [email, phone_number]',
  approved: 'UsernameAttributes: [email]',
  alias: 'AliasAttributes: [email], AutoVerifiedAttributes: [email]',
}
type PoolName = keyof typeof pools

const configuration = `UserPools:${Object.entries(pools)
  .map(
    ([name, settings]) => `
  - { Id: eu-west-1_${name}, PoolName: ${name}, Default: ${name === 'code'}, ${settings}, Clients: [
      { ClientId: ${name}, ExplicitAuthFlows: [ALLOW_USER_AUTH], CallbackURLs: ['${callback}'], AllowedOAuthFlows: [code], AllowedOAuthScopes: [openid] },
      { ClientId: ${name}-telling, PreventUserExistenceErrors: LEGACY,
        CallbackURLs: ['${callback}'], AllowedOAuthFlows: [code], AllowedOAuthScopes: [openid] } ] }`,
  )
  .join('')}
`

const own = 'The-attackers-1852'
const other = 'Another-one-1853'
const wrong = { password: 'Wrong-guess-1' }

/** Kinds of accounts that are not to be told from no account, by what a name of theirs begins with. */
const kinds = ['known', 'disab', 'tempo', 'nopwd'] as const
type Kind = (typeof kinds)[number] | 'fresh'

describe.each(databaseKinds)('on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration, database, clock })
  })
  afterAll(() => server.stop())

  async function haveAccountOf(kind: Kind, pool: PoolName, username: string): Promise<void> {
    if (kind === 'fresh') return
    const userPoolId = `eu-west-1_${pool}`
    const named =
      pool === 'alias'
        ? { username: `holder-${username.slice(2, 11)}`, attributes: { email: username, email_verified: 'true' } }
        : { username }
    const temporary = kind === 'tempo'
    const user = await haveAccount(server, { ...named, password: goodPassword, userPoolId, temporary })
    const { domain } = server.services
    if (kind === 'disab') await disableUser(domain, user)
    if (kind === 'nopwd') await domain.store.users.update(userPoolId, user.sub, { passwordHash: null }, clock.now())
  }

  let walks = 0
  /** What a walk brings with a fresh name, and with a name of each kind. */
  async function compare(
    pool: PoolName,
    steps: (walk: Walk) => Promise<void>,
    { clientId = pool, compared = kinds }: { clientId?: string; compared?: readonly Kind[] } = {},
  ): Promise<readonly string[]> {
    walks += 1
    const walkAs = async (kind: Kind): Promise<readonly string[]> => {
      const name = `a-${kind}-${String(walks).padStart(3, '0')}@example.com`
      await haveAccountOf(kind, pool, name)
      const base = `${server.publicUrl}/eu-west-1_${pool}`
      const walk = startWalk(server, { base, clientId, name, clock })
      await steps(walk)
      return walk.received
    }
    const fresh = await walkAs('fresh')
    for (const kind of compared) expect(await walkAs(kind), kind).toEqual(fresh)
    return fresh
  }

  const signUpAt = async (walk: Walk, password = own): Promise<VisitedPage> => {
    const { login } = await walk.browser()
    return (await login.follow('Create an account')).submit({ username: walk.name, password })
  }
  const signInAt = async (walk: Walk, password: string): Promise<VisitedPage> =>
    (await walk.browser()).login.submit({ username: walk.name, password })
  const forgotAt = async (walk: Walk): Promise<VisitedPage> => {
    const { login } = await walk.browser()
    return (await login.follow('Forgot your password?')).submit({ username: walk.name })
  }
  const wrongCodes = async (
    page: VisitedPage,
    times: number,
    fields: Record<string, string> = {},
  ): Promise<VisitedPage> => {
    let last = page
    for (let index = 0; index < times; index += 1) last = await last.submit({ code: '000000', ...fields })
    return last
  }
  const expectAt = (page: VisitedPage, heading: string): void => expect(whereItIs(page)).toBe(heading)

  // Which settings a pool has makes no difference to the database, and the embedded one takes twice as long.
  const all = ['code', 'link', 'both', 'approved'] as const
  const byAddress = database === 'embedded' ? all.slice(0, 1) : all

  describe.each(byAddress)('in a pool that signs in by address: %s', (pool) => {
    test('a wrong password, and the lock-out behind it', () =>
      compare(pool, async (walk) => {
        const { login } = await walk.browser()
        let page = login
        for (let index = 0; index < 6; index += 1) page = await page.submit({ username: walk.name, ...wrong })
        expect(page.status).toBe(429)
        walk.clock.pass(1)
        await page.submit({ username: walk.name, ...wrong })
      }))

    test('signing up, wrong codes, other codes', () =>
      compare(pool, async (walk) => {
        const page = await signUpAt(walk)
        if (pool === 'approved') return
        expectAt(page, 'Check your messages')
        await wrongCodes(page, 6)
        walk.clock.pass(5)
        const resend = pool === 'link' ? 'Send a new link' : 'Send a new code'
        await page.submit({}, resend)
        walk.clock.pass(26)
        await wrongCodes(await page.submit({}, resend), 1)
      }))

    test('signing up, and then signing in with that very password', () =>
      compare(pool, async (walk) => {
        await signUpAt(walk)
        await signInAt(walk, wrong.password)
        const page = await signInAt(walk, own)
        if (pool === 'approved') return
        expectAt(page, 'Check your messages')
        walk.clock.pass(31)
        await wrongCodes(await page.submit({}, pool === 'link' ? 'Send a new link' : 'Send a new code'), 2)
        walk.clock.pass(31)
        await signInAt(walk, own)
      }))

    test('signing up in two browsers: the later one overtakes', () =>
      compare(pool, async (walk) => {
        const first = await signUpAt(walk, own)
        walk.clock.pass(2)
        const second = await signUpAt(walk, other)
        expectAt(await signInAt(walk, own), 'Sign in')
        const later = await signInAt(walk, other)
        if (pool === 'approved') return
        expectAt(later, 'Check your messages')
        expectAt(await wrongCodes(first, 1), 'Create your account')
        await wrongCodes(second, 1)
      }))

    test('a form sent again, with another password, and with something else in it', () =>
      compare(pool, async (walk) => {
        const { login } = await walk.browser()
        const form = await login.follow('Create an account')
        for (const [seconds, password, name] of [
          [0, own, ''],
          [7, own, ''],
          [7, other, ''],
          [20, own, ''],
          [5, own, 'Ana'],
        ] as const) {
          walk.clock.pass(seconds)
          await form.submit({ username: walk.name, password, name })
        }
        await signInAt(walk, other)
        await signInAt(walk, own)
      }))

    test('a forgotten password, with wrong codes and weak passwords, from two browsers', () =>
      compare(pool, async (walk) => {
        const page = await forgotAt(walk)
        expectAt(page, 'Choose a new password')
        walk.clock.pass(3)
        await forgotAt(walk)
        await wrongCodes(page, 1, { password: 'weak' })
        await wrongCodes(page, 1, { password: other })
        await page.submit({}, 'Send a new code')
        walk.clock.pass(31)
        await wrongCodes(await page.submit({}, 'Send a new code'), 6, { password: other })
      }))

    test('signing up, a forgotten password, and signing in again', () =>
      compare(pool, async (walk) => {
        await signUpAt(walk)
        await wrongCodes(await forgotAt(walk), 1, { password: other })
        await signInAt(walk, own)
      }))

    test('a right password in between forgives no wrong ones, of a sign-up as of a decoy', () =>
      compare(pool, async (walk) => {
        await signUpAt(walk)
        const { login } = await walk.browser()
        for (let index = 0; index < 4; index += 1) await login.submit({ username: walk.name, ...wrong })
        await signInAt(walk, own)
        await login.submit({ username: walk.name, ...wrong })
        const locked = await login.submit({ username: walk.name, ...wrong })
        expect(locked.status).toBe(429)
        walk.clock.pass(1)
        await signInAt(walk, own)
        await login.submit({ username: walk.name, ...wrong })
      }))
  })

  test('a code in place of a password', () =>
    compare('code', async (walk) => {
      const { login } = await walk.browser()
      const page = await login.submit({ username: walk.name }, 'Email me a code')
      expectAt(page, 'Check your messages')
      walk.clock.pass(3)
      await (await walk.browser()).login.submit({ username: walk.name }, 'Email me a code')
      await wrongCodes(page, 2)
      await page.submit({}, 'Send a new code')
      walk.clock.pass(31)
      await wrongCodes(await page.submit({}, 'Send a new code'), 6)
      walk.clock.pass(900)
      await wrongCodes(page, 1)
    }))

  test('a sign-up is forgotten after a week', () =>
    compare('code', async (walk) => {
      await signUpAt(walk)
      const { domain } = server.services
      for (const days of [6, 3, 7]) {
        walk.clock.pass(days * 86_400)
        await domain.store.housekeeping.deleteExpired(walk.clock.now(), 10_000)
        await deleteUnconfirmedSignUps(domain, 10_000)
        await signInAt(walk, own)
      }
    }))

  test('the owner is told, keeps the account, and gets in with the own password', async () => {
    const { domain } = server.services
    const name = 'a-owner-000@example.com'
    await haveAccountOf('known', 'code', name)
    const walk = startWalk(server, { base: server.publicUrl, clientId: 'code', name, clock })
    const page = await signUpAt(walk)
    expectAt(await signInAt(walk, own), 'Check your messages')
    expectAt(await signInAt(walk, goodPassword), 'the app')
    // The very password of the account: it signs in.
    await signUpAt(walk, goodPassword)
    expectAt(await signInAt(walk, goodPassword), 'the app')
    const mine = (await settledMail(server)).filter(({ to }) => to === name)
    // Two browsers signed in with the own password, the second of which is news.
    const told = new Set(['You already have an account at Latchkey', 'A new sign-in to Latchkey'])
    expect(new Set(mine.map(({ subject }) => subject))).toEqual(told)
    expectAt(await wrongCodes(page, 1), 'Create your account')
    const user = await domain.store.users.findByIdentifier(userPoolOf(server).id, name)
    expect(user).toMatchObject({ status: 'CONFIRMED', enabled: true })
  })

  test('wrong guesses at an account are not forgiven for the password of a decoy', async () => {
    const name = 'a-guess-000@example.com'
    await haveAccountOf('known', 'code', name)
    const walk = startWalk(server, { base: server.publicUrl, clientId: 'code', name, clock })
    await signUpAt(walk)
    const { login } = await walk.browser()
    let lookedAt = 0
    for (let index = 0; index < 20; index += 1) {
      const page = await login.submit({ username: name, password: `Wrong-guess-${index}` })
      if (page.status === 200) lookedAt += 1
      await signInAt(walk, own)
    }
    expect(lookedAt).toBe(5)
  })

  test('an owner who resets the password ends the decoy as they would have ended a sign-up', () =>
    compare(
      'code',
      async (walk) => {
        const first = await signUpAt(walk)
        const known = await server.mail()
        const owner = startWalk(server, { base: server.publicUrl, clientId: 'code', name: walk.name, clock })
        const reset = await forgotAt(owner)
        await reset.submit({ code: await server.codeFor(walk.name, known), password: other })
        expectAt(await signInAt(walk, own), 'Sign in')
        expectAt(await wrongCodes(first, 1), 'Sign in')
      },
      { compared: ['known'] },
    ))

  test('an alias tells nothing: neither signing up with it nor signing in by it nor forgetting its password', () =>
    compare(
      'alias',
      async (walk) => {
        const { login } = await walk.browser()
        const form = await login.follow('Create an account')
        const username = `by-${walk.name.slice(2, 7)}-somebody`
        const received = walk.received.length
        await wrongCodes(await form.submit({ username, email: walk.name, password: own }), 2)
        const masked = walk.received.splice(received).map((text) => text.replaceAll(username, 'somebody'))
        walk.received.push(...masked)
        await signInAt(walk, own)
        await wrongCodes(await forgotAt(walk), 1, { password: other })
      },
      { compared: ['known', 'disab'] },
    ))

  test('a client that wants it told tells it, and keeps no decoy', async () => {
    const name = 'a-telln-000@example.com'
    await haveAccountOf('known', 'code', name)
    const walk = startWalk(server, { base: server.publicUrl, clientId: 'code-telling', name, clock })
    expect((await signUpAt(walk)).text).toContain('Do you have one already?')
    expectAt(await signInAt(walk, own), 'Sign in')
    expect((await signInAt({ ...walk, name: 'a-nobdy-000@example.com' }, own)).text).toContain('User does not exist')
  })
})
