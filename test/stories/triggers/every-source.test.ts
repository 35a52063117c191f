import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUserOnRequest } from '../../../src/domain/users/operator-triggers.ts'
import { userPoolOf } from '../../support/accounts.ts'
import { requestTokens } from '../../support/relying-party.ts'
import { startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { byHttp, byModule } from '../../support/trigger-transports.ts'
import type { Transport } from '../../support/trigger-transports.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* Each source that is not of a message (every-message.test.ts) nor of a provider (federation/triggers.test.ts), in both transports. */

const names = [
  ...[
    'PreSignUp',
    'PostConfirmation',
    'PreAuthentication',
    'PostAuthentication',
    'PreTokenGeneration',
    'UserMigration',
  ],
  ...['DefineAuthChallenge', 'CreateAuthChallenge', 'VerifyAuthChallengeResponse'],
]

describe.each([
  ['by HTTP', byHttp],
  ['by a module', byModule],
])('%s', (_how, transport) => {
  let functions: Transport
  let server: TestServer
  beforeAll(async () => {
    functions = await transport()
    const clients = [
      { ClientId: 'every', CallbackURLs: [callback], AllowedOAuthScopes: ['openid'] },
      {
        ClientId: 'machine',
        ClientSecret: 'a-secret-of-the-machine',
        AllowedOAuthFlows: ['client_credentials'],
        AllowedOAuthScopes: ['api/read'],
      },
    ]
    server = await startServer({
      configuration: JSON.stringify({
        UserPools: [
          {
            Id: 'eu-west-1_every',
            PoolName: 'every',
            UsernameAttributes: ['email'],
            AutoVerifiedAttributes: ['email'],
            ResourceServers: [
              { Identifier: 'api', Name: 'api', Scopes: [{ ScopeName: 'read', ScopeDescription: 'r' }] },
            ],
            Triggers: Object.fromEntries(
              names.map((name) => [
                name,
                { ...functions.hook, ...(name === 'PreTokenGeneration' ? { LambdaVersion: 'V3_0' } : {}) },
              ]),
            ),
            Clients: clients,
          },
        ],
      }),
    })
  })
  afterAll(async () => {
    await server.stop()
    await functions.stop()
  })

  const base = () => `${server.publicUrl}/eu-west-1_every`
  let seen = 0
  /** What was asked since this was asked last. */
  const sources = async () => {
    const events = await functions.events()
    const since = events.slice(seen).map(({ triggerSource }) => triggerSource)
    seen = events.length
    return since
  }

  test('a sign-up, its tokens, and their refresh', async () => {
    const visitor = await visitorAt(base(), 'every')
    const form = await visitor.login.follow('Create an account')
    const confirming = await form.submit({ username: 'ada@example.com', password: goodPassword })
    expect(await sources()).toEqual(['PreSignUp_SignUp'])
    const page = await confirming.submit({ code: await server.codeFor('ada@example.com') })
    expect(await sources()).toEqual(['PostConfirmation_ConfirmSignUp', 'PostAuthentication_Authentication'])
    const { refresh_token: token = '' } = (await visitor.tokensFrom(page)).body
    expect(await sources()).toEqual(['TokenGeneration_HostedAuth'])
    await requestTokens(base(), { grant_type: 'refresh_token', client_id: 'every', refresh_token: token })
    expect(await sources()).toEqual(['TokenGeneration_RefreshTokens'])
  })

  test('a sign-in with a password', async () => {
    const { login } = await visitorAt(base(), 'every')
    expect(whereItIs(await login.submit({ username: 'ada@example.com', password: goodPassword }))).toBe('the app')
    expect(await sources()).toEqual(['PreAuthentication_Authentication', 'PostAuthentication_Authentication'])
  })

  test('a password that was forgotten', async () => {
    const { login } = await visitorAt(base(), 'every')
    const form = await login.follow('Forgot your password?')
    const before = await server.codeFor('ada@example.com')
    const page = await form.submit({ username: 'ada@example.com' })
    await expect.poll(() => server.codeFor('ada@example.com'), { timeout: 10_000 }).not.toBe(before)
    const code = await server.codeFor('ada@example.com')
    expect(whereItIs(await page.submit({ code, password: 'Differential-1822' }))).toBe('the app')
    expect(await sources()).toEqual(['PostConfirmation_ConfirmForgotPassword', 'PostAuthentication_Authentication'])
  })

  test('somebody whom nobody here has: at a sign-in, and at a forgotten password', async () => {
    const { login } = await visitorAt(base(), 'every')
    await login.submit({ username: 'nobody@example.com', password: goodPassword })
    expect((await sources()).filter((source) => source.startsWith('UserMigration'))).toEqual([
      'UserMigration_Authentication',
    ])
    const forgot = await visitorAt(base(), 'every')
    await (await forgot.login.follow('Forgot your password?')).submit({ username: 'nobody-else@example.com' })
    expect(await sources()).toEqual(['UserMigration_ForgotPassword'])
  })

  test('questions of one’s own, in place of a password', async () => {
    const { login } = await visitorAt(base(), 'every')
    const question = await login.submit({ username: 'ada@example.com' }, 'Continue without a password')
    expect(question.text).toContain('What is the answer?')
    expect(await sources()).toEqual([
      ...[
        'PreAuthentication_Authentication',
        'DefineAuthChallenge_Authentication',
        'CreateAuthChallenge_Authentication',
      ],
    ])
    const again = await question.submit({ answer: '41' })
    expect(whereItIs(await again.submit({ answer: '42' }))).toBe('the app')
    expect(await sources()).toEqual([
      ...['VerifyAuthChallengeResponse_Authentication', 'DefineAuthChallenge_Authentication'],
      ...['CreateAuthChallenge_Authentication', 'VerifyAuthChallengeResponse_Authentication'],
      ...['DefineAuthChallenge_Authentication', 'PostAuthentication_Authentication'],
    ])
  })

  test('an operator’s new user, and an app that signs in as itself', async () => {
    await createUserOnRequest(server.services.domain, {
      userPool: userPoolOf(server, 'eu-west-1_every'),
      username: 'made@example.com',
      attributes: {},
      password: 'Temporary-1852',
      permanent: false,
      invite: false,
    })
    expect(await sources()).toEqual(['PreSignUp_AdminCreateUser'])
    const machine = { client_id: 'machine', client_secret: 'a-secret-of-the-machine', scope: 'api/read' }
    expect(await requestTokens(base(), { grant_type: 'client_credentials', ...machine })).toMatchObject({ status: 200 })
    expect(await sources()).toEqual(['TokenGeneration_ClientCredentials'])
  })
})
