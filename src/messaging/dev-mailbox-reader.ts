import type { DevMailbox } from '../domain/ports/dev-mailbox.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { openMailboxContent } from './mailbox-message.ts'

/** A message as `/dev/mail` shows it. */
export interface MailboxMessage {
  id: string
  to: string
  subject: string
  text: string
  /** Empty for an SMS. */
  html: string
  createdAt: Date
}

export interface MailboxReader {
  /** Newest first. Messages sealed with another LATCHKEY_SECRET are left out. */
  list(limit: number): Promise<readonly MailboxMessage[]>
  find(id: string): Promise<MailboxMessage | undefined>
}

/** Reads the development mailbox. */
export function createMailboxReader(
  devMailbox: Pick<DevMailbox, 'list' | 'find'>,
  sealedBox: Pick<SealedBox, 'open'>,
): MailboxReader {
  const open = (row: { id: string; sealedMessage: string; createdAt: Date }): MailboxMessage | undefined => {
    const content = openMailboxContent(row.sealedMessage, sealedBox)
    if (content === undefined) return undefined
    const { to, subject, text, html } = content
    return { id: row.id, to, subject, text, html, createdAt: row.createdAt }
  }
  return {
    async list(limit) {
      const rows = await devMailbox.list(limit)
      return rows.map(open).filter((message) => message !== undefined)
    },
    async find(id) {
      // PostgreSQL takes no NUL in a text.
      if (id.includes('\0')) return undefined
      const row = await devMailbox.find(id)
      return row === undefined ? undefined : open(row)
    },
  }
}
