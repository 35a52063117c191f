import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { findUser } from '../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { movableClock } from '../support/movable-clock.ts'
import { requestTokens } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row A10: authentik, Keycloak, ZITADEL, Pocket ID and Logto each had one path that forgot to ask whether the account
 * still counts. A matrix: everything that somebody may hold, begun before, against everything that may end it. What is in no
 * cell of `left` must not work; what is must, or the matrix would prove nothing. Guards mayReceiveTokens
 * (src/domain/tokens/redeem-code.ts), src/persistence/browser-session-repository.ts, src/oidc/adapter.ts (mayGoOn),
 * src/hosted/open-step.ts, src/domain/consents/check-consent.ts, src/persistence/settings-rows.ts and
 * src/domain/sign-in/complete-new-password.ts. (conformance/dead-subjects and sign-out-matrix have the token endpoints.)
 */

const client = (ClientId: string, more: object = {}) => ({
  ...{ ClientId, CallbackURLs: [callback], LogoutURLs: ['https://app.example/'] },
  ...{ AllowedOAuthScopes: ['openid', 'email'], ...more },
})
const configuration = JSON.stringify({
  UserPools: [
    {
      ...{ Id: 'eu-west-1_life', PoolName: 'life', Default: true },
      ...{ UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] },
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
      Clients: [
        client('app'),
        client('rotating', { RefreshTokenRotation: { Feature: 'ENABLED' } }),
        client('implicit', { AllowedOAuthFlows: ['implicit'] }),
        client('partner', { ThirdParty: true }),
        client('guest', { ThirdParty: true }),
      ],
    },
  ],
})

/** What somebody holds, in the order in which it is tried: the last one ends all others. */
const everything = [
  ...['code', 'refresh token', 'rotating refresh token', 'access token', 'session', 'implicit answer'],
  ...['partner’s code', 'partner’s refresh token', 'partner’s access token', 'partner’s session'],
  ...['open consent page', 'held-back sign-in', 'open sign-in page', 'open reset page'],
] as const
type Way = (typeof everything)[number]
const only = (...ways: Way[]): readonly Way[] => everything.filter((way) => ways.includes(way))
const without = (...ways: Way[]): readonly Way[] => everything.filter((way) => !ways.includes(way))

const newPassword = 'Trajectory-1962'

