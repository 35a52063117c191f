import { decodeJwt } from 'jose'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { requestTokens } from '../../support/relying-party.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { TriggerReceiver } from '../../support/trigger-receiver.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/* Every trigger as a webhook: fired where Cognito fires it, with Cognito's event, and its answer counts. */

const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_bmV3LXNlY3JldC1mb3ItdGhlLW5leHQtdGltZSE=']

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  let receiver: TriggerReceiver
  beforeAll(async () => {
    receiver = await startTriggerReceiver()
    const hook = { Webhook: receiver.url, Secrets: secrets, AllowPrivateAddresses: true, TimeoutSeconds: 3, Retries: 0 }
    const pool = (name: string, PreTokenGeneration: object) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      MfaConfiguration: 'OPTIONAL',
      EmailMfaConfiguration: {},
      Triggers: {
        ...{ PreSignUp: hook, PostConfirmation: hook, PreAuthentication: hook, PostAuthentication: hook },
        PreTokenGeneration,
      },
      ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read', ScopeDescription: 'Read' }] }],
      Groups: [{ GroupName: 'staff', Precedence: 1, RoleArn: 'arn:aws:iam::123456789012:role/staff' }],
      Clients: [
        { ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email', 'api/read'] },
        {
          ClientId: `${name}-legacy`,
          CallbackURLs: [callback],
          PreventUserExistenceErrors: 'LEGACY',
        },
        {
          ClientId: `${name}-machine`,
          ClientSecret: 'a-secret-of-the-machine',
          AllowedOAuthFlows: ['client_credentials'],
          AllowedOAuthScopes: ['api/read'],
        },
      ],
    })
    const configuration = JSON.stringify({
      UserPools: [pool('first', hook), pool('third', { ...hook, LambdaVersion: 'V3_0' })],
    })
    server = await startServer({ database, configuration })
  })
  afterAll(async () => {
    await server.stop()
    await receiver.stop()
  })
  beforeEach(() => {
    receiver.react({})
    receiver.sources()
  })

  let people = 0
  const newAddress = (): string => `person-${(people += 1)}@example.com`
  const base = (pool: string): string => `${server.publicUrl}/eu-west-1_${pool}`
  const visit = (pool = 'first', parameters: Record<string, string> = {}): Promise<Visitor> =>
    visitorAt(base(pool), pool, { parameters })
  const atSignUp = async (pool = 'first') => {
    const visitor = await visit(pool)
    return { visitor, form: await visitor.login.follow('Create an account') }
  }
  const haveUser = async (pool = 'first') => {
    const username = newAddress()
    const user = await haveAccount(server, { username, password: goodPassword, userPoolId: `eu-west-1_${pool}` })
    return { username, sub: user.sub }
  }
  const claimsOf = async (visitor: Visitor, page: Awaited<ReturnType<Visitor['visit']>>) => {
    const { body } = await visitor.tokensFrom(page)
    return {
      id: decodeJwt(body.id_token ?? ''),
      access: decodeJwt(body.access_token ?? ''),
      refreshToken: String(body.refresh_token),
      scope: body.scope,
    }
  }
  const invocations = (pool = 'first') =>
    server.services.domain.store.triggerInvocations.page({ userPoolId: `eu-west-1_${pool}`, limit: 50 })

  test('a sign-up, its confirmation and the sign-in that follows fire in Cognito’s order', async () => {
    const visitor = await visit('first', { lang: 'en' })
    const form = await visitor.login.follow('Create an account')
    const username = newAddress()
    const confirm = await form.submit({ username, password: goodPassword })
    expect(receiver.sources()).toEqual(['PreSignUp_SignUp'])
    const atApp = await confirm.submit({ code: await server.codeFor(username) })
    expect(whereItIs(atApp)).toBe('the app')
    expect(receiver.sources()).toEqual(['PostConfirmation_ConfirmSignUp', 'PostAuthentication_Authentication'])
    const { id, refreshToken } = await claimsOf(visitor, atApp)
    expect(receiver.sources()).toEqual(['TokenGeneration_HostedAuth'])
    const refresh = { grant_type: 'refresh_token', client_id: 'first', refresh_token: refreshToken }
    expect((await requestTokens(base('first'), refresh)).status).toBe(200)
    expect(receiver.sources()).toEqual(['TokenGeneration_RefreshTokens'])

    const [signUp, confirmation] = receiver.received.slice(-5)
    expect(signUp?.event).toMatchObject({
      version: '1',
      region: 'eu-west-1',
      userPoolId: 'eu-west-1_first',
      userName: id.sub,
      callerContext: { clientId: 'first', sourceIp: '127.0.0.1', languages: ['en'] },
      request: { userAttributes: { email: username }, validationData: null },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    })
    expect(signUp?.event.request.userAttributes).not.toHaveProperty('sub')
    expect(confirmation?.event).toMatchObject({
      userName: id.sub,
      request: {
        userAttributes: { sub: id.sub, email: username, email_verified: 'true', 'cognito:user_status': 'CONFIRMED' },
      },
      response: {},
    })
  })

  test('it is signed with each secret, as Standard Webhooks says', async () => {
    const { username } = await haveUser()
    await (await visit()).login.submit({ username, password: goodPassword })
    const [last] = receiver.received.slice(-1)
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(last?.body ?? '', last?.headers as Record<string, string>)).toEqual(last?.event)
    }
    const other = new Webhook('whsec_b3RoZXItc2VjcmV0LW9mLXNvbWVib2R5LWVsc2Uh')
    expect(() => other.verify(last?.body ?? '', last?.headers as Record<string, string>)).toThrow()
  })

  test('a sign-up is turned away in the words of the trigger, and what was typed stays', async () => {
    receiver.react({
      PreSignUp_SignUp: () => {
        throw new Error('Only invited people <b>may</b> join.')
      },
    })
    const { form } = await atSignUp()
    const username = newAddress()
    const refused = await form.submit({ username, password: goodPassword })
    expect(refused.text).toContain('Only invited people <b>may</b> join.')
    expect([refused.heading, refused.field('username')]).toEqual([form.heading, username])
    expect(await server.services.domain.store.users.findByIdentifier('eu-west-1_first', username)).toBeUndefined()
    receiver.react({})
    expect((await refused.submit({ username, password: goodPassword })).heading).toBe('Check your messages')
  })

  test('whoever a trigger confirms goes straight on, with a proved address', async () => {
    receiver.react({
      PreSignUp_SignUp: (event) => {
        Object.assign(event.response, { autoConfirmUser: true, autoVerifyEmail: true })
      },
    })
    const { visitor, form } = await atSignUp()
    const username = newAddress()
    const seen = await server.mail()
    const atApp = await form.submit({ username, password: goodPassword })
    expect(whereItIs(atApp)).toBe('the app')
    const { id } = await claimsOf(visitor, atApp)
    expect(id).toMatchObject({ email: username, email_verified: true, amr: ['pwd'] })
    expect(receiver.sources()).toEqual([
      'PreSignUp_SignUp',
      'PostConfirmation_ConfirmSignUp',
      'PostAuthentication_Authentication',
      'TokenGeneration_HostedAuth',
    ])
    expect((await server.mail()).filter(({ to }) => to === username)).toEqual(seen.filter(({ to }) => to === username))
    expect(whereItIs(await (await visit()).login.submit({ username, password: goodPassword }))).toBe('the app')
  })

  test('a sign-in is turned away before the password is looked at, and afterwards', async () => {
    const { username, sub } = await haveUser()
    receiver.react({
      PreAuthentication_Authentication: () => {
        throw new Error('We are closed today.')
      },
    })
    const { login } = await visit()
    const refused = await login.submit({ username, password: 'Wrong-Password-1' })
    expect([refused.heading, refused.text]).toEqual(['Sign in', expect.stringContaining('We are closed today.')])
    expect(refused.field('username')).toBe(username)
    expect(receiver.sources()).toEqual(['PreAuthentication_Authentication'])
    receiver.react({
      PostAuthentication_Authentication: () => {
        throw new Error('Not from here.')
      },
    })
    const after = await refused.submit({ username, password: goodPassword })
    expect(after.text).toContain('Not from here.')
    // Nobody is signed in by it.
    expect(await server.services.domain.store.browserSessions.ofUser('eu-west-1_first', sub, new Date())).toEqual([])
    receiver.react({})
    expect(whereItIs(await after.submit({ username, password: goodPassword }))).toBe('the app')
  })

  test('of nobody it is told as well, so that the page tells nobody who is there', async () => {
    const username = 'nobody@example.com'
    const page = await (await visit()).login.submit({ username, password: goodPassword })
    expect(page.text).toContain('Incorrect username or password.')
    const [last] = receiver.received.slice(-1)
    expect(last?.event).toMatchObject({ userName: username, request: { userAttributes: {}, userNotFound: true } })
  })

  test('where the client tells who is there anyway, of users alone', async () => {
    const visitor = await visitorAt(base('first'), 'first-legacy')
    const page = await visitor.login.submit({ username: 'nobody@example.com', password: goodPassword })
    expect(page.text).toContain('User does not exist.')
    expect(receiver.sources()).toEqual([])
  })

  test('a factor more for an app is no new sign-in', async () => {
    const { username } = await haveUser()
    const visitor = await visit()
    expect(whereItIs(await visitor.login.submit({ username, password: goodPassword }))).toBe('the app')
    receiver.sources()
    const more = await visitorAt(base('first'), 'first', {
      browser: visitor,
      parameters: { acr_values: 'urn:cognito:loa:3' },
    })
    expect(whereItIs(await more.login.submit({ code: await server.codeFor(username) }))).toBe('the app')
    expect(receiver.sources()).toEqual([])
  })

  test('a new password by mail is told of; that it is told to nobody changes nothing', async () => {
    const { username } = await haveUser()
    receiver.react({
      PostConfirmation_ConfirmForgotPassword: () => {
        throw new Error('Our list could not be kept.')
      },
    })
    const { login } = await visit()
    const reset = await (await login.follow('Forgot your password?')).submit({ username })
    const code = await server.codeFor(username)
    const page = await reset.submit({ code, password: 'Babbage-Engine-2' })
    expect([page.heading, page.text]).toEqual(['Sign in', expect.stringContaining('Our list could not be kept.')])
    receiver.react({})
    expect(whereItIs(await page.submit({ username, password: 'Babbage-Engine-2' }))).toBe('the app')
  })

  test('claims of the ID token, and groups of both, in the first form', async () => {
    const { username, sub } = await haveUser()
    await server.services.domain.store.groups.addUser('eu-west-1_first', ['staff'], sub, new Date())
    receiver.react({
      TokenGeneration_HostedAuth: (event) => {
        event.response = {
          claimsOverrideDetails: {
            claimsToAddOrOverride: {
              tenant: 't-9',
              email: 'other@example.com',
              sub: 'somebody',
              'cognito:groups': 'x',
            },
            claimsToSuppress: ['email_verified', 'exp'],
            groupOverrideDetails: { groupsToOverride: ['admins'], iamRolesToOverride: [], preferredRole: null },
          },
        }
      },
    })
    const visitor = await visit()
    const { id, access } = await claimsOf(visitor, await visitor.login.submit({ username, password: goodPassword }))
    expect(id).toMatchObject({ sub, tenant: 't-9', email: 'other@example.com', 'cognito:groups': ['admins'] })
    expect(id).not.toHaveProperty('email_verified')
    expect(id).not.toHaveProperty('cognito:roles')
    expect(id.exp).toBeGreaterThan(0)
    expect(access).toMatchObject({ sub, 'cognito:groups': ['admins'] })
    expect(access).not.toHaveProperty('tenant')
    const [last] = receiver.received.slice(-1)
    expect(last?.event).toMatchObject({
      version: '1',
      request: {
        groupConfiguration: {
          groupsToOverride: ['staff'],
          iamRolesToOverride: ['arn:aws:iam::123456789012:role/staff'],
          preferredRole: 'arn:aws:iam::123456789012:role/staff',
        },
      },
      response: { claimsOverrideDetails: null },
    })
    expect(last?.event.request).not.toHaveProperty('scopes')
  })

  test('claims of whatever kind and scopes of the access token, in the third form; for machines too', async () => {
    const { username } = await haveUser('third')
    const reaction = (event: { response: Record<string, unknown> }): void => {
      event.response = {
        claimsAndScopeOverrideDetails: {
          idTokenGeneration: { claimsToAddOrOverride: { roles: ['a', 'b'], level: 3 } },
          accessTokenGeneration: {
            claimsToAddOrOverride: { tenant: { id: 't-9' }, aud: 'third' },
            scopesToAdd: ['api/tenant.t-9', 'not one'],
            scopesToSuppress: ['email'],
          },
        },
      }
    }
    receiver.react({ '*': reaction })
    const visitor = await visit('third', { scope: 'openid email' })
    const { id, access, scope } = await claimsOf(
      visitor,
      await visitor.login.submit({ username, password: goodPassword }),
    )
    expect(id).toMatchObject({ roles: ['a', 'b'], level: 3, email: username })
    expect(access).toMatchObject({ tenant: { id: 't-9' }, aud: 'third', scope: 'openid api/tenant.t-9' })
    expect(scope).toBe('openid api/tenant.t-9')
    const [last] = receiver.received.slice(-1)
    expect(last?.event).toMatchObject({ version: '3', request: { scopes: ['openid', 'email'] } })

    const machine = await requestTokens(base('third'), {
      ...{ grant_type: 'client_credentials', client_id: 'third-machine', client_secret: 'a-secret-of-the-machine' },
      aws_client_metadata: JSON.stringify({ environment: 'test' }),
    })
    const token = decodeJwt(machine.body.access_token ?? '')
    expect(token).toMatchObject({ tenant: { id: 't-9' }, scope: 'api/read api/tenant.t-9', sub: 'third-machine' })
    const [asked] = receiver.received.slice(-1)
    expect(asked?.event).toMatchObject({
      triggerSource: 'TokenGeneration_ClientCredentials',
      userName: 'ClientCredentials',
      request: {
        ...{ userAttributes: {}, groupConfiguration: null, scopes: ['api/read'] },
        clientMetadata: { environment: 'test' },
      },
    })
    // Only the third form has it.
    receiver.sources()
    const first = { client_id: 'first-machine', client_secret: 'a-secret-of-the-machine' }
    expect((await requestTokens(base('first'), { grant_type: 'client_credentials', ...first })).status).toBe(200)
    expect(receiver.sources()).toEqual([])
  })

  test('tokens that a trigger denies are not given; the code is good again once it has changed its mind', async () => {
    const { username } = await haveUser()
    const visitor = await visit()
    const atApp = await visitor.login.submit({ username, password: goodPassword })
    receiver.react({
      TokenGeneration_HostedAuth: () => {
        throw new Error('No "tokens" today')
      },
    })
    const denied = await visitor.tokensFrom(atApp)
    expect([denied.status, denied.body]).toEqual([
      400,
      expect.objectContaining({
        error: 'invalid_grant',
        error_description: 'PreTokenGeneration failed with error No ?tokens? today.',
      }),
    ])
    receiver.react({})
    expect((await visitor.tokensFrom(atApp)).status).toBe(200)
  })

  test('one that is away denies nothing: apps are told to come back', async () => {
    const { username } = await haveUser()
    const visitor = await visit()
    const { refreshToken } = await claimsOf(visitor, await visitor.login.submit({ username, password: goodPassword }))
    receiver.react({
      TokenGeneration_RefreshTokens: (_event, response) => {
        response.statusCode = 500
        response.end('<h1>oops</h1>')
        return 'answered'
      },
    })
    const refresh = { grant_type: 'refresh_token', client_id: 'first', refresh_token: refreshToken }
    const away = await requestTokens(base('first'), refresh)
    expect([away.status, away.body.error]).toEqual([503, 'temporarily_unavailable'])
    receiver.react({})
    expect((await requestTokens(base('first'), refresh)).status).toBe(200)
  })

  test('each time is on record, without what people have typed', async () => {
    const { form } = await atSignUp()
    const username = newAddress()
    receiver.react({
      PreSignUp_SignUp: () => {
        throw new Error('Not on the list')
      },
    })
    await form.submit({ username, password: goodPassword })
    const [last] = await invocations()
    expect(last).toMatchObject({
      ...{ trigger: 'PreSignUp', source: 'PreSignUp_SignUp', outcome: 'Denied', attempts: 1, clientId: 'first' },
      problem: 'PreSignUp failed with error Not on the list.',
    })
    expect(last?.durationMs).toBeGreaterThanOrEqual(0)
    expect(last?.event).not.toContain(username)
    expect(JSON.parse(last?.event ?? '')).toMatchObject({ request: { userAttributes: { email: '***' } } })
  })
})
