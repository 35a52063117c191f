/** Messages that a development server shows instead of sending them, newest 200 kept. */
export interface DevMailbox {
  /**
   * A message that is there already stays as it is.
   * @param entry.sealedMessage the message, sealed: it may carry a code
   */
  add(entry: { id: string; sealedMessage: string; at: Date }): Promise<void>
  /** Newest first. */
  list(limit: number): Promise<readonly DevMailboxEntry[]>
  find(id: string): Promise<DevMailboxEntry | undefined>
  clear(): Promise<void>
}

export interface DevMailboxEntry {
  id: string
  sealedMessage: string
  createdAt: Date
}
