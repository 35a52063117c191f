import { Webhook } from 'standardwebhooks'
import { triggerSecretPurpose } from '../domain/triggers/trigger-target.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'

/**
 * Headers and body of a POST that is signed as Standard Webhooks says: with each secret, so that one can be exchanged for another.
 * @param id the same at every attempt, so that the receiver can tell
 */
export function standardWebhook(
  { sealedBox, clock }: { sealedBox: SealedBox; clock: Clock },
  sealedSecrets: readonly string[],
  id: string,
  content: object,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(content)
  const now = clock.now()
  const signatures = sealedSecrets.map((sealed) =>
    new Webhook(sealedBox.open(sealed, triggerSecretPurpose)).sign(id, now, body),
  )
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  }
  return { headers, body }
}
