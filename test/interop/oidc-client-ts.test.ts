import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { BrowserContext, Page } from 'playwright-core'
import type { User, UserManager, UserManagerSettings } from 'oidc-client-ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { startSinglePageApp } from '../support/single-page-app.ts'
import type { SinglePageApp } from '../support/single-page-app.ts'

/* oidc-client-ts as a single-page app uses it, in Chromium: everything but the login page happens by script. */

const poolId = 'eu-west-1_Interop02'
const password = 'Analytical-1843'

const configurationFor = (app: SinglePageApp): string =>
  JSON.stringify({
    UserPools: [
      {
        Id: poolId,
        PoolName: 'interop',
        Default: true,
        UsernameAttributes: ['email'],
        Clients: ['spa', 'rotating'].map((ClientId) => ({
          ClientId,
          CallbackURLs: [app.origin, app.otherSite].flatMap((origin) => [`${origin}/callback`, `${origin}/silent`]),
          LogoutURLs: [`${app.origin}/`, `${app.origin}/signed-out`],
          AllowedOAuthScopes: ['openid', 'email', 'profile'],
          ...(ClientId === 'rotating' ? { RefreshTokenRotation: { Feature: 'ENABLED' } } : {}),
        })),
        Users: [
          { Username: 'ada@example.com', Password: password, Attributes: { email_verified: true, given_name: 'Ada' } },
        ],
      },
    ],
  })

let chromium: TestBrowser
let app: SinglePageApp
beforeAll(async () => {
  chromium = await launchChromium()
  app = await startSinglePageApp()
})
afterAll(async () => {
  await chromium.close()
  await app.stop()
})

/** What the page's scripts see: the library is a global of the page, made there by its own bundle. */
declare const oidc: { UserManager: new (settings: UserManagerSettings) => UserManager }

