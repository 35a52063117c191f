import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createMailboxReader } from '../../src/messaging/dev-mailbox-reader.ts'
import { createMailboxSender } from '../../src/messaging/email/mailbox-sender.ts'
import { createMailboxSmsSender } from '../../src/messaging/sms/mailbox-sms-sender.ts'
import type { Database } from '../../src/persistence/database.ts'
import { mailboxRepository } from '../../src/persistence/mailbox-repository.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'
import { emptyTables, openMessagingDatabase } from './support/messaging-database.ts'
import { createTestClock } from './support/messaging-fixture.ts'
import { acme, renderFor, sealedBox, verification } from './support/sample-messages.ts'

let database: Database
beforeAll(async () => {
  database = await openMessagingDatabase()
})
afterAll(() => database.close())
afterEach(() => emptyTables(database))

function fixture() {
  const mailbox = mailboxRepository(database.kysely)
  const clock = createTestClock()
  const email = createMailboxSender(mailbox, sealedBox, clock)
  const sms = createMailboxSmsSender(mailbox, sealedBox, clock)
  const { signal } = new AbortController()
  return {
    mailbox,
    clock,
    email,
    sms,
    signal,
    render: renderFor(acme),
    reader: createMailboxReader(mailbox, sealedBox),
  }
}

it('the development mailbox shows what was sent, newest first, and stores it sealed', async () => {
  const { clock, email, sms, signal, render, reader } = fixture()
  await email.send(await render('mail-1', verification()), signal)
  clock.advance(1)
  await sms.send(await render('sms-1', verification({ medium: 'SMS', recipient: '+15550101234' })), signal)
  const { rows } = await sql`select * from mailbox_messages`.execute(database.kysely)
  expect(rows).toHaveLength(2)
  expect(JSON.stringify(rows)).not.toMatch(/493817|jo@example/)
  const messages = await reader.list(10)
  expect(messages).toMatchObject([
    { id: 'sms-1', to: '+15550101234', subject: 'Your code for Acme', text: 'Your code for Acme: 493817', html: '' },
    { id: 'mail-1', to: 'jo@example.com', subject: 'Your code for Acme' },
  ])
  expect(messages[1]!.html).toContain('493817')
  expect(messages[1]!.createdAt).toEqual(new Date('2026-05-01T12:00:00Z'))
  expect(Object.keys(messages[0]!)).toEqual(['id', 'to', 'subject', 'text', 'html', 'createdAt'])
  expect(await reader.list(1)).toHaveLength(1)
  expect(await reader.find('mail-1')).toEqual(messages[1])
  expect(await reader.find('mail-2')).toBeUndefined()
})

it('holds a message once, though the outbox may deliver it twice', async () => {
  const { email, signal, render, reader } = fixture()
  const message = await render('mail-1', verification())
  await email.send(message, signal)
  await email.send(message, signal)
  expect(await reader.list(10)).toHaveLength(1)
})

it('leaves out what was sealed with another secret', async () => {
  const { mailbox, email, signal, render } = fixture()
  await email.send(await render('mail-1', verification()), signal)
  const reader = createMailboxReader(mailbox, createSealedBox('another-secret-of-32-characters-or-more', systemRandom))
  expect(await reader.list(10)).toEqual([])
  expect(await reader.find('mail-1')).toBeUndefined()
})
