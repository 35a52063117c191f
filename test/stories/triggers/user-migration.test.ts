import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { Reaction, TriggerReceiver } from '../../support/trigger-receiver.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* People who have an account elsewhere: it comes over with their first sign-in, or when they have forgotten their password. */

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const incorrect = 'Incorrect username or password.'

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  let receiver: TriggerReceiver
  let old: Awaited<ReturnType<typeof startOldPool>>
  beforeAll(async () => {
    ;[receiver, old] = await Promise.all([startTriggerReceiver(), startOldPool()])
    const local = { AllowPrivateAddresses: true, TimeoutSeconds: 3, Retries: 0 }
    const webhook = { ...local, Webhook: receiver.url, Secret: secret }
    const cognito = { ...local, CognitoUserPool: 'eu-west-1_Old00000A', ClientId: 'oldclient', Endpoint: old.url }
    const pool = (name: string, UserMigration: object, more: object = {}) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      Triggers: { UserMigration },
      Schema: [{ Name: 'tier', AttributeDataType: 'String' }],
      Clients: [{ ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email', 'profile'] }],
      ...more,
    })
    const configuration = JSON.stringify({
      UserPools: [
        pool('hook', webhook),
        pool('names', webhook, { UsernameAttributes: [], AliasAttributes: ['email'] }),
        pool('cognito', { ...cognito, ClientSecret: 'old-client-secret' }),
        pool('admin', { ...cognito, AccessKeyId: 'AKIDEXAMPLE', SecretAccessKey: 'a-secret-access-key' }),
      ],
    })
    server = await startServer({ database, configuration })
  })
  afterAll(async () => {
    await server.stop()
    await Promise.all([receiver.stop(), old.stop()])
  })
  beforeEach(() => {
    receiver.react({})
    receiver.sources()
  })

  let people = 0
  const newAddress = (): string => `mover-${(people += 1)}@example.com`
  const visit = (pool: string) => visitorAt(`${server.publicUrl}/eu-west-1_${pool}`, pool)
  const signIn = async (pool: string, username: string, password = goodPassword) => {
    const visitor = await visit(pool)
    return { visitor, page: await visitor.login.submit({ username, password }) }
  }
  const stored = (pool: string, name: string) =>
    server.services.domain.store.users.findByIdentifier(`eu-west-1_${pool}`, name)
  const problem = async (pool: string) => {
    const { triggerInvocations } = server.services.domain.store
    return (await triggerInvocations.page({ userPoolId: `eu-west-1_${pool}`, limit: 1 }))[0]?.problem
  }
  /** Whoever has the right password there. */
  const migrating =
    (attributes: Record<string, string>, more: object = { finalUserStatus: 'CONFIRMED' }): Reaction =>
    (event) => {
      const isRight = event.request['password'] === goodPassword || event.triggerSource.endsWith('ForgotPassword')
      if (isRight) Object.assign(event.response, { userAttributes: attributes, ...more })
      return event
    }

  test('the password is tried there once, and is one’s own here from then on', async () => {
    const email = newAddress()
    receiver.react({ '*': migrating({ email, email_verified: 'true', given_name: 'Ada', 'custom:tier': 'gold' }) })
    const wrong = await signIn('hook', email, 'Wrong-Password-1')
    expect([wrong.page.text.includes(incorrect), await stored('hook', email)]).toEqual([true, undefined])
    const { visitor, page } = await signIn('hook', email)
    expect(whereItIs(page)).toBe('the app')
    const { body } = await visitor.tokensFrom(page)
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({
      email,
      email_verified: true,
      given_name: 'Ada',
      amr: ['pwd'],
    })
    expect(await stored('hook', email)).toMatchObject({ status: 'CONFIRMED', attributes: { 'custom:tier': 'gold' } })
    expect(receiver.sources()).toEqual(['UserMigration_Authentication', 'UserMigration_Authentication'])
    expect(receiver.received.at(-1)?.event).toMatchObject({
      userName: email,
      request: { password: goodPassword, validationData: null },
      response: { userAttributes: null, finalUserStatus: null, messageAction: null },
    })
    expect(whereItIs((await signIn('hook', email)).page)).toBe('the app')
    expect(receiver.sources()).toEqual([])
    // What is on record does not tell it.
    const [invocation] = await server.services.domain.store.triggerInvocations.page({
      userPoolId: 'eu-west-1_hook',
      limit: 1,
    })
    expect(invocation?.event).not.toContain(goodPassword)
  })

  test('two windows at once bring one account over', async () => {
    const email = newAddress()
    receiver.react({ '*': migrating({ email, email_verified: 'true' }) })
    const pages = await Promise.all([1, 2, 3, 4].map(() => signIn('hook', email)))
    expect(pages.map(({ page }) => whereItIs(page))).toEqual(['the app', 'the app', 'the app', 'the app'])
  })

  test('whoever comes without their password is asked for a new one', async () => {
    const email = newAddress()
    receiver.react({ '*': migrating({ email, email_verified: 'true' }, { finalUserStatus: 'RESET_REQUIRED' }) })
    const { page } = await signIn('hook', email)
    expect(page.heading).toBe('Forgot your password?')
    expect(await stored('hook', email)).toMatchObject({ status: 'RESET_REQUIRED' })
    const reset = await page.submit({ username: email })
    const done = await reset.submit({ code: await server.codeFor(email), password: 'Babbage-Engine-2' })
    expect(whereItIs(done)).toBe('the app')
  })

  test('a forgotten password brings the account over, and a code goes to its proved address', async () => {
    const email = newAddress()
    receiver.react({ '*': migrating({ email, email_verified: 'true' }) })
    const { login } = await visit('hook')
    const reset = await (await login.follow('Forgot your password?')).submit({ username: email })
    expect(receiver.received.at(-1)?.event).toMatchObject({
      triggerSource: 'UserMigration_ForgotPassword',
      request: { password: '' },
    })
    const done = await reset.submit({ code: await server.codeFor(email), password: 'Babbage-Engine-2' })
    expect(whereItIs(done)).toBe('the app')
  })

  describe('a stranger has begun a sign-up with the address', () => {
    const strangers = 'Strangers-Password-1'
    const occupy = async (email: string) => {
      const { login } = await visit('hook')
      const page = await (await login.follow('Create an account')).submit({ username: email, password: strangers })
      expect(whereItIs(page)).not.toBe('the app')
      const holder = await stored('hook', email)
      expect(holder).toMatchObject({ status: 'UNCONFIRMED' })
      receiver.sources()
      return { page, holder, code: await server.codeFor(email) }
    }

    test('the owner comes over with their password all the same, and the stranger’s sign-up is gone', async () => {
      const email = newAddress()
      receiver.react({ '*': migrating({ email, email_verified: 'true', given_name: 'Ada' }) })
      const { page, holder, code } = await occupy(email)
      // Wrong there: to whoever began it all is as before.
      expect((await signIn('hook', email, 'Wrong-Password-1')).page.text).toContain(incorrect)
      expect((await signIn('hook', email, strangers)).page.url.pathname).toContain('/confirm')
      expect(await stored('hook', email)).toEqual(holder)

      expect(whereItIs((await signIn('hook', email)).page)).toBe('the app')
      const owner = await stored('hook', email)
      expect(owner).toMatchObject({ status: 'CONFIRMED', attributes: { given_name: 'Ada' } })
      expect(owner?.sub).not.toBe(holder?.sub)
      expect((await signIn('hook', email, strangers)).page.text).toContain(incorrect)
      expect(whereItIs(await page.submit({ code }))).not.toBe('the app')
      expect(await stored('hook', email)).toEqual(owner)
    })

    test('a forgotten password brings the owner over as well', async () => {
      const email = newAddress()
      receiver.react({ '*': migrating({ email, email_verified: 'true', given_name: 'Ada' }) })
      await occupy(email)
      const { login } = await visit('hook')
      const reset = await (await login.follow('Forgot your password?')).submit({ username: email })
      expect(receiver.sources()).toEqual(['UserMigration_ForgotPassword'])
      const code = await server.codeFor(email)
      expect(whereItIs(await reset.submit({ code, password: 'Babbage-Engine-2' }))).toBe('the app')
      expect(await stored('hook', email)).toMatchObject({ status: 'CONFIRMED', attributes: { given_name: 'Ada' } })
    })

    test('one that is disabled, or somebody’s by now, stays', async () => {
      const { store } = server.services.domain
      const email = newAddress()
      const { holder } = await occupy(email)
      await store.users.update('eu-west-1_hook', holder?.sub ?? '', { enabled: false }, new Date())
      receiver.react({ '*': migrating({ email, email_verified: 'true' }) })
      expect((await signIn('hook', email)).page.text).toContain(incorrect)
      expect(receiver.sources()).toEqual([])

      await store.users.update('eu-west-1_hook', holder?.sub ?? '', { enabled: true }, new Date())
      receiver.react({
        '*': async (event, response) => {
          await store.users.update('eu-west-1_hook', holder?.sub ?? '', { status: 'CONFIRMED' }, new Date())
          return migrating({ email, email_verified: 'true' })(event, response)
        },
      })
      expect((await signIn('hook', email)).page.text).toContain(incorrect)
      expect(await stored('hook', email)).toMatchObject({ sub: holder?.sub, status: 'CONFIRMED' })
    })

    test('a user who cannot come leaves it as it was', async () => {
      const [email, others] = [newAddress(), newAddress()]
      receiver.react({ '*': migrating({ email: others, email_verified: 'true' }) })
      await signIn('names', 'first-mover')
      expect(await stored('names', others)).toMatchObject({ username: 'first-mover' })
      const { login } = await visit('names')
      const form = { username: 'second-mover', email, password: strangers }
      await (await login.follow('Create an account')).submit(form)
      const holder = await stored('names', 'second-mover')
      expect(holder).toMatchObject({ status: 'UNCONFIRMED' })
      receiver.react({ '*': migrating({ username: 'second-mover', email: others, email_verified: 'true' }) })
      expect((await signIn('names', 'second-mover')).page.text).toContain(incorrect)
      expect(await stored('names', 'second-mover')).toEqual(holder)
    })
  })

  test('by a user name, or by an address that is somebody’s there', async () => {
    const email = newAddress()
    receiver.react({ '*': migrating({ username: 'Ada.Lovelace', email, email_verified: 'true' }) })
    expect(whereItIs((await signIn('names', email)).page)).toBe('the app')
    expect(await stored('names', 'ada.lovelace')).toMatchObject({ username: 'Ada.Lovelace' })
    receiver.react({})
    expect(whereItIs((await signIn('names', 'Ada.Lovelace')).page)).toBe('the app')
  })

  const wrongs: [string, Reaction, string][] = [
    [
      'throws',
      () => {
        throw new Error('No such person in our directory')
      },
      'No such person',
    ],
    [
      'answers somebody else',
      migrating({ email: 'other@example.com', email_verified: 'true' }),
      'those of another user',
    ],
    ['tells what this pool has no place for', migrating({ 'custom:unknown': 'x' }), 'custom:unknown'],
    ['answers garbage', (event) => ({ ...event, response: { userAttributes: 'all of them' } }), 'userAttributes'],
    [
      'is not well',
      (_event, response) => {
        response.statusCode = 500
        response.end()
        return 'answered'
      },
      'answered 500',
    ],
  ]
  test.each(wrongs)(
    'a trigger that %s is as if there were nobody; the record tells why',
    async (_name, reaction, why) => {
      const email = newAddress()
      receiver.react({ '*': reaction })
      const { page } = await signIn('hook', email)
      expect([page.text.includes(incorrect), page.text.includes(why), await stored('hook', email)]).toEqual([
        true,
        false,
        undefined,
      ])
      if (!/those|custom/.test(why)) expect(await problem('hook')).toContain(why)
    },
  )

  test('passwords of there are guessed no faster than ours', async () => {
    const email = newAddress()
    receiver.react({ '*': migrating({ email }) })
    for (let guess = 0; guess < 12; guess += 1) await signIn('hook', email, `Wrong-Password-${guess}`)
    expect(receiver.sources().length).toBeLessThanOrEqual(6)
  })

  describe('from a user pool of Cognito, ready-made', () => {
    test('with the password, by the client’s secret, and the profile', async () => {
      old.add('ada@old.example', { given_name: 'Ada', 'custom:legacy': 'dropped', sub: 'there' })
      expect((await signIn('cognito', 'ada@old.example', 'Wrong-Password-1')).page.text).toContain(incorrect)
      expect(whereItIs((await signIn('cognito', 'ada@old.example')).page)).toBe('the app')
      const user = await stored('cognito', 'ada@old.example')
      expect(user).toMatchObject({ attributes: { given_name: 'Ada', email_verified: 'true' }, status: 'CONFIRMED' })
      expect([user?.sub === 'there', user?.attributes['custom:legacy']]).toEqual([false, undefined])
      const [initiate] = old.calls.filter(({ target }) => target.endsWith('InitiateAuth'))
      const hash = createHmac('sha256', 'old-client-secret').update('ada@old.exampleoldclient').digest('base64')
      expect(initiate?.input).toMatchObject({ AuthParameters: { SECRET_HASH: hash } })
    })

    test('somebody who is not there is nobody', async () => {
      expect((await signIn('cognito', 'nobody@old.example')).page.text).toContain(incorrect)
      expect(await problem('cognito')).toBeUndefined()
    })

    test('a second factor there, or a forgotten password, needs the operator’s credentials', async () => {
      old.add('mfa@old.example', { given_name: 'Grace' }, 'SOFTWARE_TOKEN_MFA')
      expect((await signIn('cognito', 'mfa@old.example')).page.text).toContain(incorrect)
      expect(whereItIs((await signIn('admin', 'mfa@old.example')).page)).toBe('the app')
      old.add('forgot@old.example', {})
      const { login } = await visit('admin')
      const reset = await (await login.follow('Forgot your password?')).submit({ username: 'forgot@old.example' })
      const code = await server.codeFor('forgot@old.example')
      expect(whereItIs(await reset.submit({ code, password: 'Babbage-Engine-2' }))).toBe('the app')
      const signed = old.calls.filter(({ target }) => target.endsWith('AdminGetUser'))
      expect(
        signed.every(({ authorization }) =>
          /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/cognito-idp\//.test(authorization),
        ),
      ).toBe(true)
    })

    test('a temporary password there is none here', async () => {
      old.add('temporary@old.example', {}, 'NEW_PASSWORD_REQUIRED')
      const { page } = await signIn('admin', 'temporary@old.example')
      expect([whereItIs(page), await stored('admin', 'temporary@old.example')]).toMatchObject([
        'Forgot your password?',
        { status: 'RESET_REQUIRED' },
      ])
    })

    test('one that does not allow it, or has too much to do, is told of in the record', async () => {
      for (const type of ['InvalidParameterException', 'TooManyRequestsException']) {
        old.failWith(type)
        expect((await signIn('cognito', newAddress())).page.text).toContain(incorrect)
        expect(await problem('cognito')).toContain(type)
      }
      old.failWith(undefined)
    })
  })
})