describe.each(databaseKinds)('oidc-client-ts on %s', (database) => {
  let server: TestServer
  let context: BrowserContext | undefined
  beforeAll(async () => {
    server = await startServer({ database, configuration: configurationFor(app) })
  })
  afterEach(async () => {
    await context?.close()
    context = undefined
  })
  afterAll(() => server.stop())

  const settingsFor = (clientId: string, origin: string): UserManagerSettings => ({
    authority: `${server.publicUrl}/${poolId}`,
    client_id: clientId,
    redirect_uri: `${origin}/callback`,
    silent_redirect_uri: `${origin}/silent`,
    post_logout_redirect_uri: `${origin}/`,
    popup_post_logout_redirect_uri: `${origin}/signed-out`,
    scope: 'openid email profile',
    loadUserInfo: true,
    automaticSilentRenew: false,
    revokeTokenTypes: ['refresh_token'],
    includeIdTokenInSilentSignout: true,
  })

  /** A page of the app whose scripts find their settings in `window`. */
  async function openApp(
    clientId: string,
    origin = app.origin,
  ): Promise<{ page: Page; settings: UserManagerSettings }> {
    context ??= await chromium.newContext()
    const page = await context.newPage()
    await page.goto(`${origin}/`)
    return { page, settings: settingsFor(clientId, origin) }
  }

  const signIn = async (page: Page, settings: UserManagerSettings): Promise<User> => {
    const leaves = page.waitForURL((url) => url.origin !== new URL(settings.redirect_uri).origin)
    await page.evaluate((given) => void new oidc.UserManager(given).signinRedirect(), settings)
    await leaves
    await page.getByLabel('Email address', { exact: true }).fill('ada@example.com')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL((url) => url.pathname === '/callback')
    return page.evaluate((given) => new oidc.UserManager(given).signinRedirectCallback(), settings)
  }

  /** Silent sign-in: by the refresh token where there is one, else by a hidden frame with prompt=none. */
  const signInSilently = (page: Page, settings: UserManagerSettings): Promise<User | { error: string }> =>
    page.evaluate(
      (given) =>
        new oidc.UserManager(given)
          .signinSilent({ silentRequestTimeoutInSeconds: 10 })
          .then((user) => user ?? { error: 'no user' })
          .catch((error: unknown) => ({
            error: (error as { error?: string }).error ?? (error as Error).message,
          })),
      settings,
    )

  const forgetRefreshToken = (page: Page, settings: UserManagerSettings): Promise<void> =>
    page.evaluate(async (given) => {
      const manager = new oidc.UserManager(given)
      const user = await manager.getUser()
      if (user === null) throw new Error('nobody is signed in')
      delete user.refresh_token
      await manager.storeUser(user)
    }, settings)

  test('signs in by redirect, and knows who it is from the ID token and from userInfo', async () => {
    const { page, settings } = await openApp('spa')
    const user = await signIn(page, settings)
    expect(user.profile).toMatchObject({ aud: 'spa', email: 'ada@example.com', given_name: 'Ada', token_use: 'id' })
    expect(user.token_type).toBe('Bearer')
    expect(user.refresh_token).toMatch(/^[\w-]{43}$/)
    // userInfo's strings win over the ID token's values, as the library merges them.
    expect(user.profile['username']).toBe(user.profile.sub)
  })

  test('signs in in a window of its own, which tells the app and closes', async () => {
    const { page, settings } = await openApp('spa')
    const opened = page.waitForEvent('popup')
    const signedIn = page.evaluate(
      (given) => new oidc.UserManager({ ...given, popup_redirect_uri: given.redirect_uri }).signinPopup(),
      settings,
    )
    const popup = await opened
    // As long as somebody takes to type; meanwhile the app looks whether they have closed it.
    await popup.waitForTimeout(1500)
    await popup.getByLabel('Email address', { exact: true }).fill('ada@example.com')
    await popup.getByLabel('Password', { exact: true }).fill(password)
    await popup.getByRole('button', { name: 'Sign in', exact: true }).click()
    await popup.waitForURL((url) => url.pathname === '/callback')

    // The library would find another way to tell the app; those that know the window which opened them have no other.
    expect(await popup.evaluate('window.opener?.location.href')).toBe(`${app.origin}/`)
    const closed = popup.waitForEvent('close')
    await popup.evaluate((given) => void new oidc.UserManager(given).signinPopupCallback(), settings)
    await closed
    expect((await signedIn).profile).toMatchObject({ aud: 'spa', email: 'ada@example.com' })
    expect(page.url()).toBe(`${app.origin}/`)
  })

  test('signs in silently in a frame, with the session alone', async () => {
    const { page, settings } = await openApp('spa')
    const first = await signIn(page, settings)
    await forgetRefreshToken(page, settings)
    const second = (await signInSilently(page, settings)) as User
    expect(second.profile.sub).toBe(first.profile.sub)
    expect(second.profile['auth_time']).toBe(first.profile['auth_time'])
    expect(second.access_token).not.toBe(first.access_token)
  })

  test('without a session, the frame is told that a login is required', async () => {
    const { page, settings } = await openApp('spa')
    expect(await signInSilently(page, settings)).toEqual({ error: 'login_required' })
  })

  test('from another site the session is not seen: an answer in the frame, never a login page in it', async () => {
    const { page, settings } = await openApp('spa')
    await signIn(page, settings)
    const stranger = await openApp('spa', app.otherSite)
    expect(await signInSilently(stranger.page, stranger.settings)).toEqual({ error: 'login_required' })
  })

  test('a login page never shows in a frame', async () => {
    const { page, settings } = await openApp('spa')
    // The library takes its frame away in the end, so what became of the page is noted while it is there.
    const blocked: string[] = []
    page.on('requestfailed', (request) => {
      blocked.push(`${new URL(request.url()).pathname} ${request.failure()?.errorText}`)
    })
    const answer = await page.evaluate(
      (given) =>
        new oidc.UserManager(given)
          .signinSilent({ silentRequestTimeoutInSeconds: 2, extraQueryParams: { prompt: 'login' } })
          .then(() => 'signed in')
          .catch((error: unknown) => (error as Error).message),
      settings,
    )
    expect(answer).toMatch(/timed out/i)
    expect(blocked).toEqual(['/login net::ERR_BLOCKED_BY_RESPONSE'])
  })

  test.each(['spa', 'rotating'])('%s refreshes, again and again', async (clientId) => {
    const { page, settings } = await openApp(clientId)
    const first = await signIn(page, settings)
    const second = (await signInSilently(page, settings)) as User
    const third = (await signInSilently(page, settings)) as User
    expect(third.profile.sub).toBe(first.profile.sub)
    expect(new Set([first.access_token, second.access_token, third.access_token]).size).toBe(3)
    const tokens = new Set([first.refresh_token, second.refresh_token, third.refresh_token])
    expect(tokens.size).toBe(clientId === 'rotating' ? 3 : 1)
  })

  test('revokes its refresh token: neither that nor userInfo works any more', async () => {
    const { page, settings } = await openApp('spa')
    const user = await signIn(page, settings)
    const kept = await page.evaluate(async (given) => {
      const manager = new oidc.UserManager(given)
      await manager.revokeTokens()
      return (await manager.getUser())?.refresh_token ?? 'gone'
    }, settings)
    expect(kept).toBe('gone')
    const status = await page.evaluate(
      async ([url, token]) => (await fetch(url ?? '', { headers: { authorization: `Bearer ${token}` } })).status,
      [`${server.publicUrl}/oauth2/userInfo`, user.access_token],
    )
    expect(status).toBe(401)
    const refused = await page.evaluate(
      async ([given, refreshToken]) => {
        const manager = new oidc.UserManager(given)
        const stored = await manager.getUser()
        if (stored === null) return 'nobody'
        stored.refresh_token = String(refreshToken)
        await manager.storeUser(stored)
        return manager.signinSilent().then(
          () => 'refreshed',
          (error: unknown) => (error as { error?: string }).error,
        )
      },
      [settings, user.refresh_token] as const,
    )
    expect(refused).toBe('invalid_grant')
  })

  test('signs out by redirect: back at the app, and the session is gone', async () => {
    const { page, settings } = await openApp('spa')
    await signIn(page, settings)
    const leaves = page.waitForURL((url) => url.pathname === '/' && url.origin === app.origin)
    await page.evaluate((given) => void new oidc.UserManager(given).signoutRedirect({ state: 'bye' }), settings)
    await leaves
    const answer = await page.evaluate((given) => new oidc.UserManager(given).signoutRedirectCallback(), settings)
    expect(answer.error).toBeNull()
    expect(await signInSilently(page, settings)).toEqual({ error: 'login_required' })
  })

  test('signs out silently in a frame', async () => {
    const { page, settings } = await openApp('spa')
    await signIn(page, settings)
    const silently = { ...settings, post_logout_redirect_uri: `${app.origin}/signed-out` }
    await page.evaluate((given) => new oidc.UserManager(given).signoutSilent(), silently)
    expect(await signInSilently(page, settings)).toEqual({ error: 'login_required' })
  })
})
