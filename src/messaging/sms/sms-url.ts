/** Who takes SMS from us, as SMS_URL names it. */
export type SmsService =
  | { kind: 'twilio'; endpoint: string; accountSid: string; authToken: string; from: { name: string; value: string } }
  | { kind: 'sns'; endpoint: string; region: string; accessKeyId: string; secretAccessKey: string; senderId?: string }
  | { kind: 'webhook'; endpoint: string; secret: string }

const forms =
  'twilio://ACCOUNT_SID:AUTH_TOKEN@api.twilio.com?from=+15550100, ' +
  'sns://ACCESS_KEY_ID:SECRET@sns.eu-west-1.amazonaws.com or https://example.com/sms'

/**
 * Reads `twilio://…?from=NUMBER` (or `?messagingServiceSid=…`), `sns://…?senderId=…`, or the address of a webhook, whose
 * `secret` (Standard Webhooks, `whsec_…`) is given apart. All travel by https; `?insecure=true` is for a service on this
 * machine alone.
 *
 * @throws an Error whose text names what is wrong and never quotes the URL, which holds a password
 */
export function parseSmsUrl(text: string, secret: string | undefined): SmsService {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const kind = url && kinds.get(url.protocol)
  if (url === undefined || kind === undefined || url.hostname === '') throw new Error(`SMS_URL must look like ${forms}`)
  if (url.hash !== '') throw new Error('SMS_URL must not have a fragment')
  if (kind === 'webhook') return webhook(url, secret)
  const credentials = readCredentials(url)
  const endpoint = endpointOf(url)
  return kind === 'twilio' ? twilio(url, endpoint, credentials) : sns(url, endpoint, credentials)
}

const kinds: ReadonlyMap<string, SmsService['kind']> = new Map([
  ['twilio:', 'twilio'],
  ['sns:', 'sns'],
  ['https:', 'webhook'],
  ['http:', 'webhook'],
])

function twilio(url: URL, endpoint: string, { user, password }: Credentials): SmsService {
  allowOnly(url, ['from', 'messagingServiceSid', 'insecure'])
  const from = url.searchParams.get('from')?.replace(/^ /, '+')
  const serviceSid = url.searchParams.get('messagingServiceSid')
  const isOne = (from === undefined) !== (serviceSid === null)
  if (!isOne) throw new Error('SMS_URL needs one of from and messagingServiceSid: where messages of Twilio come from')
  const sender =
    from === undefined ? { name: 'MessagingServiceSid', value: serviceSid ?? '' } : { name: 'From', value: from }
  return { kind: 'twilio', endpoint, accountSid: user, authToken: password, from: sender }
}

function sns(url: URL, endpoint: string, { user, password }: Credentials): SmsService {
  allowOnly(url, ['senderId', 'region', 'insecure'])
  const region = url.searchParams.get('region') ?? /^sns\.([a-z\d-]+)\.amazonaws\.com/.exec(url.hostname)?.[1]
  if (region === undefined) throw new Error('SMS_URL needs region: its host does not tell it')
  const senderId = url.searchParams.get('senderId')
  return {
    kind: 'sns',
    endpoint,
    region,
    accessKeyId: user,
    secretAccessKey: password,
    ...(senderId === null ? {} : { senderId }),
  }
}

function webhook(url: URL, secret: string | undefined): SmsService {
  if (url.username !== '' || url.password !== '') throw new Error('SMS_URL of a webhook has no password: it is signed')
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) throw new Error('SMS_URL of a webhook must be https')
  if (secret === undefined) throw new Error('SMS_WEBHOOK_SECRET is missing: messages to a webhook are signed with it')
  return { kind: 'webhook', endpoint: url.href, secret }
}

function endpointOf(url: URL): string {
  if (!['', '/'].includes(url.pathname)) throw new Error('SMS_URL of Twilio or SNS must not have a path')
  const insecure = url.searchParams.get('insecure') === 'true'
  if (insecure && !isLoopback(url.hostname)) throw new Error('insecure in SMS_URL is for this machine alone')
  return `${insecure ? 'http' : 'https'}://${url.host}`
}

interface Credentials {
  user: string
  password: string
}

function readCredentials(url: URL): Credentials {
  if (url.username === '' || url.password === '') throw new Error('SMS_URL needs a user and a password')
  try {
    return { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  } catch {
    throw new Error('The user and the password in SMS_URL must be percent-encoded')
  }
}

function allowOnly(url: URL, names: readonly string[]): void {
  const unknown = [...url.searchParams.keys()].find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`SMS_URL knows no parameter but ${names.join(', ')}`)
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
