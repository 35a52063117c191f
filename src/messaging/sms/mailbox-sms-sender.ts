import type { DevMailbox } from '../../domain/ports/dev-mailbox.ts'
import type { Clock } from '../../platform/clock.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import { createDevMailboxSender } from '../mailbox-message.ts'
import type { MessageSender } from '../message-sender.ts'

/** "Sends" SMS to the development mailbox. The subject is there for the list only: an SMS has none. */
export const createMailboxSmsSender = (
  devMailbox: Pick<DevMailbox, 'add' | 'find'>,
  sealedBox: Pick<SealedBox, 'seal'>,
  clock: Clock,
): MessageSender =>
  createDevMailboxSender(devMailbox, sealedBox, clock, ({ recipient, subject, text }) => ({
    medium: 'SMS',
    to: recipient,
    subject,
    text,
    html: '',
  }))
