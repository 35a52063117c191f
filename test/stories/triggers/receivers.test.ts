import { createHash, createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { Reaction, Received, TriggerReceiver } from '../../support/trigger-receiver.ts'
import { callback, goodPassword, visitorAt } from '../../support/visitor.ts'

/* Receivers of every kind, good and bad; and AWS Lambda's Invoke, as whoever speaks it would hear it. */

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const functionPath = '/2015-03-31/functions/pre-sign-up/invocations'
const credentials = { AccessKeyId: 'AKIDEXAMPLE', SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

let server: TestServer
let receiver: TriggerReceiver
beforeAll(async () => {
  receiver = await startTriggerReceiver()
  const local = { AllowPrivateAddresses: true, TimeoutSeconds: 1 }
  const lambda = { ...local, LambdaUrl: new URL(functionPath, receiver.url).href, Retries: 0 }
  const triggers = {
    once: { ...local, Webhook: receiver.url, Secret: secret, Retries: 0 },
    thrice: { ...local, Webhook: receiver.url, Secret: secret, TimeoutSeconds: 0.3 },
    signed: { ...lambda, ...credentials, Region: 'eu-central-1' },
    unsigned: lambda,
  }
  const configuration = JSON.stringify({
    UserPools: Object.entries(triggers).map(([name, PreSignUp]) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      Clients: [{ ClientId: name, CallbackURLs: [callback] }],
      Triggers: { PreSignUp },
    })),
  })
  server = await startServer({ configuration })
})
afterAll(async () => {
  await server.stop()
  await receiver.stop()
})
beforeEach(() => {
  receiver.react({})
  receiver.received.length = 0
})

let people = 0
const signUp = async (pool: string) => {
  const username = `person-${(people += 1)}`
  const { login } = await visitorAt(`${server.publicUrl}/eu-west-1_${pool}`, pool)
  const page = await (await login.follow('Create an account')).submit({ username, password: goodPassword })
  const { users, triggerInvocations } = server.services.domain.store
  const user = await users.findByIdentifier(`eu-west-1_${pool}`, username)
  const [invocation] = await triggerInvocations.page({ userPoolId: `eu-west-1_${pool}`, limit: 1 })
  return { page, user, invocation }
}
const with_ = (reaction: Reaction): void => receiver.react({ '*': reaction })
const raw =
  (answer: (response: ServerResponse) => void): Reaction =>
  (_event, response) => {
    answer(response)
    return 'answered'
  }

const bad: [string, Reaction, string][] = [
  ['hangs', raw(() => undefined), 'no answer within its time'],
  ['hangs up', raw((response) => void response.destroy()), 'ECONNRESET'],
  [
    'answers 500',
    raw((response) => void response.writeHead(500).end('{"errorMessage":"inner words"}')),
    'answered 500',
  ],
  ['leads elsewhere', raw((response) => void response.writeHead(302, { location: '/other' }).end()), 'answered 302'],
  ['answers a page', raw((response) => void response.end('<html>hello</html>')), 'is not the event'],
  ['answers an empty body', raw((response) => void response.writeHead(204).end()), 'is not the event'],
  ['answers a list', raw((response) => void response.end('[]')), 'is not the event'],
  [
    'answers another kind',
    raw((response) => void response.end('{"response":{"autoConfirmUser":"yes"}}')),
    'response.autoConfirmUser',
  ],
  ['answers 10 MB', raw((response) => void response.end(`"${'x'.repeat(10 * 1024 * 1024)}"`)), 'longer than'],
  [
    'drips',
    raw((response) => {
      const drip = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(drip))
    }),
    'no answer within its time',
  ],
]

describe.each(bad)('a receiver that %s', (_name, reaction, problem) => {
  test('denies, says so to the operator, and not how to the person', async () => {
    with_(reaction)
    const { page, user, invocation } = await signUp('once')
    expect(page.text).toContain('Something is in the way at the moment.')
    expect([user, page.text.includes('inner words')]).toEqual([undefined, false])
    expect(invocation).toMatchObject({ outcome: 'Failed', attempts: 1 })
    expect(invocation?.problem).toContain(problem)
    receiver.react({})
    expect((await signUp('once')).user).toBeDefined()
  })
})

