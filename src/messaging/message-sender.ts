/** A message with its texts, ready to leave. */
export interface RenderedMessage {
  /** Id of the outbox entry: the same at every try, so that a second delivery can be told for what it is. */
  id: string
  medium: 'EMAIL' | 'SMS'
  /** The bare address. */
  recipient: string
  /** Shown as the sender's name. */
  brandName: string
  /** The pool's own, bare addresses for e-mails; absent: those of the server. */
  sender?: { address?: string; replyTo?: string; smsId?: string }
  /** BCP 47 tag of the texts. */
  lang: string
  subject: string
  text: string
  /** E-mails only. */
  html?: string
}

/** Hands messages to the outside world; one for each medium. */
export interface MessageSender {
  /**
   * Returns once the other side has taken the message.
   * @param signal ends the delivery when it takes too long; the message may have been taken even so
   * @throws DeliveryError, whose text may be logged and stored; anything else is retried
   */
  send(message: RenderedMessage, signal: AbortSignal): Promise<void>
  /** All of `send` but the sending, for a message that reaches nobody: the same work (threat row B14). */
  rehearse?(message: RenderedMessage): Promise<void>
  /** Gives back connections. */
  close(): void
}

/** A failed delivery. Its message is for operators: it must not hold anything of the message's content. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  /** Trying again cannot help. */
  readonly permanent: boolean

  constructor(message: string, options: { permanent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.permanent = options.permanent
  }
}
