import type { TriggerAnswer } from '../domain/ports/trigger-runner.ts'
import type { TriggerTarget } from '../domain/triggers/trigger-target.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { guardedPost } from '../platform/http/guarded-request.ts'
import { answered, errorMessageIn, noAnswer } from './http-answer.ts'
import { standardWebhook } from './standard-webhook.ts'

/**
 * The event as the body of a signed POST. The answer is the event with its response; a status of 400 to 499 with `{"errorMessage": "…"}` says what a function would throw.
 */
export async function askWebhook(
  services: { sealedBox: SealedBox; clock: Clock },
  target: Extract<TriggerTarget, { kind: 'webhook' }>,
  invocation: { id: string; event: object },
  signal: AbortSignal,
): Promise<TriggerAnswer> {
  const { url, allowPrivateAddresses } = target
  const request = { url, ...standardWebhook(services, target.sealedSecrets, invocation.id, invocation.event) }
  try {
    const answer = await guardedPost(request, { allowPrivateAddresses, signal })
    if (answer.status >= 200 && answer.status < 300) return answered(answer.body)
    const message = answer.status >= 400 && answer.status < 500 ? errorMessageIn(answer.body) : undefined
    if (message !== undefined) return { kind: 'threw', message }
    return { kind: 'failed', problem: `the webhook answered ${answer.status}`, again: false }
  } catch (error) {
    return noAnswer(error, signal)
  }
}
