import { z } from 'zod'
import type { DevMailbox } from '../domain/ports/dev-mailbox.ts'
import type { Clock } from '../platform/clock.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import type { MessageSender } from './message-sender.ts'

const purpose = 'dev-mailbox'

const mailboxContent = z.object({
  medium: z.enum(['EMAIL', 'SMS']),
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
})

export type MailboxContent = z.infer<typeof mailboxContent>

/** A sender that delivers to the development mailbox: sealed, since what is in it opens accounts. */
export function createDevMailboxSender(
  devMailbox: Pick<DevMailbox, 'add' | 'find'>,
  sealedBox: Pick<SealedBox, 'seal'>,
  clock: Clock,
  toContent: (message: Parameters<MessageSender['send']>[0]) => MailboxContent,
): MessageSender {
  return {
    async send(message) {
      // The outbox delivers at least once; the mailbox holds a message once.
      if ((await devMailbox.find(message.id)) !== undefined) return
      const sealedMessage = sealedBox.seal(JSON.stringify(toContent(message)), purpose)
      await devMailbox.add({ id: message.id, sealedMessage, at: clock.now() })
    },
    close() {},
  }
}

/** @returns undefined for what was sealed with another LATCHKEY_SECRET, or by a version that stored something else */
export function openMailboxContent(
  sealedMessage: string,
  sealedBox: Pick<SealedBox, 'open'>,
): MailboxContent | undefined {
  try {
    return mailboxContent.parse(JSON.parse(sealedBox.open(sealedMessage, purpose)))
  } catch {
    return undefined
  }
}