test('where no answer comes it is asked three times in all, under one id', async () => {
  let times = 0
  with_((event, response) => {
    times += 1
    if (times < 3) return raw(() => undefined)(event, response)
    return event
  })
  const { user, invocation } = await signUp('thrice')
  expect([user?.status, invocation?.attempts, invocation?.outcome]).toEqual(['UNCONFIRMED', 3, 'Pass'])
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
})

test('and no more often; what it has said is not asked again', async () => {
  with_(raw(() => undefined))
  const hung = await signUp('thrice')
  expect([hung.user, hung.invocation?.attempts, receiver.received.length]).toEqual([undefined, 3, 3])
  receiver.received.length = 0
  with_(() => {
    throw new Error('No.')
  })
  const denied = await signUp('thrice')
  expect([denied.page.text.includes('No.'), receiver.received.length]).toEqual([true, 1])
})

test('one that has answered, if only to say that it is not well, is not asked again', async () => {
  with_(raw((response) => void response.writeHead(500).end()))
  const { invocation } = await signUp('thrice')
  expect([invocation?.outcome, invocation?.attempts, receiver.received.length]).toEqual(['Failed', 1, 1])
})

test('a receiver that is not there is away', async () => {
  const gone = await startTriggerReceiver()
  await gone.stop()
  const { settings } = server.services.domain.store
  const record = (await settings.userPools()).find(({ id }) => id === 'eu-west-1_once')
  if (record === undefined) throw new Error('no pool')
  const PreSignUp = { ...(record.triggers?.['PreSignUp'] as object), Webhook: gone.url }
  await settings.saveUserPool({ ...record, triggers: { PreSignUp } }, new Date())
  await server.services.directory.refresh()
  const { user, invocation } = await signUp('once')
  expect([user, invocation?.outcome, invocation?.problem]).toEqual([
    undefined,
    'Failed',
    expect.stringContaining('ECONNREFUSED'),
  ])
  await settings.saveUserPool(record, new Date())
  await server.services.directory.refresh()
})

describe('a Lambda function', () => {
  test('is invoked synchronously, with a signature that its owner can check', async () => {
    expect((await signUp('signed')).user).toBeDefined()
    const [call] = receiver.received
    expect([call?.path, call?.headers['x-amz-invocation-type']]).toEqual([functionPath, 'RequestResponse'])
    expect(call?.headers.authorization).toBe(authorizationOf(call))
  })

  test('without credentials it is not signed', async () => {
    expect((await signUp('unsigned')).user).toBeDefined()
    expect(receiver.received[0]?.headers.authorization).toBeUndefined()
  })

  test('throws by a header, whatever the status', async () => {
    const body = JSON.stringify({ errorMessage: 'Not on our list', errorType: 'Error', trace: ['at /var/task'] })
    with_(raw((response) => void response.writeHead(200, { 'x-amz-function-error': 'Unhandled' }).end(body)))
    const { page, user } = await signUp('signed')
    expect([page.text.includes('Not on our list'), page.text.includes('/var/task'), user]).toEqual([
      true,
      false,
      undefined,
    ])
  })

  test.each([
    ['throttled', 429, '{"Reason":"ConcurrentInvocationLimitExceeded"}'],
    ['refused', 403, '{"message":"Forbidden"}'],
    ['gone', 404, '{"message":"Function not found"}'],
  ])('that is %s denies, in words of our own', async (_name, status, body) => {
    with_(raw((response) => void response.writeHead(status).end(body)))
    const { page, invocation } = await signUp('signed')
    expect(page.text).toContain('Something is in the way at the moment.')
    expect(invocation?.problem).toContain(`answered ${status}`)
  })
})

/** Signature Version 4, computed from what has arrived (AWS: "Create a signed AWS API request"). */
function authorizationOf(call: Received | undefined): string {
  const { headers = {}, path = '', body = '' } = call ?? {}
  const named = /SignedHeaders=([\w;-]+)/.exec(headers.authorization ?? '')?.[1] ?? ''
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const canonical = [
    ...['POST', path, ''],
    ...named.split(';').map((name) => `${name}:${String(headers[name])}`),
    ...['', named, sha256(body)],
  ].join('\n')
  const date = String(headers['x-amz-date'])
  const scope = `${date.slice(0, 8)}/eu-central-1/lambda/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${credentials.SecretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${credentials.AccessKeyId}/${scope}, SignedHeaders=${named}, Signature=${signature}`
}
