import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { appFrom } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { Mail, TestServer } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import { makePasskey, usePasskey } from '../../support/software-authenticator.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* The owner of an account hears of what is done to it, and can take it back. */

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
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
      Clients: ['main', 'other'].map((ClientId) => ({
        ClientId,
        CallbackURLs: [callback],
        AllowedOAuthScopes: ['openid', 'email', 'profile', 'phone'],
        ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      })),
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

  const userPoolId = 'eu-west-1_main'
  const newPassword = 'Babbage-Engine-2'
  let people = 0
  const account = (path = ''): string => `${server.publicUrl}/account${path}`
  const signInAt = async (username: string, path = '', password = goodPassword, browser = newBrowser()) => ({
    browser,
    page: await (await browser.visit(account(path))).submit({ username, password }),
  })
  const newBrowser = (): UserAgent => createUserAgent(server.publicUrl)
  const haveOwner = async (attributes: Record<string, string> = {}) => {
    const username = `owner-${(people += 1)}@example.com`
    const { sub } = await haveAccount(server, { username, password: goodPassword, userPoolId, attributes })
    return { username, sub, ...(await signInAt(username)) }
  }
  /** What came to the address while this was done. */
  const mailOf = async (username: string, act: () => Promise<unknown>): Promise<readonly Mail[]> => {
    const before = new Set((await settledMail(server)).map(({ id }) => id))
    await act()
    return (await settledMail(server)).filter(({ id, to }) => to === username && !before.has(id))
  }
  const linkIn = (mail: Mail | undefined): string => /https?:\S+\/notMe\?\S+/.exec(mail?.text ?? '')?.[0] ?? 'no link'
  const stored = (sub: string) => server.services.domain.store.users.findBySub(userPoolId, sub)

  test('the first browser is no news, the second one is', async () => {
    const { username } = await haveOwner()
    expect(await mailOf(username, () => signInAt(username))).toMatchObject([{ subject: 'A new sign-in to Latchkey' }])
    const { browser } = await signInAt(username)
    expect(await mailOf(username, () => browser.visit(account('?again')))).toEqual([])
    const [mail] = await mailOf(username, () => signInAt(username))
    expect(mail?.text).toMatch(/It happened on .+ UTC, from .?127\.0\.0\.1.?\./)
    expect(mail?.html).toContain('This wasn’t me')
  })

  test('a password, factors, passkeys and recovery codes are told of, in the language of the page', async () => {
    const { username, browser } = await haveOwner()
    const subjects = async (act: () => Promise<unknown>) => (await mailOf(username, act)).map(({ subject }) => subject)
    const app = await browser.visit(account('/app'))
    const codeOf = appFrom(app)
    expect(await subjects(() => app.submit({ code: codeOf.codeAt(clock.now()) }))).toEqual([
      'Two-step sign-in at Latchkey was changed',
    ])
    const codes = await browser.visit(account('/recoveryCodes'))
    expect(await subjects(() => codes.submit({}))).toEqual(['New recovery codes for Latchkey'])
    const passkeys = await browser.visit(account('/passkeys'))
    const { credential, passkey } = makePasskey(passkeys)
    expect(await subjects(() => passkeys.submit({ credential }, 'Create a passkey'))).toEqual([
      'A new passkey for Latchkey',
    ])
    const again = await browser.visit(account('/passkeys'))
    expect(await subjects(() => again.submit({ remove: passkey.id }, 'Remove'))).toEqual([
      'A passkey for Latchkey was removed',
    ])
    const password = await browser.visit(account('/password?lang=de'))
    const change = { current_password: goodPassword, password: newPassword }
    expect(await subjects(() => password.submit(change))).toEqual(['Ihr Passwort bei Latchkey wurde geändert'])
  })

  test('a forgotten password that was replaced is told of', async () => {
    const { username } = await haveOwner()
    const visitor = await visitorAt(server.publicUrl, 'main')
    const seen = await server.mail()
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username })
    const code = await server.codeFor(username, seen)
    const [mail] = await mailOf(username, () => reset.submit({ code, password: newPassword }))
    expect(mail?.subject).toBe('Your password at Latchkey was changed')
  })

  test('"this wasn’t me": nobody is signed in any more, what was added goes, and a mail leads back in', async () => {
    const { username, sub, browser: owners } = await haveOwner()
    clock.pass(60)
    const thief = await signInAt(username, '/passkeys')
    const { credential, passkey } = makePasskey(thief.page)
    const [notice] = await mailOf(username, () => thief.page.submit({ credential }, 'Create a passkey'))
    // What the thief does afterwards ends no link.
    const password = await thief.browser.visit(account('/password'))
    await password.submit({ current_password: goodPassword, password: 'Thief-Password-1' })
    clock.pass(600)
    const reader = newBrowser()
    const page = await reader.visit(linkIn(notice))
    expect([page.heading, page.text.includes(username)]).toEqual(['Take your account back', true])
    // Opening it does nothing: scanners of mail do that.
    expect((await thief.browser.visit(account())).heading).toBe('Your account')
    const mails = await mailOf(username, async () => {
      expect((await page.submit({})).heading).toBe('Everybody is signed out')
    })
    for (const browser of [thief.browser, owners]) expect((await browser.visit(account())).heading).toBe('Sign in')
    const visitor = await visitorAt(server.publicUrl, 'main')
    const byPassword = await visitor.login.submit({ username, password: 'Thief-Password-1' })
    expect(whereItIs(byPassword)).not.toBe('the app')
    const { login } = await visitorAt(server.publicUrl, 'main')
    const byPasskey = await login.submit({ credential: usePasskey(login, passkey) }, 'Sign in with a passkey')
    expect(byPasskey.text).toContain('isn’t known here')
    expect(await stored(sub)).toMatchObject({ status: 'RESET_REQUIRED', hasPasskeys: false })
    const resetLink = /https?:\S+\/resetLink\?\S+/.exec(mails[0]?.text ?? '')?.[0] ?? ''
    await (await reader.visit(resetLink)).submit({ password: newPassword })
    expect((await signInAt(username, '', newPassword)).page.heading).toBe('Your account')
    // Once.
    expect((await page.submit({})).heading).toBe('This link doesn’t work any more')
  })

  test('nothing that a stranger holds by then is worth anything: tokens, codes, factors, an address on its way', async () => {
    const { username, sub } = await haveOwner()
    const { store } = server.services.domain
    clock.pass(600)
    const thief = await visitorAt(server.publicUrl, 'main')
    let shown = await thief.login.submit({ username, password: goodPassword })
    const { body: tokens } = await thief.tokensFrom(shown)
    const [notice] = (await settledMail(server)).filter(({ to }) => to === username)
    const app = await thief.visit(account('/app'))
    await app.submit({ code: appFrom(app).codeAt(clock.now()) })
    await (await thief.visit(account('/recoveryCodes'))).submit({})
    const email = await thief.visit(account('/email'))
    const toAddress = await email.submit({ email: 'burglar@example.net' })
    const addressCode = await server.codeFor('burglar@example.net')
    const seen = await server.mail()
    const forgot = await (await visitorAt(server.publicUrl, 'main')).login.follow('Forgot your password?')
    const reset = await forgot.submit({ username })
    const resetCode = await server.codeFor('burglar@example.net', seen)
    expect(await store.recoveryCodes.count(userPoolId, sub)).toBe(10)

    expect(await store.verificationCodes.find(userPoolId, sub, 'reset_pending')).toBeDefined()
    await (await newBrowser().visit(linkIn(notice))).submit({})
    expect(await store.verificationCodes.find(userPoolId, sub, 'reset_pending')).toBeUndefined()
    const [userInfo, refreshed] = await Promise.all([
      fetch(`${server.publicUrl}/oauth2/userInfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } }),
      fetch(`${server.publicUrl}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          ...{ grant_type: 'refresh_token', client_id: 'main', refresh_token: tokens.refresh_token ?? '' },
        }),
      }),
    ])
    expect([userInfo.status, refreshed.status]).toEqual([401, 400])
    shown = await toAddress.submit({ code: addressCode })
    expect(shown.heading).toBe('Sign in')
    shown = await reset.submit({ code: resetCode, password: 'Thief-Password-1' })
    expect(whereItIs(shown)).not.toBe('the app')
    // One by one: each of these would be one way back in.
    expect(await store.attributeChanges.ofUser(userPoolId, sub, clock.now())).toEqual([])
    expect(await store.recoveryCodes.count(userPoolId, sub)).toBe(0)
    expect(await store.softwareTokens.ofUser(userPoolId, sub)).toEqual([])
    expect(await store.browserSessions.ofUser(userPoolId, sub, clock.now())).toEqual([])
    const { kysely } = server.services.database
    const grants = await kysely.selectFrom('grants').select('revoked_at').where('user_sub', '=', sub).execute()
    expect(grants.map((grant) => grant.revoked_at !== null)).toEqual([true])
    expect((await stored(sub))?.signedOutAt).toBeDefined()
    expect((await stored(sub))?.attributes['email']).toBe(username)
  })

  test('an address that a stranger has changed comes back', async () => {
    const { username, sub } = await haveOwner()
    clock.pass(60)
    const thief = await signInAt(username, '/email')
    const seen = await server.mail()
    const code = await thief.page.submit({ email: 'thief@example.net' })
    const [notice] = await mailOf(username, async () =>
      code.submit({ code: await server.codeFor('thief@example.net', seen) }),
    )
    expect([notice?.subject, notice?.text]).toEqual([
      'Your address at Latchkey has changed',
      expect.stringContaining('This wasn’t me'),
    ])
    expect((await stored(sub))?.attributes['email']).toBe('thief@example.net')
    const page = await newBrowser().visit(linkIn(notice))
    const toOwner = await mailOf(username, () => page.submit({}))
    expect((await stored(sub))?.attributes).toMatchObject({ email: username, email_verified: 'true' })
    expect(toOwner[0]?.text).toContain('/resetLink?')
    const visitor = await visitorAt(server.publicUrl, 'main')
    const asThief = await visitor.login.submit({ username: 'thief@example.net', password: goodPassword })
    expect(asThief.text).toContain('Incorrect username or password.')
  })

  test('a link that is altered, too old, of another client or pressed twenty times is worth no more than one', async () => {
    const { username, sub } = await haveOwner()
    const [notice] = await mailOf(username, () => signInAt(username))
    const link = linkIn(notice)
    const closed = async (url: string): Promise<void> =>
      expect((await newBrowser().visit(url)).heading).toBe('This link doesn’t work any more')
    await closed(link.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))
    await closed(link.replace('client_id=main', 'client_id=other'))
    await closed(link.replace('client_id=main', 'client_id=nobody'))
    const page: VisitedPage = await newBrowser().visit(link)
    const forged = await page.submit({ _csrf: 'x' })
    expect([forged.status, (await stored(sub))?.status]).toEqual([403, 'CONFIRMED'])
    const mails = await mailOf(username, () => Promise.all(Array.from({ length: 20 }, () => page.submit({}))))
    expect(mails).toHaveLength(1)
    const { username: late } = await haveOwner()
    const [other] = await mailOf(late, () => signInAt(late))
    clock.pass(7 * 86_400 + 1)
    await closed(linkIn(other))
  })

  test('an address that is not proved hears nothing, and an operator tells people in their own way', async () => {
    const { username } = await haveOwner({ email_verified: 'false' })
    expect(await mailOf(username, () => signInAt(username))).toEqual([])
  })
})