describe.each(databaseKinds)('on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration, database, clock })
  })
  afterAll(() => server.stop())

  interface Holder {
    email: string
    browser: Visitor
    tokens: TokenResponse['body']
    tries: Record<Way, () => Promise<boolean>>
    /** Of a forgotten password, as its mail has it. */
    resetCode: string
  }

  const at = (clientId: string, browser?: Visitor, parameters: Record<string, string> = {}): Promise<Visitor> =>
    visitorAt(server.publicUrl, clientId, { ...(browser === undefined ? {} : { browser }), parameters })
  const works = (response: { status: number }): boolean => response.status === 200
  const isApp = (page: VisitedPage): boolean => whereItIs(page) === 'the app'
  const refresh = (clientId: string, { refresh_token = '' }: TokenResponse['body']): Promise<TokenResponse> =>
    requestTokens(server.publicUrl, { grant_type: 'refresh_token', client_id: clientId, refresh_token })
  const userInfo = ({ access_token = '' }: TokenResponse['body']): Promise<Response> =>
    fetch(`${server.publicUrl}/oauth2/userInfo`, { headers: { authorization: `Bearer ${access_token}` } })
  const silently = (clientId: string, browser: Visitor): Promise<Visitor> => at(clientId, browser, { prompt: 'none' })

  /** Sends the sign-in form and does not follow its answer. */
  async function holdBack(visitor: Visitor, account: Record<string, string>): Promise<string> {
    const form = { _csrf: visitor.login.field('_csrf') ?? '', flow: visitor.login.field('flow') ?? '', ...account }
    const response = await visitor.request(`${visitor.base}/login`, { method: 'POST', body: new URLSearchParams(form) })
    return response.headers.get('location') ?? ''
  }

  async function prepare(email: string): Promise<Holder> {
    const account = { username: email, password: goodPassword }
    await haveAccount(server, account)
    const browser = await at('app')
    const { body: tokens } = await browser.tokensFrom(await browser.login.submit(account))
    const rotating = await at('rotating', browser)
    const { body: rotated } = await rotating.tokensFrom(rotating.login)
    const partner = await at('partner', browser)
    const { body: partners } = await partner.tokensFrom(await partner.login.submit({ answer: 'allow' }))
    const [code, partnersCode] = [await at('app', browser), await at('partner', browser)]
    const consent = await at('guest', browser)
    expect(consent.login.heading).toBe('Allow access to your account?')
    const [open, held, forgot] = [await at('app'), await at('app'), await at('app')]
    const location = await holdBack(held, account)
    const known = await settledMail(server)
    const reset = await (await forgot.login.follow('Forgot your password?')).submit({ username: email })
    const resetCode = await server.codeFor(email, known)
    const tries: Holder['tries'] = {
      code: async () => works(await code.tokensFrom(code.login)),
      'refresh token': async () => works(await refresh('app', tokens)),
      'rotating refresh token': async () => works(await refresh('rotating', rotated)),
      'access token': async () => works(await userInfo(tokens)),
      session: async () => isApp((await silently('app', browser)).login),
      'implicit answer': async () => {
        const { login } = await at('implicit', browser, { prompt: 'none', response_type: 'token' })
        return new URLSearchParams(login.url.hash.slice(1)).has('access_token')
      },
      'partner’s code': async () => works(await partnersCode.tokensFrom(partnersCode.login)),
      'partner’s refresh token': async () => works(await refresh('partner', partners)),
      'partner’s access token': async () => works(await userInfo(partners)),
      'partner’s session': async () => isApp((await silently('partner', browser)).login),
      'open consent page': async () => isApp(await consent.login.submit({ answer: 'allow' })),
      'held-back sign-in': async () => isApp(await held.visit(location)),
      'open sign-in page': async () => isApp(await open.login.submit(account)),
      'open reset page': async () => isApp(await reset.submit({ code: resetCode, password: newPassword })),
    }
    return { email, browser, tokens, tries, resetCode }
  }

  const command = async (name: string, input: object): Promise<void> => {
    const administration = { ...server.services, publicUrl: server.publicUrl, region: 'eu-west-1' }
    const answer = await runCommand(administration, name, input)
    if (!answer.ok) throw new Error(answer.message)
    await server.services.directory.refresh()
  }
  const logOut = async ({ browser, tokens }: Holder, parameters: Record<string, string>): Promise<void> => {
    const query = new URLSearchParams({ client_id: 'app', id_token_hint: tokens.id_token ?? '', ...parameters })
    await browser.visit(`/logout?${query.toString()}`)
  }
  const resetElsewhere = async ({ email, resetCode }: Holder): Promise<void> => {
    const { login } = await at('app')
    const page = await (await login.follow('Forgot your password?')).submit({ username: email })
    expect(isApp(await page.submit({ code: resetCode, password: newPassword }))).toBe(true)
  }
  const withdraw = ({ email }: Holder) => command('user.revokeConsent', { username: email, clientId: 'partner' })
  const revoke = async ({ tokens }: Holder): Promise<void> => {
    const body = new URLSearchParams({ client_id: 'app', token: tokens.refresh_token ?? '' })
    expect((await fetch(`${server.publicUrl}/oauth2/revoke`, { method: 'POST', body })).status).toBe(200)
  }

  const byProofAnew = only('open sign-in page', 'open reset page')
  const inThisBrowser = ['session', 'implicit answer', 'partner’s session', 'open consent page'] as const
  const partnersOwn = [
    'partner’s code',
    'partner’s refresh token',
    'partner’s access token',
    'partner’s session',
  ] as const
  const matrix: [string, (holder: Holder) => Promise<unknown>, readonly Way[]][] = [
    ['nothing', () => Promise.resolve(), everything],
    ['disabled', ({ email }) => command('user.disable', { username: email }), []],
    [
      'disabled and enabled again',
      async ({ email }) => {
        await command('user.disable', { username: email })
        await command('user.enable', { username: email })
      },
      byProofAnew,
    ],
    ['deleted', ({ email }) => command('user.delete', { username: email }), []],
    ['signed out by the operator', ({ email }) => command('user.signOut', { username: email }), byProofAnew],
    ['signed out with the whole pool', () => command('pool.signOut', {}), byProofAnew],
    ['signed out here', (holder) => logOut(holder, {}), without(...inThisBrowser)],
    ['signed out everywhere', (holder) => logOut(holder, { global_sign_out: 'true' }), byProofAnew],
    ['their password reset', resetElsewhere, []],
    [
      'given a password by the operator',
      ({ email }) =>
        command('user.setPassword', { username: email, password: { value: newPassword }, permanent: true }),
      only('open reset page'),
    ],
    [
      'given a temporary password',
      ({ email }) => command('user.setPassword', { username: email, password: { value: newPassword } }),
      only('open reset page'),
    ],
    ['their consent withdrawn', withdraw, without(...partnersOwn)],
    ['their family of tokens revoked', revoke, without('refresh token', 'access token')],
  ]

  test.each(matrix)('%s', async (fate, befall, left) => {
    const holder = await prepare(`${fate.replaceAll(' ', '-')}@example.com`)
    await befall(holder)
    const alive: Way[] = []
    for (const way of everything) if (await holder.tries[way]()) alive.push(way)
    expect(alive).toEqual(left)
  })

  test('the app client deleted: what it was given, and nothing else', async () => {
    const holder = await prepare('client-deleted@example.com')
    const { settings } = server.services.domain.store
    const record = (await settings.appClients('eu-west-1_life')).find(({ id }) => id === 'app')!
    await command('client.delete', { clientId: 'app' })
    const lost = ['code', 'refresh token', 'access token', 'session'] as const
    const pages = ['held-back sign-in', 'open sign-in page', 'open reset page'] as const
    try {
      const alive: Way[] = []
      for (const way of everything) if (await holder.tries[way]()) alive.push(way)
      expect(alive).toEqual(without(...lost, ...pages))
    } finally {
      await settings.saveAppClient(record, new Date())
      await server.services.directory.refresh()
    }
    // One of the same name is another one: only whoever is signed in still is.
    const again: Way[] = []
    for (const way of [...lost, ...pages]) if (await holder.tries[way]()) again.push(way)
    expect(again).toEqual(['session'])
  })

  describe('a page that asks for a new password', () => {
    const fates: [string, (email: string) => Promise<unknown>][] = [
      ['disabled', (username) => command('user.disable', { username })],
      ['deleted', (username) => command('user.delete', { username })],
      ['signed out', (username) => command('user.signOut', { username })],
      ['signed out with the pool', () => command('pool.signOut', {})],
      [
        'given another temporary password',
        (username) => command('user.setPassword', { username, password: { value: 'Different-1815' } }),
      ],
      ['not in time', () => Promise.resolve(clock.pass(7 * 86_400))],
    ]
    test.each(fates)('sets none for somebody who is %s', async (fate, befall) => {
      const username = `new-${fate.replaceAll(' ', '-')}@example.com`
      await haveAccount(server, { username, password: goodPassword, temporary: true })
      const { login } = await at('app')
      const page = await login.submit({ username, password: goodPassword })
      expect(page.heading).toBe('Choose your own password')
      // Sign-outs and attempts are compared to the millisecond.
      clock.pass(0.001)
      await befall(username)
      const answer = await page.submit({ password: newPassword })
      expect([answer.status, isApp(answer)]).toEqual([400, false])
      const user = await findUser(server.services.domain, userPoolOf(server), username)
      expect(user?.status ?? 'FORCE_CHANGE_PASSWORD').toBe('FORCE_CHANGE_PASSWORD')
    })
  })

  describe('a link that confirms', () => {
    test.each(['disabled', 'deleted'])('confirms nobody who is %s, nor does signing up once more', async (fate) => {
      const username = `link-${fate}@example.com`
      const known = await settledMail(server)
      const visitor = await at('app')
      const form = await visitor.login.follow('Create an account')
      const waiting = await form.submit({ username, password: goodPassword })
      const page = await visitor.visit(await linkFor(server, username, known))
      await command(fate === 'disabled' ? 'user.disable' : 'user.delete', { username })
      expect(isApp(await page.submit({}))).toBe(false)
      expect(isApp(await waiting.submit({}))).toBe(false)
      const user = await findUser(server.services.domain, userPoolOf(server), username)
      expect(user?.status).toBe(fate === 'disabled' ? 'UNCONFIRMED' : undefined)
      if (fate === 'deleted') return
      // In the very flow that had made it.
      await form.submit({ username: username.toUpperCase(), password: newPassword })
      const after = await findUser(server.services.domain, userPoolOf(server), username)
      expect(after).toMatchObject({ sub: user?.sub, enabled: false, passwordHash: user?.passwordHash })
      expect(isApp(await (await at('app')).login.submit({ username, password: newPassword }))).toBe(false)
    })
  })
})
