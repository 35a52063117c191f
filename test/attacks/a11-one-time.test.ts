import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { findUser } from '../../src/domain/users/administer-user.ts'
import { rawRequest } from '../conformance/raw-request.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { auditTrailOf, inShort } from '../support/audit-events.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { movableClock } from '../support/movable-clock.ts'
import { createDatabase } from '../support/postgres.ts'
import { requestTokens } from '../support/relying-party.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row A11: what may be used once, in time, by one person. authentik took one-time tokens five minutes too long;
 * better-auth let another address accept an invitation. Guards src/persistence/verification-code-repository.ts and
 * sign-in-attempt-repository.ts (one statement each), src/domain/verification-codes, src/domain/sign-in and
 * src/domain/tokens. (test/domain has two hundred parallel tries at one code; an old sign-up code is never reached by a
 * page, since the flow ends first and signing in sends another.)
 */

const pool = (name: string, more: object) => ({
  ...{ Id: `eu-west-1_${name}`, PoolName: name, UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] },
  ...more,
  Clients: [{ ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email'] }],
})
const byLink = { VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' } }
const configuration = JSON.stringify({ UserPools: [pool('codes', { Default: true }), pool('links', byLink)] })

const at = (server: TestServer, name: 'codes' | 'links' = 'codes'): Promise<Visitor> =>
  visitorAt(name === 'codes' ? server.publicUrl : `${server.publicUrl}/eu-west-1_links`, name)
const isApp = (page: VisitedPage): boolean => whereItIs(page) === 'the app'

async function signsUp(server: TestServer, username: string, name: 'codes' | 'links' = 'codes') {
  const visitor = await at(server, name)
  const form = await visitor.login.follow('Create an account')
  return { visitor, waiting: await form.submit({ username, password: goodPassword }) }
}
const forgets = async (server: TestServer, username: string): Promise<VisitedPage> =>
  (await (await at(server)).login.follow('Forgot your password?')).submit({ username })

describe.each(databaseKinds)('on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration, database, clock })
  })
  afterAll(() => server.stop())

  const account = async (username: string, temporary = false): Promise<Record<string, string>> => {
    await haveAccount(server, { username, password: goodPassword, temporary })
    return { username, password: goodPassword }
  }
  const signedIn = async (username: string) => {
    const fields = await account(username)
    const visitor = await at(server)
    const app = await visitor.login.submit(fields)
    return { visitor, app, fields }
  }

  describe('nothing lives a moment too long', () => {
    /** What is made now, for how many seconds, and whether it still works then. */
    const lives: [string, seconds: number, (name: string) => Promise<() => Promise<boolean>>][] = [
      [
        'a temporary password',
        7 * 86_400,
        async (name) => {
          const fields = await account(name, true)
          return async () => (await (await at(server)).login.submit(fields)).heading === 'Choose your own password'
        },
      ],
      [
        'the page that asks for another one',
        180,
        async (name) => {
          const fields = await account(name, true)
          const page = await (await at(server)).login.submit(fields)
          return async () => isApp(await page.submit({ password: 'Trajectory-1962' }))
        },
      ],
      [
        'a reset code',
        3600,
        async (name) => {
          await account(name)
          const known = await settledMail(server)
          await forgets(server, name)
          const code = await server.codeFor(name, known)
          // Asked for again within the cool-down: the same code, and a flow that outlives it.
          clock.pass(20)
          const reset = await forgets(server, name)
          clock.pass(-20)
          return async () => isApp(await reset.submit({ code, password: 'Trajectory-1962' }))
        },
      ],
      [
        'a link',
        86_400,
        async (name) => {
          const known = await settledMail(server)
          await signsUp(server, name, 'links')
          const link = await linkFor(server, name, known)
          const elsewhere = await at(server, 'links')
          const page = await elsewhere.visit(link)
          return async () => (await page.submit({ password: goodPassword })).heading === 'Your account is confirmed'
        },
      ],
      [
        'a flow',
        3600,
        async (name) => {
          const fields = await account(name)
          const { login } = await at(server)
          return async () => isApp(await login.submit(fields))
        },
      ],
      [
        'an authorization code',
        300,
        async (name) => {
          const { visitor, app } = await signedIn(name)
          return async () => (await visitor.tokensFrom(app)).status === 200
        },
      ],
      [
        'a refresh token',
        30 * 86_400,
        async (name) => {
          const { visitor, app } = await signedIn(name)
          const { refresh_token = '' } = (await visitor.tokensFrom(app)).body
          const form = { grant_type: 'refresh_token', client_id: 'codes', refresh_token }
          return async () => (await requestTokens(server.publicUrl, form)).status === 200
        },
      ],
    ]
    test.each(lives)('%s lives %d seconds and no more', async (what, seconds, make) => {
      for (const [kind, short, alive] of [
        ['early', 0.001, true],
        ['late', 0, false],
      ] as const) {
        const works = await make(`${what.replaceAll(' ', '-')}-${kind}@example.com`)
        clock.pass(seconds - short)
        expect([kind, await works()]).toEqual([kind, alive])
        clock.pass(short - seconds)
      }
    })

    test('a session and an access token, which are known to the second', async () => {
      const { visitor, app } = await signedIn('seconds@example.com')
      const { body } = await visitor.tokensFrom(app)
      const userInfo = () =>
        fetch(`${server.publicUrl}/oauth2/userInfo`, { headers: { authorization: `Bearer ${body.access_token}` } })
      clock.pass(3599 - (clock.now().getMilliseconds() + 1) / 1000)
      expect([(await userInfo()).status, isApp(await visitor.visit(visitor.authorization.url))]).toEqual([200, true])
      clock.pass(1.001)
      expect([(await userInfo()).status, isApp(await visitor.visit(visitor.authorization.url))]).toEqual([401, false])
    })
  })

  describe('what may be used once is used once, however many try at the same moment', () => {
    test('the code of a sign-up, in ten browsers', async () => {
      const username = 'once@example.com'
      await signsUp(server, username)
      const code = await server.codeFor(username)
      const waiting = await Promise.all(
        Array.from({ length: 10 }, async () => (await at(server)).login.submit({ username, password: goodPassword })),
      )
      const places = (await Promise.all(waiting.map((page) => page.submit({ code })))).map(whereItIs)
      expect(places.filter((place) => place === 'the app')).toHaveLength(1)
      // Confirmed already, or a code that has been used.
      expect(places.filter((place) => ['Sign in', 'Check your messages'].includes(place))).toHaveLength(9)
    })

    test('the code of a forgotten password, with a password of their own each', async () => {
      const username = 'once-reset@example.com'
      const fields = await account(username)
      const known = await settledMail(server)
      const forms = await Promise.all(Array.from({ length: 5 }, () => forgets(server, username)))
      const code = await server.codeFor(username, known)
      const answers = await Promise.all(forms.map((form, i) => form.submit({ code, password: `Trajectory-${i}` })))
      const winners = answers.flatMap((page, index) => (isApp(page) ? [index] : []))
      expect(winners).toHaveLength(1)
      const login = async (password: string) => isApp(await (await at(server)).login.submit({ ...fields, password }))
      expect(await login(`Trajectory-${winners[0]}`)).toBe(true)
      expect(await login(`Trajectory-${winners[0] === 0 ? 1 : 0}`)).toBe(false)
    })
  })

  describe('nobody uses another one’s', () => {
    test('code of a sign-up, reset or invitation', async () => {
      const [ana, bob] = ['ana@example.com', 'bob@example.com']
      const [anas, bobs] = [await signsUp(server, ana), await signsUp(server, bob)]
      const [anasCode, bobsCode] = [await server.codeFor(ana), await server.codeFor(bob)]
      expect((await bobs.waiting.submit({ code: anasCode })).text).toContain('Invalid verification code')
      expect((await anas.waiting.submit({ code: bobsCode })).text).toContain('Invalid verification code')
      expect(isApp(await anas.waiting.submit({ code: anasCode }))).toBe(true)

      await account('eve@example.com')
      const known = await settledMail(server)
      const [anasReset, evesReset] = [await forgets(server, ana), await forgets(server, 'eve@example.com')]
      const code = await server.codeFor(ana, known)
      const refused = await evesReset.submit({ code, password: 'An-attacker-s-1' })
      expect(refused.heading).toBe('Choose a new password')
      expect(isApp(await anasReset.submit({ code, password: 'Trajectory-1962' }))).toBe(true)

      await haveAccount(server, { username: 'one@example.com', password: 'Temporary-1', temporary: true })
      await haveAccount(server, { username: 'two@example.com', password: 'Temporary-2', temporary: true })
      const { login } = await at(server)
      expect((await login.submit({ username: 'two@example.com', password: 'Temporary-1' })).heading).toBe('Sign in')
    })

    test('nor a code for what it is not for', async () => {
      const username = 'purpose@example.com'
      const { waiting } = await signsUp(server, username)
      const signUpCode = await server.codeFor(username)
      const known = await settledMail(server)
      const reset = await forgets(server, username)
      const resetCode = await server.codeFor(username, known)
      expect((await waiting.submit({ code: resetCode })).heading).toBe('Check your messages')
      const refused = await reset.submit({ code: signUpCode, password: 'An-attacker-s-1' })
      expect(refused.heading).toBe('Choose a new password')
      const user = await findUser(server.services.domain, userPoolOf(server), username)
      expect(user).toMatchObject({ status: 'UNCONFIRMED' })
    })
  })
})

