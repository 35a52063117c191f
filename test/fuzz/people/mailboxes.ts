import { createMailboxReader } from '../../../src/messaging/dev-mailbox-reader.ts'
import { mailboxRepository } from '../../../src/persistence/mailbox-repository.ts'
import { accountsOf, nowOf } from './world.ts'
import type { FlowNote, MailNote, World } from './world.ts'

/** Waits until the outbox is empty and notes what has arrived, with the flow that it was asked for in. */
export async function collectMail(world: World, flow: FlowNote | undefined): Promise<void> {
  const { database, domain } = world.server.services
  if (!(await outboxIsEmpty(world))) {
    const deadline = Date.now() + 20_000
    while (!(await outboxIsEmpty(world))) {
      if (Date.now() > deadline) throw new Error('a message does not leave the outbox')
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const mailbox = createMailboxReader(mailboxRepository(database.kysely), domain.sealedBox)
  const messages = (await mailbox.list(20)).toReversed()
  for (const { id, to, subject, text } of messages) {
    if (world.seenMails.has(id)) continue
    world.seenMails.add(id)
    const account = accountsOf(world).find(({ address }) => address === to)
    if (account?.row !== undefined) note(world, flow, { account, sub: account.row.sub, subject, text })
  }
}

async function outboxIsEmpty(world: World): Promise<boolean> {
  const waiting = await world.server.services.database.kysely
    .selectFrom('outbox')
    .select('id')
    .where('sent_at', 'is', null)
    .where('dead_at', 'is', null)
    .executeTakeFirst()
  return waiting === undefined
}

function note(
  world: World,
  flow: FlowNote | undefined,
  message: Pick<MailNote, 'account' | 'sub'> & { subject: string; text: string },
): void {
  const { subject, text, account, sub } = message
  const common = { account, sub, sentAt: nowOf(world), flow, spent: false }
  const link = /https?:\S+\/confirmUser\?\S+/.exec(text)?.[0]
  if (link !== undefined) {
    const url = new URL(link)
    const code = url.searchParams.get('confirmation_code') ?? ''
    world.mails.push({ ...common, purpose: 'sign_up', code, link: url })
    return
  }
  const code = /\b\d{6}\b/.exec(text)?.[0]
  // The mail to somebody who has an account already holds none.
  if (code === undefined) return
  world.mails.push({
    ...common,
    purpose: subject.startsWith('Your code for a new password') ? 'reset' : 'sign_up',
    code,
  })
}
