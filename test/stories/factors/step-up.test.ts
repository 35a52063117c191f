import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { appFrom } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { makePasskey, usePasskey } from '../../support/software-authenticator.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/* An app that wants to be surer of somebody than the sign-in was: they show the factor that is missing, and no more. */

const loa = (level: number): string => `urn:cognito:loa:${level}`
const configuration = JSON.stringify({
  UserPools: [
    {
      Id: 'eu-west-1_main',
      PoolName: 'main',
      Default: true,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      MfaConfiguration: 'OPTIONAL',
      SoftwareTokenMfaConfiguration: { Enabled: true },
      EmailMfaConfiguration: {},
      WebAuthnConfiguration: { FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION' },
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN'] } },
      AcrConfiguration: { Level4: { AcrValue: 'gold' } },
      SSOSession: { MaxValidityMinutes: 600 },
      Clients: [
        {
          ClientId: 'main',
          CallbackURLs: [callback],
          AllowedOAuthScopes: ['openid', 'email'],
          ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
        },
      ],
    },
  ],
})

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({ database, configuration, clock })
  })
  afterAll(() => server.stop())

  let people = 0
  const userPoolId = 'eu-west-1_main'
  const ask = (parameters: Record<string, string>, browser?: UserAgent): Promise<Visitor> =>
    visitorAt(server.publicUrl, 'main', { parameters, ...(browser === undefined ? {} : { browser }) })
  /** Signed in with a password alone, in a browser of their own. */
  const havePerson = async () => {
    const username = `person-${(people += 1)}@example.com`
    const { sub } = await haveAccount(server, { username, password: goodPassword, userPoolId })
    const visitor = await ask({})
    const page = await visitor.login.submit({ username, password: goodPassword })
    return { username, sub, visitor, claims: await claimsFrom(visitor, page) }
  }
  const haveApp = async (browser: UserAgent) => {
    const page = await browser.visit(`${server.publicUrl}/account/app`)
    const app = appFrom(page)
    await page.submit({ code: app.codeAt(clock.now()) })
    clock.pass(31)
    return app
  }
  const claimsFrom = async (visitor: Visitor, page: VisitedPage) => {
    expect(whereItIs(page)).toBe('the app')
    const { body } = await visitor.tokensFrom(page)
    const [id, access] = [decodeJwt(body.id_token ?? ''), decodeJwt(body.access_token ?? '')]
    expect([access['acr'], access['amr'], access['auth_time']]).toEqual([id['acr'], id['amr'], id['auth_time']])
    return { acr: id['acr'], amr: id['amr'], authTime: Number(id['auth_time']) }
  }

  test('a password, then the mailbox alone for an app that asks for more; the sign-in stays as old as it is', async () => {
    const { username, visitor, claims } = await havePerson()
    expect(claims).toMatchObject({ acr: loa(1), amr: ['pwd'] })
    clock.pass(300)
    const seen = await server.mail()
    const more = await ask({ acr_values: loa(3) }, visitor)
    expect([more.login.heading, more.login.text]).toEqual(['One more step', expect.stringContaining('p***@e***')])
    const page = await more.login.submit({ code: await server.codeFor(username, seen) })
    expect(await claimsFrom(more, page)).toEqual({
      acr: loa(3),
      amr: ['pwd', 'email_otp', 'mfa'],
      authTime: claims.authTime,
    })
    // From now on it is enough, also for an app that asks for less, and without a page.
    for (const acr of [loa(3), loa(2), `${loa(3)} gold`, 'unknown']) {
      const again = await ask({ acr_values: acr, prompt: 'none' }, visitor)
      expect(await claimsFrom(again, again.login)).toMatchObject({ acr: loa(3) })
    }
  })

  test('in silence nobody can be asked', async () => {
    const { visitor } = await havePerson()
    const silent = await ask({ acr_values: loa(3), prompt: 'none' }, visitor)
    expect(whereItIs(silent.login)).toBe('the app: login_required')
  })

  test('an app of theirs leads to the highest level, under the name that the pool gives it', async () => {
    const { username, visitor } = await havePerson()
    const app = await haveApp(visitor)
    const fresh = await ask({ acr_values: 'gold' })
    const more = await fresh.login.submit({ username, password: goodPassword })
    expect(more.text).toContain('authenticator app')
    const page = await more.submit({ code: app.codeAt(clock.now()) })
    expect(await claimsFrom(fresh, page)).toMatchObject({ acr: 'gold', amr: ['pwd', 'otp', 'mfa'] })
  })

  test('whoever has nothing that leads there is not asked for what does not, and the app is told', async () => {
    const { visitor } = await havePerson()
    const more = await ask({ acr_values: 'gold' }, visitor)
    expect(whereItIs(more.login)).toBe('the app: unmet_authentication_requirements')
    // What was there is there.
    const again = await ask({ prompt: 'none' }, visitor)
    expect(whereItIs(again.login)).toBe('the app')
  })

  test('a passkey begun with is level three at once', async () => {
    const { visitor } = await havePerson()
    const page = await visitor.visit(`${server.publicUrl}/account/passkeys`)
    const { passkey, credential } = makePasskey(page)
    await page.submit({ credential }, 'Create a passkey')
    const fresh = await ask({ acr_values: loa(3) })
    const done = await fresh.login.submit({ credential: usePasskey(fresh.login, passkey) }, 'Sign in with a passkey')
    expect(await claimsFrom(fresh, done)).toMatchObject({ acr: loa(3), amr: ['swk', 'mfa'] })
    // Beside a password, it is what an app of level three asks for.
    const other = await ask({ acr_values: loa(3) })
    const { username } = await havePerson()
    expect((await other.login.submit({ username, password: goodPassword })).heading).toBe('One more step')
  })

  test('claims ask as acr_values do', async () => {
    const { username, visitor } = await havePerson()
    clock.pass(31)
    const seen = await server.mail()
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: [loa(3), 'gold'] } } })
    const more = await ask({ claims }, visitor)
    expect(more.login.heading).toBe('One more step')
    const page = await more.login.submit({ code: await server.codeFor(username, seen) })
    expect(await claimsFrom(more, page)).toMatchObject({ acr: loa(3) })
    for (const odd of ['{', '[]', '{"id_token":{"acr":{"value":7}}}', '{"id_token":{"acr":{"value":"a\\u0000"}}}']) {
      expect(whereItIs((await ask({ claims: odd }, visitor)).login)).toBe('the app')
    }
  })

  test('a sign-in that is too old begins anew, with all that is asked for', async () => {
    const { username, visitor, claims } = await havePerson()
    clock.pass(600)
    const seen = await server.mail()
    const more = await ask({ acr_values: loa(3), max_age: '300' }, visitor)
    expect(more.login.heading).toBe('Sign in')
    const code = await more.login.submit({ username, password: goodPassword })
    const page = await code.submit({ code: await server.codeFor(username, seen) })
    const now = await claimsFrom(more, page)
    expect(now.authTime).toBeGreaterThanOrEqual(claims.authTime + 600)
  })

  test('one factor more does not make the page of an account fresh', async () => {
    const { username, visitor } = await havePerson()
    clock.pass(600)
    const seen = await server.mail()
    const more = await ask({ acr_values: loa(3) }, visitor)
    await more.login.submit({ code: await server.codeFor(username, seen) })
    expect((await visitor.visit(`${server.publicUrl}/account/password`)).heading).toBe('Sign in')
  })

  test('the waiting step is of that browser and user alone, and signing in as somebody else is a new sign-in', async () => {
    const { visitor } = await havePerson()
    const other = await havePerson()
    const more = await ask({ acr_values: loa(3) }, visitor)
    const stranger = await ask({})
    expect((await stranger.visit(more.login.url.href)).heading).toBe('This was begun in another browser')
    const login = await more.login.follow('Back to sign-in')
    clock.pass(60)
    const seen = await server.mail()
    const code = await login.submit({ username: other.username, password: goodPassword })
    const page = await code.submit({ code: await server.codeFor(other.username, seen) })
    const claims = await claimsFrom(more, page)
    expect(claims.authTime).toBeGreaterThan(other.claims.authTime)
  })
})