describe('two servers on one database, asked by one browser at the same moment', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let one: TestServer
  let two: TestServer
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    const environment = { databaseUrl: database.url }
    one = await startServer({ configuration, environment })
    two = await startServer({ configuration, environment: { ...environment, publicUrl: one.publicUrl } })
  })
  afterAll(async () => {
    await one.stop()
    await two.stop()
    await database.drop()
  })

  /** Sends the page's form to both at once, each with fields of its own, and says where each of them leads. */
  async function toBoth(visitor: Visitor, page: VisitedPage, path: string, fields: Record<string, string>[]) {
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const names = ['_csrf', 'flow', 'client_id', 'user_name', 'confirmation_code']
    const hidden = names.flatMap((name) => (page.field(name) === undefined ? [] : [[name, page.field(name) ?? '']]))
    const form = Object.fromEntries(hidden) as Record<string, string>
    const headers = { host: new URL(one.publicUrl).host, cookie, 'content-type': 'application/x-www-form-urlencoded' }
    const { pathname } = new URL(visitor.base)
    return Promise.all(
      [one.port, two.port].map(async (port, index) => {
        const body = new URLSearchParams({ ...form, ...fields[index] }).toString()
        const target = `${pathname === '/' ? '' : pathname}${path}`
        const answer = await rawRequest(port, target, { method: 'POST', headers, body })
        return answer.headers.location ?? String(answer.status)
      }),
    )
  }

  test('a new password is set once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const username = `invited-${round}@example.com`
      await haveAccount(one, { username, password: goodPassword, temporary: true })
      const visitor = await at(one)
      const page = await visitor.login.submit({ username, password: goodPassword })
      const passwords = [{ password: 'Trajectory-1' }, { password: 'Trajectory-2' }]
      const answers = await toBoth(visitor, page, '/changePassword', passwords)
      const winners = answers.flatMap((answer, index) => (answer.includes('/oauth2/authorize/') ? [index] : []))
      // Both may be told where the sign-in goes on, but one password is set.
      expect(winners.length).toBeGreaterThan(0)
      const works = async (index: number) =>
        isApp(await (await at(one)).login.submit({ username, ...passwords[index] }))
      expect([await works(0), await works(1)].filter(Boolean)).toHaveLength(1)
    }
  })

  test('a link confirms once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const username = `linked-${round}@example.com`
      const known = await settledMail(one)
      const { visitor } = await signsUp(one, username, 'links')
      const page = await visitor.visit(await linkFor(one, username, known))
      const answers = await toBoth(visitor, page, '/confirmUser', [{}, {}])
      // Both may be told where the sign-in goes on (decision 37), but it was confirmed once, and one code comes of it.
      const ways = answers.filter((answer) => answer.includes('/oauth2/authorize/'))
      expect(ways.length).toBeGreaterThan(0)
      const user = await findUser(one.services.domain, userPoolOf(one, 'eu-west-1_links'), username)
      const trail = await auditTrailOf(one.services.domain, 'eu-west-1_links')
      const ofTheUser = trail.filter(({ subject }) => subject === user?.sub).map(inShort)
      expect(ofTheUser.filter((line) => line === 'ConfirmSignUp Pass')).toHaveLength(1)
      const pages = await Promise.all([...ways, ...ways].map((way) => visitor.visit(way)))
      expect(pages.filter(isApp)).toHaveLength(1)
    }
  })
})
