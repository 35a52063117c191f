import { addSeconds } from '../../platform/clock.ts'
import type { LinkedAuditEvent } from '../audit/audit-event.ts'
import type { DomainServices } from '../ports/services.ts'
import type { EventSender } from '../ports/event-sender.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { detailOf, eventBody } from './event-body.ts'
import type { EventDelivery, EventWebhook } from './event-webhook.ts'

/*
 * Events go out from the audit trail, which is an outbox already: written in the transaction of what it tells of, and numbered.
 * Each receiver is told everything at least once, and of each user in its order (decision 31).
 */

export type Delivering = Pick<DomainServices, 'store' | 'clock' | 'random'> & {
  sender: EventSender
  /** For how long a page goes on; for tests. */
  sendingMs?: number
}

/** Events that are taken at once. */
const pageEvents = 50
/** Users that are told of at once. */
const lanes = 8
/** A page takes no longer: no event is begun after a minute, and each has half a minute at most. */
const leaseSeconds = 120
const sendingMs = 60_000
/** Receivers that are looked after in one go. */
const receiversAtOnce = 8
/** A receiver that answers goes on being told for this many pages before others have their turn. */
const pagesInARow = 40
/** Times that an event is tried which a receiver refuses, before it is passed over. */
const refusalsBeforeSkipping = 8

/** Tells whoever is to be told, for as long as they listen and a little while at most. */
export async function deliverEvents(services: Delivering, userPools: readonly UserPool[]): Promise<void> {
  const due = await services.store.eventDeliveries.due(services.clock.now(), 100)
  const byId = new Map(userPools.map((userPool) => [userPool.id, userPool]))
  const work = due.flatMap(({ userPoolId, name }) => {
    const webhook = byId.get(userPoolId)?.eventWebhooks.find((candidate) => candidate.name === name)
    // The configuration has it no more.
    return webhook === undefined ? [] : [{ userPoolId, webhook }]
  })
  await inParallel(receiversAtOnce, work, ({ userPoolId, webhook }) => deliverTo(services, userPoolId, webhook))
}

async function deliverTo(services: Delivering, userPoolId: string, webhook: EventWebhook): Promise<void> {
  const { clock, random, store } = services
  const id = random.uuid()
  for (let pages = 0; pages < pagesInARow; pages += 1) {
    const at = clock.now()
    const lease = { id, until: addSeconds(at, leaseSeconds), at }
    const delivery = await store.eventDeliveries.lease({ userPoolId, name: webhook.name }, lease)
    if (delivery === undefined) return
    const after = await deliverPage(services, webhook, delivery)
    const isKept = await store.eventDeliveries.save(after.delivery, { id, release: true })
    if (!isKept || !after.more) return
  }
}

async function deliverPage(
  services: Delivering,
  webhook: EventWebhook,
  delivery: EventDelivery,
): Promise<{ delivery: EventDelivery; more: boolean }> {
  const { store, clock } = services
  const { userPoolId } = delivery
  const events = await store.auditTrail.behind(userPoolId, delivery.sequence, pageEvents)
  const wanted = events.filter((event) => isFor(webhook, event))
  const { unsent, failure } = await sendAll(services, webhook, userPoolId, wanted)
  const at = clock.now()
  const [first] = unsent
  const told = unsent.length < wanted.length ? { deliveredAt: at } : {}
  if (first === undefined || failure === undefined) {
    const { lastError: _, ...known } = delivery
    // What there was no time for comes next.
    const sequence = first === undefined ? (events.at(-1)?.sequence ?? delivery.sequence) : first.sequence - 1
    const more = first !== undefined || events.length === pageEvents
    return { delivery: { ...known, ...told, sequence, attempts: 0, nextAt: at }, more }
  }
  // Everything before it has been sent, and what was sent behind it is sent again.
  const attempts = first === wanted[0] ? delivery.attempts + 1 : 1
  const isSkipped = first === failure.event && failure.kind === 'refused' && attempts >= refusalsBeforeSkipping
  const { event, problem } = failure
  return {
    delivery: {
      ...delivery,
      ...told,
      sequence: isSkipped ? first.sequence : first.sequence - 1,
      attempts: isSkipped ? 0 : attempts,
      skipped: delivery.skipped + (isSkipped ? 1 : 0),
      lastError: `${event.eventType} ${event.id}: ${problem}`,
      nextAt: isSkipped ? at : addSeconds(at, pauseSeconds(attempts)),
    },
    more: isSkipped,
  }
}

/** Ten seconds, twice as long each time, ten minutes at most. */
const pauseSeconds = (attempts: number): number => Math.min(600, 5 * 2 ** Math.min(attempts, 10))

function isFor({ types, outcomes }: EventWebhook, event: LinkedAuditEvent): boolean {
  if (!types.includes(event.eventType) || !outcomes.includes(event.response)) return false
  // Somebody else has typed the address of an account: nothing has happened to it.
  return (detailOf(event) as { decoy?: unknown } | null | undefined)?.decoy !== true
}

interface Failure {
  event: LinkedAuditEvent
  kind: 'failed' | 'refused'
  problem: string
}

/** Several users at once, each in order. No answer or the end of its time ends all of it, a refusal what is to be told of that user. */
async function sendAll(
  { store, sender, sendingMs: longest = sendingMs }: Delivering,
  webhook: EventWebhook,
  userPoolId: string,
  events: readonly LinkedAuditEvent[],
): Promise<{ unsent: readonly LinkedAuditEvent[]; failure: Failure | undefined }> {
  if (events.length === 0) return { unsent: [], failure: undefined }
  const subs = [...new Set(events.flatMap(({ subject }) => subject ?? []))]
  const users = new Map((await store.users.findAll(userPoolId, subs)).map((user) => [user.sub, user]))
  const sent = new Set<LinkedAuditEvent>()
  const failures: Failure[] = []
  const end = performance.now() + longest
  const isOver = (): boolean =>
    failures.some(({ kind }) => kind === 'failed') || (sent.size > 0 && performance.now() >= end)
  const lanesOf = Map.groupBy(events, ({ subject, id }) => subject ?? id)
  await inParallel(lanes, [...lanesOf.values()], async (lane) => {
    for (const event of lane) {
      if (isOver()) return
      const outcome = await sender.send(webhook, {
        id: event.id,
        body: eventBody(event, users.get(event.subject ?? '')),
      })
      if (outcome.kind !== 'delivered') return void failures.push({ event, ...outcome })
      sent.add(event)
    }
  })
  const unsent = events.filter((event) => !sent.has(event))
  return { unsent, failure: failures.find(({ event }) => event === unsent[0]) ?? failures[0] }
}

async function inParallel<Item>(
  number: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const workers = Array.from({ length: Math.min(number, waiting.length) }, async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  })
  await Promise.all(workers)
}
