import type { DevMailbox } from '../../domain/ports/dev-mailbox.ts'
import type { Clock } from '../../platform/clock.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import { createDevMailboxSender } from '../mailbox-message.ts'
import type { MessageSender } from '../message-sender.ts'

/** "Sends" e-mail to the development mailbox, where `/dev/mail` shows it. */
export const createMailboxSender = (
  devMailbox: Pick<DevMailbox, 'add' | 'find'>,
  sealedBox: Pick<SealedBox, 'seal'>,
  clock: Clock,
): MessageSender =>
  createDevMailboxSender(devMailbox, sealedBox, clock, ({ recipient, subject, text, html = '' }) => ({
    medium: 'EMAIL',
    to: recipient,
    subject,
    text,
    html,
  }))
