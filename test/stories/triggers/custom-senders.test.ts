import { buildDecrypt } from '@aws-crypto/decrypt-node'
import { RawRsaKeyringNode } from '@aws-crypto/raw-rsa-keyring-node'
import { constants, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { triggersSchema } from '../../../src/domain/user-pools/trigger-settings.ts'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { TriggerReceiver } from '../../support/trigger-receiver.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* Messages that a pool's own function sends: it gets the code encrypted, and opens it with the AWS Encryption SDK. */

const pair = (bits: number) =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
const { publicKey, privateKey } = pair(2048)

/** As a receiver does it. */
async function opened(sealed: unknown, privateHalf = privateKey) {
  const keyring = new RawRsaKeyringNode({
    keyNamespace: 'latchkey',
    keyName: 'custom-sender',
    rsaKey: { privateKey: privateHalf },
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: 'sha256',
  })
  const { plaintext, messageHeader } = await buildDecrypt().decrypt(keyring, Buffer.from(String(sealed), 'base64'))
  return { text: plaintext.toString('utf8'), context: messageHeader.encryptionContext }
}

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  let receiver: TriggerReceiver
  const clock = movableClock()
  beforeAll(async () => {
    receiver = await startTriggerReceiver()
    const hook = {
      Webhook: receiver.url,
      Secret: secret,
      AllowPrivateAddresses: true,
      Retries: 0,
      PublicKey: publicKey,
    }
    const configuration = JSON.stringify({
      UserPools: [
        {
          Id: 'eu-west-1_hooked',
          PoolName: 'hooked',
          UsernameAttributes: ['email', 'phone_number'],
          AutoVerifiedAttributes: ['email', 'phone_number'],
          MfaConfiguration: 'OPTIONAL',
          EmailMfaConfiguration: {},
          Triggers: {
            CustomEmailSender: hook,
            CustomSMSSender: hook,
            CustomMessage: { ...hook, PublicKey: undefined },
          },
          Clients: [{ ClientId: 'hooked', CallbackURLs: [callback] }],
        },
      ],
    })
    server = await startServer({ database, configuration, clock })
  })
  afterAll(async () => {
    await server.stop()
    await receiver.stop()
  })
  beforeEach(() => {
    // Nothing of an answer is read, not even whether it is one.
    receiver.react({ '*': (_event, response: ServerResponse) => (response.writeHead(204).end(), 'answered') })
    receiver.received.length = 0
    receiver.sources()
  })

  const base = () => `${server.publicUrl}/eu-west-1_hooked`
  const next = async () => {
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBeGreaterThan(0)
    const [first] = receiver.received.splice(0)
    return first!.event
  }

  test.each([
    ['CustomEmailSender', 'ada@example.com'],
    ['CustomSMSSender', '+442079460958'],
  ])('a sign-up: %s gets the code that signs in, and nothing else is sent', async (name, username) => {
    const visitor = await visitorAt(base(), 'hooked', {})
    const form = await visitor.login.follow('Create an account')
    const confirming = await form.submit({ username, password: goodPassword })
    const event = await next()
    expect(event).toMatchObject({
      version: '1',
      triggerSource: `${name}_SignUp`,
      userPoolId: 'eu-west-1_hooked',
      callerContext: { clientId: 'hooked' },
      request: {
        type: `c${name.slice(1)}RequestV1`,
        destination: username,
        userAttributes: { 'cognito:user_status': 'UNCONFIRMED' },
      },
    })
    const { text, context } = await opened(event.request['code'])
    expect(text).toMatch(/^\d{6}$/)
    expect(context).toMatchObject({ 'userpool-id': 'eu-west-1_hooked' })
    await expect(opened(event.request['code'], pair(2048).privateKey)).rejects.toThrow()
    expect(whereItIs(await confirming.submit({ code: text }))).toBe('the app')
    expect(await server.mail()).toEqual([])
    // Neither the pool's words nor those of CustomMessage are asked for.
    expect(receiver.received.filter(({ event: other }) => other.triggerSource.startsWith('CustomMessage'))).toEqual([])
    const { triggerInvocations } = server.services.domain.store
    const [kept] = await triggerInvocations.page({ userPoolId: 'eu-west-1_hooked', limit: 1, trigger: name })
    expect(kept).toMatchObject({ outcome: 'Pass', source: `${name}_SignUp` })
    for (const hidden of [text, username, String(event.request['code'])]) expect(kept?.event).not.toContain(hidden)
  })

  test('a forgotten password: the link comes along, encrypted as well', async () => {
    const username = 'grace@example.com'
    await haveAccount(server, { username, password: goodPassword, userPoolId: 'eu-west-1_hooked' })
    const { login } = await visitorAt(base(), 'hooked', {})
    await (await login.follow('Forgot your password?')).submit({ username })
    const event = await next()
    expect(event.triggerSource).toBe('CustomEmailSender_ForgotPassword')
    const link = await opened(event.request['link'])
    expect(link.text).toMatch(/^http:\/\/.*\/resetLink\?/)
    expect(JSON.stringify(event)).not.toContain('resetLink')
  })

  test('a sender that does not take a message is asked again, and nobody waits for it', async () => {
    const username = 'patient@example.com'
    await haveAccount(server, { username, password: goodPassword, userPoolId: 'eu-west-1_hooked' })
    receiver.react({
      '*': () => {
        throw new Error('The provider is away.')
      },
    })
    const { login } = await visitorAt(base(), 'hooked', {})
    const page = await (await login.follow('Forgot your password?')).submit({ username })
    expect(page.heading).toBe('Choose a new password')
    const refused = await next()
    const before = await opened(refused.request['code'])
    receiver.react({})
    await expect
      .poll(
        async () => {
          clock.pass(60)
          await server.services.domain.store.outbox.nextDueAt()
          server.services.domain.messagesQueued()
          return receiver.received.length
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBeGreaterThan(0)
    const taken = await next()
    expect((await opened(taken.request['code'])).text).toBe(before.text)
  })

  test('what is none of Cognito’s messages takes the usual way', async () => {
    const username = 'known@example.com'
    await haveAccount(server, { username, password: goodPassword, userPoolId: 'eu-west-1_hooked' })
    const form = await (await visitorAt(base(), 'hooked', {})).login.follow('Create an account')
    await form.submit({ username, password: 'The-attackers-1852' })
    await expect.poll(async () => (await server.mail()).map(({ to }) => to), { timeout: 10_000 }).toEqual([username])
    expect(receiver.sources()).toEqual([])
  })
})

test('a module has the code in the clear, where there is no key: it runs here', async () => {
  const server = await startServer({
    configuration: JSON.stringify({
      UserPools: [
        {
          Id: 'eu-west-1_module',
          PoolName: 'module',
          UsernameAttributes: ['email'],
          AutoVerifiedAttributes: ['email'],
          Triggers: {
            CustomEmailSender: {
              Module: join(import.meta.dirname, '..', '..', 'support', 'trigger-modules', 'code-in-the-clear.mjs'),
              Retries: 0,
            },
          },
          Clients: [{ ClientId: 'module', CallbackURLs: [callback] }],
        },
      ],
    }),
  })
  try {
    const { login } = await visitorAt(`${server.publicUrl}/eu-west-1_module`, 'module', {})
    await (await login.follow('Create an account')).submit({ username: 'ada@example.com', password: goodPassword })
    const { triggerInvocations } = server.services.domain.store
    const kept = () => triggerInvocations.page({ userPoolId: 'eu-west-1_module', limit: 1 })
    await expect.poll(async () => (await kept())[0]?.problem, { timeout: 10_000 }).toContain('six digits')
  } finally {
    await server.stop()
  }
})

test.each([
  ['no key', { PublicKey: undefined }, 'PublicKey'],
  ['a short key', { PublicKey: pair(1024).publicKey }, '2048 bits'],
  ['a key of another kind', { PublicKey: 'ssh-rsa AAAA' }, '2048 bits'],
])('a webhook that sends is refused with %s', (_what, change, message) => {
  const hook = { Webhook: 'https://x.example', Secret: secret, PublicKey: publicKey, ...(change as object) }
  const read = triggersSchema.safeParse({ CustomEmailSender: hook })
  expect(read.error?.message).toContain(message)
  expect(triggersSchema.safeParse({ PreSignUp: { ...hook, ...{ PublicKey: publicKey } } }).error?.message).toContain(
    'PublicKey',
  )
})
