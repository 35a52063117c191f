import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findUser } from '../../src/domain/users/administer-user.ts'
import { configurationOf } from '../conformance/pool.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { recipientsSince, settledMail } from '../support/settled-mail.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row A9: what the pages do not offer, asked for all the same. ZITADEL registered users by a direct POST to the route
 * that its page hid, twice. Every way that can be switched off is walked with forms of our own. Guards
 * src/domain/sign-up/sign-up.ts, src/hosted/reset-password/forgot-password.routes.ts, src/domain/recovery,
 * src/hosted/open-step.ts (sign-in methods), src/oidc/provider-configuration.ts and src/app/development.ts.
 */

const client = (ClientId: string, more: object = {}) => ({
  ...{ ClientId, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email'], ...more },
})
const byEmail = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
const adminOnly = { RecoveryMechanisms: [{ Name: 'admin_only', Priority: 1 }] }
const configuration = JSON.stringify({
  UserPools: [
    {
      ...{ Id: 'eu-west-1_open', PoolName: 'open', Default: true, ...byEmail },
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
      Clients: [
        client('open'),
        client('elsewhere', { SupportedIdentityProviders: ['Google'] }),
        client('implicit', { AllowedOAuthFlows: ['implicit'] }),
        client('off', { AllowedOAuthFlowsUserPoolClient: false }),
        client('machine', {
          ...{ AllowedOAuthFlows: ['client_credentials'], CallbackURLs: [], AllowedOAuthScopes: ['api/read'] },
          ClientSecret: 'a-secret-of-the-machine',
        }),
      ],
      ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }] }],
    },
    {
      ...{ Id: 'eu-west-1_closed', PoolName: 'closed', ...byEmail, Clients: [client('closed')] },
      ...{ AdminCreateUserConfig: { AllowAdminCreateUserOnly: true }, AccountRecoverySetting: adminOnly },
    },
  ],
})

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

const at = (pool: 'open' | 'closed', clientId: string = pool): Promise<Visitor> =>
  visitorAt(pool === 'open' ? server.publicUrl : `${server.publicUrl}/eu-west-1_closed`, clientId)
const users = async (pool: 'open' | 'closed'): Promise<number> =>
  (await server.services.domain.store.users.page({ userPoolId: `eu-west-1_${pool}`, limit: 100 })).length

/** A form that no page has shown, with all that a real one carries. */
const post = (visitor: Visitor, path: string, fields: Record<string, string>): Promise<VisitedPage> =>
  visitor.visit(`${visitor.base}${path}`, {
    method: 'POST',
    body: new URLSearchParams({
      _csrf: visitor.login.field('_csrf') ?? '',
      flow: visitor.login.field('flow') ?? '',
      ...fields,
    }),
  })

/** Changes a member of the pool's settings as the operator would, on the running server. */
async function setting(pool: 'open' | 'closed', change: Record<string, unknown>): Promise<void> {
  const { settings } = server.services.domain.store
  const record = (await settings.userPools()).find(({ id }) => id === `eu-west-1_${pool}`)!
  await settings.saveUserPool({ ...record, settings: { ...record.settings, ...change } }, new Date())
  await server.services.directory.refresh()
}

