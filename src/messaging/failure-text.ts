import type { OutgoingMessage } from '../domain/messages/message.ts'
import { DeliveryError } from './message-sender.ts'

const maximumLength = 200

/**
 * What is stored and logged of a failed delivery: one short line without the message's code, link or recipient
 * (threat row F10), whoever wrote the error's text. Mail servers quote addresses, and may quote more.
 */
export function failureText(error: unknown, message: OutgoingMessage | undefined): string {
  const text =
    error instanceof Error
      ? (error instanceof DeliveryError ? '' : `${error.name}: `) + error.message
      : 'unknown failure'
  const secrets = [message?.code, message?.link, message?.recipient].filter(
    (secret) => secret !== undefined && secret !== '',
  )
  const redacted = secrets.reduce<string>((rest, secret) => redact(rest, secret), text)
  return redacted
    .replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, ' ')
    .trim()
    .slice(0, maximumLength)
}

/** Whatever the case: servers write addresses as they like. */
const redact = (text: string, secret = ''): string =>
  text.replaceAll(new RegExp(secret.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gi'), '[redacted]')
