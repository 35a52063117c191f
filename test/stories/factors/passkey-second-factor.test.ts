import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resetMfa } from '../../../src/domain/mfa/reset-mfa.ts'
import { haveAccount } from '../../support/accounts.ts'
import { appFrom } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { passkeyPoolId, passkeyPools } from '../../support/passkey-pools.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import { makePasskey, usePasskey } from '../../support/software-authenticator.ts'
import type { SoftPasskey } from '../../support/software-authenticator.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* A passkey after the password, in a user pool that asks for two factors. */

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({
      database,
      configuration: passkeyPools(),
      clock,
    })
  })
  afterAll(() => server.stop())

  const userPoolId = passkeyPoolId('both')
  const base = (): string => `${server.publicUrl}/${userPoolId}`
  let people = 0
  /** Somebody with an authenticator app and a passkey, at the page of their passkeys. */
  const haveBoth = async () => {
    const username = `person-${(people += 1)}@example.com`
    const { sub } = await haveAccount(server, { username, password: goodPassword, userPoolId })
    const browser = createUserAgent(server.publicUrl)
    const login = await browser.visit(`${base()}/account/passkeys`)
    const choice = await login.submit({ username, password: goodPassword })
    expect(choice.heading).toBe('Protect your account')
    const setUp = await choice.submit({ type: 'SOFTWARE_TOKEN_MFA' }, 'Authenticator app')
    const app = appFrom(setUp)
    const page = await setUp.submit({ code: app.codeAt(clock.now()) })
    clock.pass(30)
    const { passkey, credential } = makePasskey(page)
    const done = await page.submit({ credential }, 'Create a passkey')
    expect(done.text).toContain('Your passkey is ready.')
    return { username, sub, app, passkey, browser, page: done }
  }
  const withPassword = async (username: string) => {
    const visitor = await visitorAt(base(), 'both')
    return { visitor, page: await visitor.login.submit({ username, password: goodPassword }) }
  }
  const prove = (page: VisitedPage, passkey: SoftPasskey): Promise<VisitedPage> =>
    page.submit({ credential: usePasskey(page, passkey) }, 'Use a passkey')
  const removeApp = async (browser: ReturnType<typeof createUserAgent>): Promise<VisitedPage> => {
    const factors = await browser.visit(`${base()}/account/factors`)
    const id = /name="remove_app" value="([^"]+)"/.exec(factors.html)?.[1] ?? ''
    return factors.submit({ remove_app: id }, 'Remove')
  }

  test('it can be what is set up at the very first sign-in, and is asked for at the next', async () => {
    const username = `person-${(people += 1)}@example.com`
    const { sub } = await haveAccount(server, { username, password: goodPassword, userPoolId })
    const { visitor, page } = await withPassword(username)
    expect([page.heading, page.text]).toEqual(['Protect your account', expect.stringContaining('Create a passkey')])
    const { passkey, credential } = makePasskey(page)
    const atApp = await page.submit({ credential }, 'Create a passkey')
    expect(whereItIs(atApp)).toBe('the app')
    const { body } = await visitor.tokensFrom(atApp)
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({ sub, amr: ['pwd', 'swk', 'mfa'] })
    const again = await withPassword(username)
    expect(again.page.text).toContain('use your passkey')
    expect(whereItIs(await prove(again.page, passkey))).toBe('the app')
    expect((await settledMail(server)).filter(({ to }) => to === username).map(({ subject }) => subject)).toContain(
      'A new passkey for Latchkey',
    )
  })

  test('whoever chose the app can go back and make a passkey in its place', async () => {
    const username = `person-${(people += 1)}@example.com`
    await haveAccount(server, { username, password: goodPassword, userPoolId })
    const { page } = await withPassword(username)
    const app = await page.submit({ type: 'SOFTWARE_TOKEN_MFA' }, 'Authenticator app')
    const choice = await app.follow('another')
    expect(choice.heading).toBe('Protect your account')
    const refused = await choice.submit({ credential: '{}' }, 'Create a passkey')
    expect([refused.heading, refused.text]).toEqual([
      'Protect your account',
      expect.stringContaining('No passkey was made.'),
    ])
    const made = await refused.submit({ credential: makePasskey(refused).credential }, 'Create a passkey')
    expect(whereItIs(made)).toBe('the app')
  })

  test('it can be chosen in place of the app', async () => {
    const { username, passkey, sub } = await haveBoth()
    const { visitor, page } = await withPassword(username)
    const choice = await page.follow('another')
    const asked = await choice.submit({ type: 'WEB_AUTHN' })
    expect(asked.text).toContain('use your passkey')
    const atApp = await prove(asked, passkey)
    expect(whereItIs(atApp)).toBe('the app')
    const { body } = await visitor.tokensFrom(atApp)
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({ sub, amr: ['pwd', 'swk', 'mfa'] })
  })

  test('without the app it is what is asked for, and no other factor is set up in its place', async () => {
    const { username, passkey, browser } = await haveBoth()
    expect((await removeApp(browser)).text).toContain('Removed.')
    const { page } = await withPassword(username)
    expect(page.heading).toBe('One more step')
    const visitor = await visitorAt(base(), 'both')
    const waiting = await visitor.login.submit({ username, password: goodPassword })
    const setUp = await visitor.visit(waiting.url.href.replace('/mfa?', '/mfaSetup?'))
    expect([setUp.heading, setUp.text.includes('Set up')]).toEqual(['One more step', false])
    expect(whereItIs(await prove(page, passkey))).toBe('the app')
  })

  test('the last factor stays where the user pool insists on one', async () => {
    const { browser, passkey, sub } = await haveBoth()
    await removeApp(browser)
    const page = await browser.visit(`${base()}/account/passkeys`)
    const refused = await page.submit({ remove: passkey.id }, 'Remove')
    expect(refused.text).toContain('A second step is needed here.')
    expect(await server.services.domain.store.passkeys.ofUser(userPoolId, sub)).toHaveLength(1)
  })

  test('somebody else’s passkey, or an answer to the sign-in page, is refused', async () => {
    const [one, other] = [await haveBoth(), await haveBoth()]
    await removeApp(one.browser)
    const { page } = await withPassword(one.username)
    expect((await prove(page, other.passkey)).text).toContain('wasn’t accepted')
    const { login } = await visitorAt(base(), 'both')
    const credential = usePasskey(login, one.passkey)
    expect((await page.submit({ credential }, 'Use a passkey')).text).toContain('wasn’t accepted')
    expect(whereItIs(await prove(page, one.passkey))).toBe('the app')
  })

  test('a recovery code stands in for it, once', async () => {
    const { username, browser } = await haveBoth()
    await removeApp(browser)
    const codes = await (await browser.visit(`${base()}/account/recoveryCodes`)).submit({})
    const code = /\d{6}-\d{6}/.exec(codes.text)?.[0] ?? ''
    const { page } = await withPassword(username)
    expect((await page.submit({ code: '000000-000000' }, 'recovery code')).text).toContain('Invalid verification code')
    expect(whereItIs(await page.submit({ code }, 'recovery code'))).toBe('the app')
    const { page: again } = await withPassword(username)
    expect((await again.submit({ code }, 'recovery code')).text).toContain('Invalid verification code')
  })

  test('begun with, it is both factors in one', async () => {
    const { passkey } = await haveBoth()
    const { login } = await visitorAt(base(), 'both')
    const credential = usePasskey(login, passkey)
    expect(whereItIs(await login.submit({ credential }, 'Sign in with a passkey'))).toBe('the app')
  })

  test('an operator who takes the factors away takes it, too', async () => {
    const { username, sub, passkey } = await haveBoth()
    const user = await server.services.domain.store.users.findBySub(userPoolId, sub)
    if (user === undefined) throw new Error('gone')
    await resetMfa(server.services.domain, user)
    const { page } = await withPassword(username)
    expect(page.heading).toBe('Protect your account')
    const { login } = await visitorAt(base(), 'both')
    const credential = usePasskey(login, passkey)
    expect((await login.submit({ credential }, 'Sign in with a passkey')).text).toContain('isn’t known here')
  })
})
