import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AwsClient } from 'aws4fetch'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { DeliveryError } from '../../src/messaging/message-sender.ts'
import type { RenderedMessage } from '../../src/messaging/message-sender.ts'
import { createSmsSender } from '../../src/messaging/sms/sms-sender.ts'
import { parseSmsUrl } from '../../src/messaging/sms/sms-url.ts'
import { systemClock } from '../../src/platform/clock.ts'

const message: RenderedMessage = {
  id: '0b7f6a3c',
  medium: 'SMS',
  recipient: '+15550101234',
  brandName: 'Größe & Söhne',
  lang: 'de',
  subject: 'x',
  text: 'Ihr Code für Größe & Söhne: 493817',
}
const secret = `whsec_${Buffer.from('a secret of thirty-two bytes here').toString('base64')}`

interface Received {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  body: string
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** The far end of the wire. */
async function receiver(answer: { status?: number; body?: string; headers?: Record<string, string> } = {}) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => new Promise((resolve) => server.close(resolve)))
  return { received, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const send = (url: string, change: Partial<RenderedMessage> = {}, signal = new AbortController().signal) =>
  createSmsSender({ url, secret, clock: systemClock }).send({ ...message, ...change }, signal)

const failureOf = async (sending: Promise<void>): Promise<DeliveryError> => {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}

test('Twilio gets its form, with the account in the login', async () => {
  const { received, host } = await receiver({ status: 201 })
  await send(`twilio://AC123:to%2Fken@${host}?from=%2B15550100&insecure=true`)
  expect(received).toHaveLength(1)
  const [{ method, url, headers, body }] = received as [Received]
  expect([method, url]).toEqual(['POST', '/2010-04-01/Accounts/AC123/Messages.json'])
  expect(headers.authorization).toBe(`Basic ${Buffer.from('AC123:to/ken').toString('base64')}`)
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
    To: message.recipient,
    From: '+15550100',
    Body: message.text,
  })
})

test('SNS gets a Publish that is signed', async () => {
  const { received, host } = await receiver({ body: '<PublishResponse/>' })
  await send(`sns://AKIDEXAMPLE:s%2Fecret@${host}?region=eu-west-1&senderId=Acme&insecure=true`)
  const [{ url, headers, body }] = received as [Received]
  expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
    Action: 'Publish',
    PhoneNumber: message.recipient,
    Message: message.text,
    'MessageAttributes.entry.1.Value.StringValue': 'Transactional',
    'MessageAttributes.entry.2.Value.StringValue': 'Acme',
  })
  // Signed again at the moment that it names, it has the same signature.
  const client = new AwsClient({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 's/ecret', region: 'eu-west-1' })
  const again = await client.sign(`http://${host}${url}`, {
    method: 'POST',
    body,
    headers: { 'content-type': headers['content-type'] ?? '', 'x-amz-date': headers['x-amz-date'] as string },
    aws: { service: 'sns', datetime: headers['x-amz-date'] as string },
  })
  expect(headers.authorization).toBe(again.headers.get('authorization'))
  expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/sns\/aws4_request/)
})

test('a user pool’s own sender takes the place of the server’s', async () => {
  const { received, host } = await receiver()
  const sns = `sns://AKIDEXAMPLE:secret@${host}?region=eu-west-1&senderId=Server&insecure=true`
  await send(`twilio://AC123:token@${host}?messagingServiceSid=MG1&insecure=true`, { sender: { smsId: 'Acme' } })
  await send(sns, { sender: { smsId: 'Acme' } })
  await send(sns, { sender: { smsId: '+447700900123' } })
  await send(`http://${host}/sms`, { sender: { smsId: 'Acme' } })
  const [twilio, named, numbered, webhook] = received.map(({ body }) => body)
  expect(Object.fromEntries(new URLSearchParams(twilio))).toEqual({
    ...{ To: message.recipient, From: 'Acme', Body: message.text },
  })
  const entry = (body: string | undefined) => {
    const fields = new URLSearchParams(body)
    return ['Name', 'Value.StringValue'].map((name) => fields.get(`MessageAttributes.entry.2.${name}`))
  }
  expect(entry(named)).toEqual(['AWS.SNS.SMS.SenderID', 'Acme'])
  expect(entry(numbered)).toEqual(['AWS.MM.SMS.OriginationNumber', '+447700900123'])
  expect(JSON.parse(webhook ?? '')).toMatchObject({ data: { to: message.recipient, from: 'Acme' } })
})

