import type { EventWebhook } from '../events/event-webhook.ts'

/** What has become of one attempt. `refused`: the receiver will not have this one (a status of 400 to 499). */
export type Sent = { kind: 'delivered' } | { kind: 'failed' | 'refused'; problem: string }

/** Sends an event, signed. Not inside a transaction. */
export interface EventSender {
  send(webhook: EventWebhook, event: { id: string; body: object }): Promise<Sent>
}
