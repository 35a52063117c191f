import type { Clock } from '../../platform/clock.ts'
import { DeliveryError } from '../message-sender.ts'
import type { MessageSender } from '../message-sender.ts'
import { smsRequest } from './sms-request.ts'
import { parseSmsUrl } from './sms-url.ts'

export interface SmsSenderOptions {
  /** SMS_URL; see `parseSmsUrl`. */
  url: string
  /** SMS_WEBHOOK_SECRET. */
  secret: string | undefined
  clock: Clock
}

const timeoutMs = 20_000
const maximumAnswer = 16 * 1024

/**
 * Sends SMS through Twilio, Amazon SNS or a webhook of the operator's own.
 * @throws when the URL or the secret is malformed
 */
export function createSmsSender({ url, secret, clock }: SmsSenderOptions): MessageSender {
  const service = parseSmsUrl(url, secret)
  return {
    async send(message, signal) {
      if (!/^\+[1-9]\d{6,14}$/.test(message.recipient)) {
        throw new DeliveryError('the recipient is not a phone number', { permanent: true })
      }
      const request = await smsRequest(service, message, clock)
      const response = await post(request, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
      const answer = await readAnswer(response)
      if (!response.ok) throw smsFailure(service.kind, response.status, answer)
    },
    close: () => undefined,
  }
}

async function post(request: Request, signal: AbortSignal): Promise<Response> {
  try {
    // A redirect would take the message, and the signature, somewhere else.
    return await fetch(request, { redirect: 'error', signal })
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } }
    const code = typeof cause?.code === 'string' ? cause.code : (error as Error).name
    throw new DeliveryError(`SMS service cannot be reached: ${code}`, { permanent: false, cause: error })
  }
}

/** So much of it as an error code stands in. */
async function readAnswer(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length >= maximumAnswer) break
  }
  return text
}

/**
 * What the service says about the message itself is final; what concerns the login, the limits or the service is tried
 * again. Its words are not kept, since they may quote the message: its code is.
 */
function smsFailure(kind: string, status: number, answer: string): DeliveryError {
  const code = /"code":\s*(\d{1,6})|<Code>(\w{1,64})<\/Code>/.exec(answer)
  const name = code?.[1] ?? code?.[2]
  const isTemporary = status >= 500 || [401, 403, 408, 425, 429].includes(status) || /^Throttl/.test(name ?? '')
  const text = `SMS service (${kind}) answered ${status}${name === undefined ? '' : `, code ${name}`}`
  return new DeliveryError(text, { permanent: !isTemporary })
}