describe('a pool whose users only an operator makes', () => {
  const newcomer = { username: 'newcomer@example.com', password: goodPassword }

  test('takes no sign-up by any address of that form', async () => {
    const visitor = await at('closed')
    for (const path of ['/signup', '/signup/', '/SignUp', '/signup?prompt=create', '/signup?client_id=open']) {
      const page = await post(visitor, path, newcomer)
      expect([path, page.heading]).toEqual([path, 'Sign in'])
      expect(page.text).toContain('You can’t create an account here yourself.')
    }
    expect(await users('closed')).toBe(0)
  })

  test('nor by asking for that page, with a hint, a prompt or a link', async () => {
    const agent = createUserAgent(server.publicUrl)
    const base = `${server.publicUrl}/eu-west-1_closed`
    for (const parameters of [{ prompt: 'create' }, { screen_hint: 'signup' }, { prompt: 'create login' }]) {
      const { url } = authorizationRequest(base, { client_id: 'closed', redirect_uri: callback, ...parameters })
      for (const address of [url, url.replace('/oauth2/authorize', '/signup')]) {
        const page = await agent.visit(address)
        expect([address, page.html.includes('name="password"') && page.heading !== 'Sign in']).toEqual([address, false])
      }
    }
  })

  test('nor through another pool’s form that is open', async () => {
    const open = await at('open')
    const closed = await at('closed')
    const body = new URLSearchParams({
      ...{ _csrf: open.login.field('_csrf') ?? '', flow: open.login.field('flow') ?? '', ...newcomer },
    })
    for (const agent of [open, closed]) {
      const page = await agent.visit(`${closed.base}/signup`, { method: 'POST', body })
      expect(page.status).toBe(400)
    }
    expect(await users('closed')).toBe(0)
  })

  test('resets no password, and confirms nobody, by any of those forms', async () => {
    await haveAccount(server, { ...newcomer, userPoolId: 'eu-west-1_closed' })
    const known = await settledMail(server)
    const visitor = await at('closed')
    expect(visitor.login.html).not.toContain('forgotPassword')
    for (const path of ['/forgotPassword', '/forgotpassword/']) {
      expect((await post(visitor, path, newcomer)).status).toBe(404)
      expect((await visitor.visit(`${visitor.base}${path}${visitor.login.url.search}`)).status).toBe(404)
    }
    const fields = { ...newcomer, code: '123456', password: 'An-attacker-s-1' }
    for (const path of ['/resetPassword', '/confirmforgotPassword', '/changePassword', '/confirm', '/resendcode']) {
      expect([path, (await post(visitor, path, fields)).heading]).toEqual([path, 'Sign in'])
    }
    expect(await recipientsSince(server, known)).toEqual([])
    expect(whereItIs(await (await at('closed')).login.submit(newcomer))).toBe('the app')
  })
})

test('a reset that was begun before recovery was closed is over, though its code was sent', async () => {
  const account = { username: 'late@example.com', password: goodPassword }
  await haveAccount(server, { ...account, userPoolId: 'eu-west-1_open' })
  const { login } = await at('open')
  const known = await settledMail(server)
  const reset = await (await login.follow('Forgot your password?')).submit({ username: account.username })
  const code = await server.codeFor(account.username, known)
  await setting('open', { AccountRecoverySetting: adminOnly })
  try {
    expect((await reset.submit({ code, password: 'An-attacker-s-1' })).heading).toBe('Choose a new password')
  } finally {
    await setting('open', { AccountRecoverySetting: { RecoveryMechanisms: [{ Name: 'verified_email', Priority: 1 }] } })
  }
  expect(whereItIs(await (await at('open')).login.submit(account))).toBe('the app')
})

test('a sign-up form that was open before sign-up was closed makes nobody', async () => {
  const form = await (await at('open')).login.follow('Create an account')
  const before = await users('open')
  await setting('open', { AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } })
  try {
    const page = await form.submit({ username: 'open@example.com', password: goodPassword })
    expect(page.heading).toBe('Sign in')
  } finally {
    await setting('open', { AdminCreateUserConfig: { AllowAdminCreateUserOnly: false } })
  }
  expect(await users('open')).toBe(before)
})