/** A stand-in for Amazon's endpoint, as far as the trigger asks it. */
async function startOldPool() {
  const users = new Map<string, { attributes: Record<string, string>; challenge: string | undefined }>()
  const calls: { target: string; input: Record<string, unknown>; authorization: string }[] = []
  let failing: string | undefined
  const answerTo = (target: string, input: Record<string, unknown>): object => {
    const parameters = input['AuthParameters'] as Record<string, string> | undefined
    const name = String(parameters?.['USERNAME'] ?? input['Username'] ?? input['AccessToken'])
    const user = users.get(name)
    if (failing !== undefined) return { __type: failing }
    if (user === undefined)
      return { __type: 'com.amazonaws.cognito#UserNotFoundException', message: 'User does not exist.' }
    const { attributes, challenge } = user
    const UserAttributes = Object.entries(attributes).map(([Name, Value]) => ({ Name, Value }))
    if (!target.endsWith('InitiateAuth')) return { Username: name, UserAttributes }
    if (parameters?.['PASSWORD'] !== goodPassword) return { __type: 'NotAuthorizedException' }
    return challenge === undefined
      ? { AuthenticationResult: { AccessToken: name }, ChallengeParameters: {} }
      : { ChallengeName: challenge, Session: 's', ChallengeParameters: {} }
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const target = String(request.headers['x-amz-target'])
      const input = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      calls.push({ target, input, authorization: String(request.headers.authorization) })
      const answer = answerTo(target, input)
      response.writeHead('__type' in answer ? 400 : 200).end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    calls,
    add: (email: string, attributes: Record<string, string>, challenge?: string) =>
      void users.set(email, { attributes: { email, email_verified: 'true', ...attributes }, challenge }),
    failWith: (type: string | undefined) => {
      failing = type
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
