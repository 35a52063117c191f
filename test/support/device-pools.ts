import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import { haveAccount } from './accounts.ts'
import { appFrom } from './factor-pools.ts'
import type { movableClock } from './movable-clock.ts'
import type { TestServer } from './server.ts'
import type { VisitedPage } from './user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from './visitor.ts'
import type { VisitOptions, Visitor } from './visitor.ts'

/* User pools that remember browsers, each with an app client named after it. */

const pools = {
  /** Where the person asks for it. */
  asked: {
    MfaConfiguration: 'ON',
    WebAuthnConfiguration: { FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION' },
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
  },
  always: {
    MfaConfiguration: 'OPTIONAL',
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, RememberedDays: 7 },
  },
  /** Cognito's "user opt-in" without an effect on the second factor. */
  tracked: {
    MfaConfiguration: 'OPTIONAL',
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: false, DeviceOnlyRememberedOnUserPrompt: true },
  },
  never: { MfaConfiguration: 'OPTIONAL' },
}

export type DevicePool = keyof typeof pools

export const devicePoolId = (pool: DevicePool): string => `eu-west-1_${pool}`

export const devicePools = JSON.stringify({
  UserPools: Object.entries(pools).map(([name, settings], index) => ({
    Id: `eu-west-1_${name}`,
    PoolName: name,
    Default: index === 0,
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email'],
    SoftwareTokenMfaConfiguration: { Enabled: true },
    EmailMfaConfiguration: {},
    ...settings,
    Clients: [{ ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email'] }],
  })),
})

/** People whose second factor is an app, and their browsers. */
export function devicePeople(server: () => TestServer, clock: ReturnType<typeof movableClock>) {
  let people = 0
  const visit = (pool: DevicePool, options: VisitOptions = {}): Promise<Visitor> =>
    visitorAt(`${server().publicUrl}/${devicePoolId(pool)}`, pool, options)
  const accountPage = (visitor: Visitor, pool: DevicePool, page = ''): Promise<VisitedPage> =>
    visitor.visit(`${server().publicUrl}/${devicePoolId(pool)}/account${page}`)

  /** At the second step of a sign-in, or where the app has them already. */
  async function enterPassword(pool: DevicePool, username: string, browser?: Visitor, password = goodPassword) {
    if (browser !== undefined)
      await browser.visit(`${server().publicUrl}/${devicePoolId(pool)}/logout?client_id=${pool}`)
    const visitor = await visit(pool, browser === undefined ? {} : { browser })
    return { visitor, page: await visitor.login.submit({ username, password }) }
  }

  async function havePerson(pool: DevicePool) {
    const username = `person-${(people += 1)}@example.com`
    const { sub } = await haveAccount(server(), { username, password: goodPassword, userPoolId: devicePoolId(pool) })
    const first = await enterPassword(pool, username)
    // Where the pool insists on a second factor, the mailbox is one.
    if (whereItIs(first.page) !== 'the app') await first.page.submit({ code: await server().codeFor(username) })
    const setUp = await accountPage(first.visitor, pool, '/app')
    const app = appFrom(setUp)
    await setUp.submit({ code: app.codeAt(clock.now()) })
    clock.pass(31)
    const nextCode = (): string => {
      clock.pass(31)
      return app.codeAt(clock.now())
    }
    /** Signs in with both, in a new browser or in this one. */
    const signIn = async (options: { remember?: boolean; browser?: Visitor } = {}) => {
      const { visitor, page } = await enterPassword(pool, username, options.browser)
      const atApp = await page.submit({
        code: nextCode(),
        ...(options.remember === true ? { rememberDevice: '1' } : {}),
      })
      expect(whereItIs(atApp)).toBe('the app')
      return { visitor, page: atApp }
    }
    return { username, sub, nextCode, signIn }
  }

  /** The part of the tokens that says what was proved. */
  async function provedIn(visitor: Visitor, page: VisitedPage) {
    expect(whereItIs(page)).toBe('the app')
    const { body } = await visitor.tokensFrom(page)
    const { amr, acr } = decodeJwt(body.id_token ?? '')
    return { amr, acr }
  }

  return { visit, accountPage, enterPassword, havePerson, provedIn }
}
