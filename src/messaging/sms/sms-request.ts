import { AwsClient } from 'aws4fetch'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '../../platform/clock.ts'
import type { RenderedMessage } from '../message-sender.ts'
import type { SmsService } from './sms-url.ts'

type Sms = Pick<RenderedMessage, 'id' | 'recipient' | 'text' | 'sender'>

/** A message in the shape that a service takes. */
export function smsRequest(service: SmsService, sms: Sms, clock: Clock): Promise<Request> | Request {
  switch (service.kind) {
    case 'twilio':
      return twilioRequest(service, sms)
    case 'sns':
      return snsRequest(service, sms)
    case 'webhook':
      return webhookRequest(service, sms, clock)
  }
}

/** Twilio's Programmable Messaging: `POST /2010-04-01/Accounts/{Sid}/Messages.json`. */
function twilioRequest(service: Extract<SmsService, { kind: 'twilio' }>, { recipient, text, sender }: Sms): Request {
  const { endpoint, accountSid, authToken } = service
  const from = sender?.smsId === undefined ? service.from : { name: 'From', value: sender.smsId }
  const credentials = Buffer.from(`${accountSid}:${authToken}`).toString('base64')
  return new Request(`${endpoint}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ To: recipient, [from.name]: from.value, Body: text }),
  })
}

/** Amazon SNS: the query API's `Publish` to a phone number, signed with Signature Version 4. */
function snsRequest(service: Extract<SmsService, { kind: 'sns' }>, { recipient, text, sender }: Sms): Promise<Request> {
  const { endpoint, region, accessKeyId, secretAccessKey } = service
  const senderId = sender?.smsId ?? service.senderId
  const attributes = [
    // Without it a code may wait behind advertising.
    ['AWS.SNS.SMS.SMSType', 'Transactional'],
    ...(senderId === undefined ? [] : [[senderAttribute(senderId), senderId]]),
  ] as const
  const fields = new URLSearchParams({
    Action: 'Publish',
    Version: '2010-03-31',
    PhoneNumber: recipient,
    Message: text,
  })
  for (const [index, [name = '', value = '']] of attributes.entries()) {
    const entry = `MessageAttributes.entry.${index + 1}`
    fields.set(`${entry}.Name`, name)
    fields.set(`${entry}.Value.DataType`, 'String')
    fields.set(`${entry}.Value.StringValue`, value)
  }
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 'sns', retries: 0 })
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return client.sign(`${endpoint}/`, { method: 'POST', headers, body: fields.toString() })
}

/** SNS has one attribute for a name, and another for a number of one's own. */
const senderAttribute = (senderId: string): string =>
  senderId.startsWith('+') ? 'AWS.MM.SMS.OriginationNumber' : 'AWS.SNS.SMS.SenderID'

/** JSON, signed as Standard Webhooks says; the id is the same at every try. */
function webhookRequest(service: Extract<SmsService, { kind: 'webhook' }>, sms: Sms, clock: Clock): Request {
  const { endpoint, secret } = service
  const { id, recipient, text, sender } = sms
  const now = clock.now()
  const body = JSON.stringify({
    type: 'sms.send',
    timestamp: now.toISOString(),
    data: { id, to: recipient, text, from: sender?.smsId },
  })
  return new Request(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, now, body),
    },
    body,
  })
}
