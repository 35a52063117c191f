import { Webhook } from 'standardwebhooks'
import type { TriggerAnswer } from '../domain/ports/trigger-runner.ts'
import { triggerSecretPurpose } from '../domain/triggers/trigger-target.ts'
import type { TriggerTarget } from '../domain/triggers/trigger-target.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { guardedPost } from './guarded-post.ts'
import { answered, errorMessageIn, noAnswer } from './http-answer.ts'

/**
 * The event as the body of a POST, signed as Standard Webhooks says: with each secret, so that one can be exchanged for another. The
 * answer is the event with its response; a status of 400 to 499 with `{"errorMessage": "…"}` says what a function would throw.
 */
export async function askWebhook(
  { sealedBox, clock }: { sealedBox: SealedBox; clock: Clock },
  target: Extract<TriggerTarget, { kind: 'webhook' }>,
  invocation: { id: string; event: object },
  signal: AbortSignal,
): Promise<TriggerAnswer> {
  const body = JSON.stringify(invocation.event)
  const now = clock.now()
  const signatures = target.sealedSecrets.map((sealed) =>
    new Webhook(sealedBox.open(sealed, triggerSecretPurpose)).sign(invocation.id, now, body),
  )
  const headers = {
    'content-type': 'application/json',
    'webhook-id': invocation.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  }
  const { url, allowPrivateAddresses } = target
  try {
    const answer = await guardedPost({ url, headers, body }, { allowPrivateAddresses, signal })
    if (answer.status >= 200 && answer.status < 300) return answered(answer.body)
    const message = answer.status >= 400 && answer.status < 500 ? errorMessageIn(answer.body) : undefined
    if (message !== undefined) return { kind: 'threw', message }
    return { kind: 'failed', problem: `the webhook answered ${answer.status}`, again: false }
  } catch (error) {
    return noAnswer(error, signal)
  }
}