describe('an app whose people sign in elsewhere', () => {
  const account = { username: 'inside@example.com', password: goodPassword }

  test('takes no password of this pool, on no page', async () => {
    await haveAccount(server, { ...account, userPoolId: 'eu-west-1_open' })
    const { login } = await at('open', 'elsewhere')
    expect([login.status, login.html.includes('name="password"')]).toEqual([400, false])
  })

  test('also when its sign-in had begun before the method was taken away', async () => {
    const { settings } = server.services.domain.store
    const record = (await settings.appClients('eu-west-1_open')).find(({ id }) => id === 'open')!
    const visitor = await at('open')
    const known = await settledMail(server)
    const signUp = await (await at('open')).login.follow('Create an account')
    await signUp.submit({ username: 'linked@example.com', password: goodPassword })
    const link = await linkFor(server, 'linked@example.com', known)
    const withProviders = (SupportedIdentityProviders: string[]) =>
      settings.saveAppClient({ ...record, settings: { ...record.settings, SupportedIdentityProviders } }, new Date())
    await withProviders(['Google'])
    await server.services.directory.refresh()
    try {
      for (const path of ['/login', '/signup', '/forgotPassword', '/resetPassword', '/confirm', '/resendcode']) {
        const page = await post(visitor, path, { ...account, code: '123456' })
        expect([path, page.status, page.html.includes('name="password"')]).toEqual([path, 400, false])
      }
      expect((await visitor.visit(link)).status).toBe(400)
    } finally {
      await withProviders(['COGNITO'])
      await server.services.directory.refresh()
    }
    const user = await findUser(server.services.domain, userPoolOf(server), 'linked@example.com')
    expect(user?.status).toBe('UNCONFIRMED')
  })
})

describe('a grant that a client may not use, or nobody', () => {
  const secret = { client_id: 'machine', client_secret: 'a-secret-of-the-machine' }
  const refused: [string, Record<string, string>][] = [
    [
      'a code, of a client of the implicit flow',
      { grant_type: 'authorization_code', client_id: 'implicit', code: 'x' },
    ],
    ['a refresh token, of one', { grant_type: 'refresh_token', client_id: 'implicit', refresh_token: 'x' }],
    ['a code, of a client whose flows are off', { grant_type: 'authorization_code', client_id: 'off', code: 'x' }],
    ['a code, of a machine', { grant_type: 'authorization_code', code: 'x', ...secret }],
    ['a refresh token, of a machine', { grant_type: 'refresh_token', refresh_token: 'x', ...secret }],
    ['credentials, of a public client', { grant_type: 'client_credentials', client_id: 'open' }],
    [
      'a password',
      { grant_type: 'password', client_id: 'open', username: 'inside@example.com', password: goodPassword },
    ],
    ...[
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:openid:params:grant-type:ciba',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:saml2-bearer',
      'implicit',
      'AUTHORIZATION_CODE',
      '__proto__',
      '',
    ].map((grant_type): [string, Record<string, string>] => [grant_type, { grant_type, ...secret }]),
  ]
  test.each(refused)('%s is refused', async (_what, form) => {
    const { status, body } = await requestTokens(server.publicUrl, form)
    expect(status).toBe(400)
    expect(body.error).toMatch(/^(unauthorized_client|unsupported_grant_type|invalid_request)$/)
    expect(body.access_token).toBeUndefined()
  })
})

describe('what is not there', () => {
  const engine = [
    ...['/auth', '/token', '/me', '/jwks', '/reg', '/reg/open', '/request', '/device', '/device/auth', '/backchannel'],
    ...['/session/end', '/session/end/confirm', '/token/introspection', '/token/revocation', '/interaction/x/login'],
    ...['/oauth2/engine/jwks', '/oauth2/introspect', '/oauth2/register', '/oauth2/par', '/oauth2/device'],
    ...['/console', '/metrics', '/admin', '/api'],
  ]
  test.each(engine)('%s is not there', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const response = await fetch(`${server.publicUrl}${path}`, { method, redirect: 'manual' })
      expect([method, response.status]).toEqual([method, 404])
    }
  })

  test('mailbox and demo are not there in production', async () => {
    const production = await startServer({
      configuration: configurationOf(),
      environment: { development: false, production: true },
    })
    try {
      for (const path of [
        '/dev',
        '/dev/mail',
        '/dev/mail/x',
        '/dev/mail/x/html',
        '/demo',
        '/demo/callback',
        '/DEV/mail',
      ]) {
        const response = await fetch(`${production.publicUrl}${path}`, { redirect: 'manual' })
        expect([path, response.status]).toEqual([path, 404])
      }
    } finally {
      await production.stop()
    }
  })
})