test('a webhook gets JSON that another implementation finds signed', async () => {
  const { received, host } = await receiver()
  await send(`http://${host}/sms?tenant=a`)
  const [{ url, headers, body }] = received as [Received]
  expect(url).toBe('/sms?tenant=a')
  expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
    type: 'sms.send',
    data: { id: message.id, to: message.recipient, text: message.text },
  })
  expect(headers['webhook-id']).toBe(message.id)
})

describe('a failure', () => {
  test.each([
    [400, '{"code": 21211, "message": "Invalid To: 493817"}', true, 'answered 400, code 21211'],
    [400, '<Error><Code>InvalidParameter</Code></Error>', true, 'code InvalidParameter'],
    [400, '<Error><Code>Throttling</Code></Error>', false, 'code Throttling'],
    [401, '{"code":20003}', false, 'answered 401, code 20003'],
    [429, '', false, 'answered 429'],
    [500, 'x'.repeat(100_000), false, 'answered 500'],
  ])('%i is told apart, without the words of the service', async (status, body, permanent, text) => {
    const { host } = await receiver({ status, body })
    const failure = await failureOf(send(`twilio://AC123:token@${host}?from=15550100&insecure=true`))
    expect([failure.permanent, failure.message.endsWith(text)]).toEqual([permanent, true])
    expect(failure.message).not.toMatch(/493817|token/)
  })

  test('a redirect is not followed', async () => {
    const other = await receiver()
    const { host } = await receiver({ status: 307, headers: { location: `http://${other.host}/` } })
    expect((await failureOf(send(`http://${host}/`))).permanent).toBe(false)
    expect(other.received).toEqual([])
  })

  test('a service that is not there is tried again', async () => {
    const failure = await failureOf(send('http://127.0.0.1:1/'))
    expect([failure.permanent, failure.message]).toEqual([false, expect.stringContaining('cannot be reached')])
  })

  test('one that does not answer ends with the delivery', async () => {
    const server = createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    cleanups.push(() => server.closeAllConnections())
    const ends = new AbortController()
    const sending = failureOf(send(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {}, ends.signal))
    ends.abort()
    expect((await sending).permanent).toBe(false)
  })

  test.each(['', '5550101234', '+1555010\r\nX: y', 'sip:ada@example.com', '+0123456789'])(
    'the recipient %j is none',
    async (recipient) => {
      const { received, host } = await receiver()
      expect((await failureOf(send(`http://${host}/`, { recipient }))).permanent).toBe(true)
      expect(received).toEqual([])
    },
  )
})

test.each([
  ['ftp://example.com', 'must look like'],
  ['twilio://AC123@api.twilio.com?from=1', 'needs a user and a password'],
  ['twilio://AC123:t@api.twilio.com', 'needs one of from and messagingServiceSid'],
  ['twilio://AC123:t@api.twilio.com?from=1&messagingServiceSid=MG1', 'needs one of from'],
  ['twilio://AC123:t@api.twilio.com?from=1&insecure=true', 'this machine alone'],
  ['twilio://AC123:t@api.twilio.com/path?from=1', 'must not have a path'],
  ['twilio://AC123:t@api.twilio.com?form=1', 'knows no parameter but'],
  ['sns://A:s@example.com', 'needs region'],
  ['http://example.com/sms', 'must be https'],
  ['https://user:pass@example.com/sms', 'has no password'],
])('SMS_URL %s is refused in words that do not quote it', (url, text) => {
  expect(() => parseSmsUrl(url, secret)).toThrow(text)
})

test('a webhook needs its secret, the others do not', () => {
  expect(() => parseSmsUrl('https://example.com/sms', undefined)).toThrow('SMS_WEBHOOK_SECRET is missing')
  expect(parseSmsUrl('sns://A:s@sns.eu-west-1.amazonaws.com', undefined)).toEqual({
    kind: 'sns',
    endpoint: 'https://sns.eu-west-1.amazonaws.com',
    region: 'eu-west-1',
    accessKeyId: 'A',
    secretAccessKey: 's',
  })
})
