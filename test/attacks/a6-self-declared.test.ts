import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateUserAttributes } from '../../src/domain/attribute-changes/update-user-attributes.ts'
import { findUser } from '../../src/domain/users/administer-user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { movableClock } from '../support/movable-clock.ts'
import { decode } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row A6: what nobody may say of oneself. ZITADEL's self-service took `email.isVerified=true` twice; Cognito's
 * writable attributes let people make themselves `custom:admin`. Every form of a person is sent with everything that a
 * careless one would take. Guards src/hosted/sign-up/sign-up-fields.ts, src/domain/users/validate-attributes.ts
 * (isSelfWritable), src/domain/app-clients/attribute-access.ts and src/domain/sign-in/complete-new-password.ts.
 */

const flags = ['email_verified', 'phone_number_verified', 'sub', 'updated_at', 'identities', 'custom:admin', 'dev:role']
const rights = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role', 'groups', 'Groups', 'role', 'roles']
const internals = [
  ...['status', 'UserStatus', 'enabled', 'Enabled', 'UserAttributes', 'passwordHash', 'password_hash', 'signedOutAt'],
  ...['userSub', 'user_sub', 'userPoolId', 'user_pool_id', 'client_metadata', 'authenticated', 'pending', 'attempt'],
  ...['chosen', 'missingAttributes', 'missing_attributes', 'consent', 'amr', 'acr', 'scope', 'state', 'request'],
]
const spellings = ['email_verified', 'custom:admin', 'admin', 'sub'].flatMap((name) => [
  ...[`attributes[${name}]`, `attributes.${name}`, `userAttributes.${name}`, `UserAttributes.member.1.Name=${name}`],
  ...[` ${name}`, `${name} `, `${name}[]`, name.toUpperCase(), `custom:${name}`, `__proto__[${name}]`],
])
const hostile: Readonly<Record<string, string>> = Object.fromEntries(
  [...flags, ...rights, ...internals, ...spellings, 'constructor', 'hasOwnProperty'].map((name) => [name, 'true']),
)
/** Not by a literal, which would set the prototype. */
const hostileFields = (fields: Record<string, string>): Record<string, string> =>
  Object.fromEntries([...Object.entries({ ...hostile, ...fields }), ['__proto__', 'true']])

const pools: Readonly<Record<'codes' | 'links' | 'lax' | 'invited', { Client?: object; [member: string]: unknown }>> = {
  codes: {
    Schema: [{ Name: 'admin' }, { Name: 'given_name', Required: true }],
    Groups: [{ GroupName: 'admins' }, { GroupName: 'true' }],
  },
  links: { VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' }, Schema: [{ Name: 'admin' }] },
  // An operator's mistake: a flag among what the app may write is still no field of the page.
  lax: {
    Schema: [{ Name: 'admin' }],
    Client: { WriteAttributes: ['email', 'email_verified', 'custom:admin', 'given_name'] },
  },
  // Only what is required may be added with the first password of one's own.
  invited: { Schema: [{ Name: 'admin' }, { Name: 'given_name', Required: true }, { Name: 'email', Required: true }] },
}
const configuration = JSON.stringify({
  UserPools: Object.entries(pools).map(([name, { Client, ...settings }]) => ({
    Id: `eu-west-1_${name}`,
    PoolName: name,
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email'],
    ...settings,
    Clients: [
      {
        ClientId: name,
        CallbackURLs: [callback],
        AllowedOAuthScopes: ['openid', 'email', 'profile'],
        // So that whatever was stored would be seen.
        ReadAttributes: [
          'email',
          'email_verified',
          'given_name',
          'custom:admin',
          'updated_at',
          'phone_number_verified',
        ],
        ...Client,
      },
    ],
  })),
})

const clock = movableClock({ stopped: true })
let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration, clock })
})
afterAll(() => server.stop())

type Pool = keyof typeof pools
const at = (pool: Pool): Promise<Visitor> => visitorAt(`${server.publicUrl}/eu-west-1_${pool}`, pool)
const userPool = (pool: Pool) => userPoolOf(server, `eu-west-1_${pool}`)
const found = (pool: Pool, name: string) => findUser(server.services.domain, userPool(pool), name)

