import { maskDestination } from '../domain/messages/email-address.ts'
import type { OutgoingMessage } from '../domain/messages/message.ts'
import type { OutboxEntry } from '../domain/ports/outbox-repository.ts'
import { addSeconds } from '../platform/clock.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { failureText } from './failure-text.ts'
import { DeliveryError } from './message-sender.ts'
import type { MessageSender } from './message-sender.ts'
import { readMessage } from './read-message.ts'
import type { MessageRenderer } from './render-message.ts'
import { maximumTries } from './retry-schedule.ts'

export interface DeliveryServices {
  sealedBox: Pick<SealedBox, 'open'>
  render: MessageRenderer
  /** Who takes messages of a medium; those of a medium without one go to the dead letters. */
  senders: Readonly<Partial<Record<OutgoingMessage['medium'], MessageSender>>>
  clock: Clock
  /** Hands a message to the pool's own sender. False: it has none for this message. @throws DeliveryError */
  sendElsewhere?: (message: OutgoingMessage) => Promise<boolean>
}

export type DeliveryOutcome = { about: Readonly<Record<string, string>> } & (
  { sent: true } | { sent: false; error: string; permanent: boolean }
)

/** One try to deliver an entry of the outbox. Never throws. `about` is for the log: it names nobody in full. */
export async function deliverEntry(
  entry: OutboxEntry,
  services: DeliveryServices,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  let message: OutgoingMessage | undefined
  try {
    refuseExhausted(entry)
    message = readMessage(entry.sealedMessage, services.sealedBox)
    await settledOrAborted(send(entry, message, services, signal), signal)
    return { sent: true, about: aboutMessage(message) }
  } catch (error) {
    const permanent = error instanceof DeliveryError && error.permanent
    return { sent: false, permanent, error: failureText(error, message), about: aboutMessage(message) }
  }
}

async function send(
  entry: OutboxEntry,
  message: OutgoingMessage,
  { render, senders, clock, sendElsewhere = async () => false }: DeliveryServices,
  signal: AbortSignal,
): Promise<void> {
  if (hasExpired(message, entry.createdAt, clock)) {
    throw new DeliveryError('what the message carries has expired', { permanent: true })
  }
  if (message.forNobody === true) return rehearse(entry, message, { render, senders }).catch(() => undefined)
  if (await sendElsewhere(message)) return
  const sender = senders[message.medium]
  if (sender === undefined) throw new DeliveryError(`nothing is set up to send ${message.medium}`, { permanent: true })
  await sender.send(await render(entry.id, message), signal)
}

/** What goes wrong with it is of no consequence: it goes wrong with real ones as well, and is told of there. */
async function rehearse(
  entry: OutboxEntry,
  message: OutgoingMessage,
  { render, senders }: Pick<DeliveryServices, 'render' | 'senders'>,
): Promise<void> {
  const rendered = await render(entry.id, message)
  await senders[message.medium]?.rehearse?.(rendered)
}

/** Tries are counted as they begin: a message that brings down the process each time must not do so for ever. */
function refuseExhausted(entry: OutboxEntry): void {
  if (entry.attempts < maximumTries) return
  throw new DeliveryError(`${entry.attempts} tries were begun and the last did not end`, { permanent: true })
}

/** A code that no longer works is of no use to anyone, and looks like an answer to a later request. */
function hasExpired(message: OutgoingMessage, createdAt: Date, clock: Clock): boolean {
  if (message.validForMinutes === undefined) return false
  return addSeconds(createdAt, message.validForMinutes * 60) <= clock.now()
}

/** Not every sender can be stopped; the outbox must go on all the same. */
function settledOrAborted(sending: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DeliveryError('the delivery took too long or was stopped', { permanent: false }))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    sending.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

const aboutMessage = (message: OutgoingMessage | undefined): Readonly<Record<string, string>> =>
  message === undefined
    ? {}
    : {
        kind: message.kind,
        userPoolId: message.userPoolId,
        medium: message.medium,
        to: message.forNobody === true ? 'nobody' : maskDestination(message.medium, message.recipient),
      }
