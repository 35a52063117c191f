import type { EventSender, Sent } from '../domain/ports/event-sender.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { guardedPost } from '../platform/http/guarded-request.ts'
import { noAnswer } from './http-answer.ts'
import { standardWebhook } from './standard-webhook.ts'

/** Statuses of 400 to 499 that say nothing of the event: try again later. */
const passing = new Set([401, 403, 404, 405, 408, 409, 410, 421, 423, 425, 429])

/** Sends events as Standard Webhooks says; any answer of 200 to 299 will do, and nothing of it is read. */
export const createEventSender = (services: { sealedBox: SealedBox; clock: Clock }): EventSender => ({
  async send(webhook, { id, body }): Promise<Sent> {
    const { url, allowPrivateAddresses, timeoutMs } = webhook
    const signal = AbortSignal.timeout(timeoutMs)
    const request = { url, ...standardWebhook(services, webhook.sealedSecrets, id, body) }
    try {
      const { status } = await guardedPost(request, { allowPrivateAddresses, signal })
      if (status >= 200 && status < 300) return { kind: 'delivered' }
      const isRefused = status >= 400 && status < 500 && !passing.has(status)
      return { kind: isRefused ? 'refused' : 'failed', problem: `the webhook answered ${status}` }
    } catch (error) {
      const answer = noAnswer(error, signal)
      return { kind: 'failed', problem: answer.kind === 'failed' ? answer.problem : 'no answer' }
    }
  },
})
