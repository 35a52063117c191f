import { createTransport } from 'nodemailer'
import { parseEmailAddress } from '../../domain/messages/email-address.ts'
import { DeliveryError } from '../message-sender.ts'
import type { MessageSender, RenderedMessage } from '../message-sender.ts'
import { smtpFailure } from './smtp-failure.ts'
import { parseSmtpUrl } from './smtp-url.ts'

export interface SmtpSenderOptions {
  /** SMTP_URL; see `parseSmtpUrl`. */
  url: string
  /** Bare address that messages come from; replies to it are not expected. */
  from: string
  /** Connections held open at once; the outbox's parallelism. Default 4. */
  maxConnections?: number
}

// Well below the time the outbox gives a delivery, so that the reason is known and not just that it took too long.
const timeouts = { dnsTimeout: 10_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

/** A message is text alone: whatever it says, nodemailer must fetch nothing for it. */
const sealedOff = { disableFileAccess: true, disableUrlAccess: true }

/** RFC 2606 §2: no mail ever gets there. */
const nobodysAddress = 'nobody@example.invalid'

/**
 * Sends e-mail through a mail server, over pooled connections.
 * @throws when the URL or the sender's address is malformed
 */
export function createSmtpSender(options: SmtpSenderOptions): MessageSender {
  const from = options.from
  if (!isSenderAddress(from)) throw new Error('The address that e-mail comes from is not a plain e-mail address')
  const { maxConnections = 4 } = options
  const transport = createTransport({
    ...parseSmtpUrl(options.url),
    ...timeouts,
    pool: true,
    maxConnections,
    // Only a message of which nothing was sent is queued again there; all else is the outbox's to retry.
    maxRequeues: 1,
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    ...sealedOff,
  })
  const rehearsal = createTransport({ streamTransport: true, buffer: true, ...sealedOff })
  return {
    async rehearse(message) {
      await rehearsal.sendMail(composeMail({ ...message, recipient: nobodysAddress }, from))
    },
    async send(message, signal) {
      const mail = composeMail(message, from)
      try {
        await transport.sendMail({ ...mail, signal })
      } catch (error) {
        throw smtpFailure(error)
      }
    },
    close: () => transport.close(),
  }
}

/**
 * The mail as nodemailer takes it. Addresses are objects and the envelope is explicit, so that no address is ever parsed
 * out of a text (threat row E5).
 * @throws DeliveryError, permanent, when the recipient or a header value is not fit to be sent
 */
function composeMail(message: RenderedMessage, usual: string) {
  if (parseEmailAddress(message.recipient) !== message.recipient) {
    throw new DeliveryError('the recipient is not a plain e-mail address', { permanent: true })
  }
  const { id, recipient, brandName, subject, lang } = message
  const { address: from = usual, replyTo } = message.sender ?? {}
  if (!isSenderAddress(from) || (replyTo !== undefined && parseEmailAddress(replyTo) !== replyTo)) {
    throw new DeliveryError('the sender is not a plain e-mail address', { permanent: true })
  }
  for (const [name, value] of Object.entries({ id, brandName, subject, lang })) refuseLineBreaks(name, value)
  return {
    from: { name: brandName, address: from },
    to: { name: '', address: recipient },
    ...(replyTo === undefined ? {} : { replyTo: { name: '', address: replyTo } }),
    envelope: { from, to: [recipient] },
    messageId: `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    subject,
    text: message.text,
    ...(message.html === undefined ? {} : { html: message.html }),
    headers: {
      // RFC 3834 §5, and what Exchange understands: no out-of-office replies to a machine.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'Content-Language': lang,
    },
    xMailer: false as const,
  }
}

/** Threat row E6: a line break in a header value starts another header. */
function refuseLineBreaks(name: string, value: string): void {
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) {
    throw new DeliveryError(`the message's ${name} holds a control character`, { permanent: true })
  }
}

/** A plain address; `…@localhost` too, since an installation on one machine may have no other name. */
const isSenderAddress = (address: string): boolean =>
  parseEmailAddress(address.replace(/@localhost$/, '@localhost.test')) !== undefined && /^[\x21-\x7e]+$/.test(address)
