export interface OutboxEntry {
  id: string
  /** The message, sealed: it may carry a code. */
  sealedMessage: string
  attempts: number
  createdAt: Date
}

export interface OutboxRepository {
  add(entry: { id: string; userPoolId: string; sealedMessage: string; at: Date }): Promise<void>
  /**
   * Takes up to `limit` due messages for `leaseSeconds`, so that no other process takes them meanwhile
   * (`for update skip locked`); a process that dies leaves them to the next one.
   */
  take(request: { limit: number; leaseSeconds: number; at: Date }): Promise<readonly OutboxEntry[]>
  /** Forgets the message's text as well. */
  markSent(id: string, at: Date): Promise<void>
  markFailed(id: string, failure: { error: string; retryAt: Date | undefined; at: Date }): Promise<void>
  /**
   * Makes every waiting message due now. For a process that knows itself alone with the database: what another one had
   * taken died with it, and need not wait for the end of a lease.
   */
  releaseAll(at: Date): Promise<void>
  /** Messages given up on, newest first. */
  deadLetters(limit: number): Promise<readonly { id: string; userPoolId: string; error: string; createdAt: Date }[]>
  /** Puts dead letters back in the queue. @returns the user pool of each */
  retryDeadLetters(at: Date): Promise<readonly string[]>
  /** When the next message is due, for an idle worker. */
  nextDueAt(): Promise<Date | undefined>
}
