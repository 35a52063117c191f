import { z } from 'zod'
import type { EventDelivery, EventWebhook } from '../../domain/events/event-webhook.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import { defineCommand } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, userPoolSelector } from './find.ts'

/** A receiver of events, and how far it has been told. */
export interface ReceiverView {
  Name: string
  Webhook: string
  /** Number of the last event that it has, or need not have; absent: nobody has looked yet. */
  Sequence?: number
  /** ISO 8601. */
  DeliveredAt?: string
  /** Times that the next event was tried. */
  Attempts?: number
  NextAttemptAt?: string
  LastError?: string
  /** Events that it refused, and that were passed over. */
  Skipped?: number
}

const receiverView = ({ name, url }: EventWebhook, delivery: EventDelivery | undefined): ReceiverView => ({
  Name: name,
  Webhook: url,
  ...(delivery === undefined
    ? {}
    : {
        Sequence: delivery.sequence,
        Attempts: delivery.attempts,
        Skipped: delivery.skipped,
        ...(delivery.deliveredAt === undefined ? {} : { DeliveredAt: delivery.deliveredAt.toISOString() }),
        ...(delivery.attempts === 0 ? {} : { NextAttemptAt: delivery.nextAt.toISOString() }),
        ...(delivery.lastError === undefined ? {} : { LastError: delivery.lastError }),
      }),
})

export const listReceivers = defineCommand(
  z.strictObject({ userPool: userPoolSelector }),
  async (administration, { userPool: selector }) => {
    const userPool = requireUserPool(administration, selector)
    const deliveries = await administration.domain.store.eventDeliveries.ofPool(userPool.id)
    return {
      Receivers: userPool.eventWebhooks.map((webhook) =>
        receiverView(
          webhook,
          deliveries.find(({ name }) => name === webhook.name),
        ),
      ),
    }
  },
)

const named = { userPool: userPoolSelector, name: z.string().min(1).max(64) }

/** Tells a receiver again of all that has happened since a time. */
export const replayEvents = defineCommand(
  z.strictObject({ ...named, from: z.iso.datetime({ offset: true }) }),
  async (administration, { userPool: selector, name, from }) => {
    const userPool = requireUserPool(administration, selector)
    requireReceiver(userPool, name)
    const { store, clock } = administration.domain
    const { id: userPoolId } = userPool
    const since = { userPoolId, limit: 1, from: new Date(from), oldestFirst: true }
    const [first] = await store.auditTrail.page(since)
    if (first === undefined) throw new CommandFailure('notFound', 'Nothing has happened since then.')
    await store.eventDeliveries.ensure([{ userPoolId, name }], clock.now())
    await store.eventDeliveries.rewind({ userPoolId, name, sequence: first.sequence - 1 }, clock.now())
    return { Name: name, FromSequence: first.sequence, From: first.at.toISOString() }
  },
)

/** Sends one event of the type `Test`. */
export const testReceiver = defineCommand(z.strictObject(named), async (administration, input) => {
  const userPool = requireUserPool(administration, input.userPool)
  const webhook = requireReceiver(userPool, input.name)
  const { clock, random } = administration.domain
  const timestamp = clock.now().toISOString()
  const id = random.uuid()
  const body = { type: 'Test', timestamp, data: { EventId: id, UserPoolId: userPool.id } }
  const sent = await administration.eventSender.send(webhook, { id, body })
  return { Delivered: sent.kind === 'delivered', ...(sent.kind === 'delivered' ? {} : { Problem: sent.problem }) }
})

function requireReceiver({ id, eventWebhooks }: UserPool, name: string): EventWebhook {
  const webhook = eventWebhooks.find((candidate) => candidate.name === name)
  if (webhook === undefined) throw new CommandFailure('notFound', `User pool ${id} has no event webhook ${name}.`)
  return webhook
}
