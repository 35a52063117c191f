import { expect } from 'vitest'
import type { Mail, TestServer } from './server.ts'

/** All mail, once nothing is on its way any more: for tests that say what was not sent. */
export async function settledMail(server: TestServer): Promise<readonly Mail[]> {
  const { outbox } = server.services.domain.store
  await expect.poll(() => outbox.nextDueAt(), { timeout: 10_000 }).toBeUndefined()
  return server.mail()
}

/** To whom something was sent since, newest first. */
export async function recipientsSince(server: TestServer, known: readonly Mail[]): Promise<readonly string[]> {
  const seen = new Set(known.map(({ id }) => id))
  return (await settledMail(server)).filter(({ id }) => !seen.has(id)).map(({ to }) => to)
}