/** What is stored and what the app is told of somebody, beside what every token has. */
async function expectOnly(pool: Pool, visitor: Visitor, app: VisitedPage, attributes: Record<string, string>) {
  expect(whereItIs(app)).toBe('the app')
  const { body } = await visitor.tokensFrom(app)
  const claims = decode(body.id_token)
  const user = await found(pool, attributes['email'] ?? '')
  expect(user?.attributes).toEqual(attributes)
  expect(user).toMatchObject({ status: 'CONFIRMED', enabled: true, sub: claims['sub'], username: user?.sub })
  expect(user?.sub).toMatch(/^[\da-f]{8}-/)
  expect(await server.services.domain.store.groups.ofUser(`eu-west-1_${pool}`, user?.sub ?? '')).toEqual([])
  const own = [
    'aud',
    'iss',
    'sub',
    'nonce',
    'acr',
    'at_hash',
    'exp',
    'iat',
    'jti',
    'origin_jti',
    'event_id',
    'token_use',
  ]
  const more = Object.keys(claims).filter((name) => ![...own, 'auth_time', 'amr', 'cognito:username'].includes(name))
  expect(more.toSorted()).toEqual(Object.keys(attributes).toSorted())
  const access = decode(body.access_token)
  expect(Object.keys(access).filter((name) => /cognito:|groups|role|admin/.test(name))).toEqual([])
  expect(access).toMatchObject({ amr: ['pwd'], scope: 'openid email profile' })
}

const verified = { email_verified: 'true' }

test('there is enough to try', () => {
  expect(Object.keys(hostileFields({})).length).toBeGreaterThan(80)
  expect(Object.keys(hostileFields({}))).toContain('__proto__')
})

describe('whoever signs up', () => {
  test('is what the page asks for and no more, and is verified by the code alone', async () => {
    const email = 'ana@example.com'
    const visitor = await at('codes')
    const form = await visitor.login.follow('Create an account')
    const fields = { username: email, password: goodPassword, given_name: 'Ana' }
    const confirm = await form.submit(hostileFields(fields))
    expect(confirm.heading).toBe('Check your messages')
    expect(await found('codes', email)).toMatchObject({
      status: 'UNCONFIRMED',
      attributes: { email, given_name: 'Ana' },
    })
    // Neither do the fields confirm, nor does another code by their help.
    const wrong = await confirm.submit(hostileFields({ code: '' }))
    expect(wrong.heading).toBe('Check your messages')
    clock.pass(31)
    const known = await settledMail(server)
    const resent = await wrong.submit(hostileFields({}), 'Send a new code')
    const code = await server.codeFor(email, known)
    const app = await resent.submit(hostileFields({ code }))
    await expectOnly('codes', visitor, app, { email, given_name: 'Ana', ...verified })
  })

  test('gains nothing by what the app may write, nor by a link', async () => {
    const email = 'bob@example.com'
    const lax = await at('lax')
    const form = await lax.login.follow('Create an account')
    const confirm = await form.submit(hostileFields({ username: email, password: goodPassword }))
    const app = await confirm.submit(hostileFields({ code: await server.codeFor(email) }))
    await expectOnly('lax', lax, app, { email, ...verified })

    const visitor = await at('links')
    const signUp = await visitor.login.follow('Create an account')
    const known = await settledMail(server)
    await signUp.submit(hostileFields({ username: email, password: goodPassword }))
    const link = await linkFor(server, email, known)
    const confirmed = await (await visitor.visit(link)).submit(hostileFields({}))
    await expectOnly('links', visitor, confirmed, { email, ...verified })
  })

  test('by a link elsewhere, nor with a password of one’s own', async () => {
    const email = 'cleo@example.com'
    const visitor = await at('links')
    const known = await settledMail(server)
    const signUp = await visitor.login.follow('Create an account')
    await signUp.submit({ username: email, password: goodPassword })
    const link = await linkFor(server, email, known)
    const elsewhere = await at('links')
    const choosing = await (await elsewhere.visit(link)).follow('Choose a new password')
    const done = await choosing.submit(hostileFields({ password: 'Trajectory-1962' }))
    expect(done.heading).toBe('Your account is confirmed')
    const app = await elsewhere.login.submit({ username: email, password: 'Trajectory-1962' })
    await expectOnly('links', elsewhere, app, { email, ...verified })
  })
})

test('whoever signs in, with whatever beside name and password, is who they are', async () => {
  const email = 'dora@example.com'
  const attributes = { given_name: 'Dora' }
  await haveAccount(server, {
    username: email,
    password: goodPassword,
    userPoolId: 'eu-west-1_codes',
    attributes: { ...attributes, email_verified: 'false' },
  })
  const visitor = await at('codes')
  const app = await visitor.login.submit(hostileFields({ username: email, password: goodPassword }))
  await expectOnly('codes', visitor, app, { email, ...attributes, email_verified: 'false' })
})

test('whoever was invited adds what is missing, and changes nothing that is there', async () => {
  const username = 'eve@example.com'
  await haveAccount(server, {
    ...{ username, password: goodPassword, userPoolId: 'eu-west-1_invited', temporary: true },
    attributes: { email_verified: 'false', 'custom:admin': 'no' },
  })
  const visitor = await at('invited')
  const form = await visitor.login.submit({ username, password: goodPassword })
  expect(form.heading).toBe('Choose your own password')
  const fields = { password: 'Trajectory-1962', given_name: 'Eve', email: 'victim@example.com', name: 'Queen' }
  const app = await form.submit(hostileFields(fields))
  const kept = { email: username, email_verified: 'false', 'custom:admin': 'no', given_name: 'Eve' }
  await expectOnly('invited', visitor, app, kept)
})

test('whoever resets a password resets a password', async () => {
  const email = 'fay@example.com'
  const account = { username: email, password: goodPassword, userPoolId: 'eu-west-1_codes' }
  await haveAccount(server, { ...account, attributes: { given_name: 'Fay' } })
  const visitor = await at('codes')
  const known = await settledMail(server)
  const forgot = await visitor.login.follow('Forgot your password?')
  const reset = await forgot.submit(hostileFields({ username: email }))
  const fields = { code: await server.codeFor(email, known), password: 'Trajectory-1962' }
  const app = await reset.submit(hostileFields({ ...fields, email: 'victim@example.com', given_name: 'Queen' }))
  await expectOnly('codes', visitor, app, { email, given_name: 'Fay', ...verified })
})

test('the same fields in the address, or in another kind of body, say nothing either', async () => {
  const username = 'gus@example.com'
  const visitor = await at('codes')
  const form = await visitor.login.follow('Create an account')
  const fields = {
    _csrf: form.field('_csrf') ?? '',
    flow: form.field('flow') ?? '',
    ...{ username, password: goodPassword, given_name: 'Gus' },
  }
  const query = new URLSearchParams(hostileFields({ client_id: 'codes' })).toString()
  for (const body of [JSON.stringify({ ...hostile, ...fields }), new URLSearchParams({ username, ...hostile })]) {
    const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
    const refused = await visitor.visit(`${visitor.base}/signup?${query}`, { method: 'POST', body, headers: type })
    expect([400, 403]).toContain(refused.status)
  }
  expect(await found('codes', username)).toBeUndefined()
  const body = new URLSearchParams(fields)
  await visitor.visit(`${visitor.base}/signup?${query}`, { method: 'POST', body })
  expect(await found('codes', username)).toMatchObject({
    status: 'UNCONFIRMED',
    attributes: { email: username, given_name: 'Gus' },
  })
})

test('whoever changes their details cannot, not even through an app that may write all of it', async () => {
  const { domain, directory } = server.services
  const username = 'changing@example.com'
  const { sub } = await haveAccount(server, {
    username,
    password: goodPassword,
    userPoolId: 'eu-west-1_codes',
    attributes: { given_name: 'Ada' },
  })
  const snapshot = await directory.get('eu-west-1_codes')
  const appClient = { ...snapshot!.appClients.get('codes')!, writeAttributes: [...flags, 'given_name'] }
  const request = { userPool: userPool('codes'), userSub: sub, appClient, authTime: clock.now(), languages: [] }
  for (const name of flags.filter((flag) => flag !== 'custom:admin')) {
    const outcome = await updateUserAttributes(domain, { ...request, attributes: { [name]: 'true' } })
    expect(outcome).toEqual({ kind: 'refused', reason: 'notWritable', names: [name] })
  }
  expect((await found('codes', username))?.attributes).toEqual({ email: username, given_name: 'Ada', ...verified })
})
