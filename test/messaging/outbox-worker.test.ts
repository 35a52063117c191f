import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createSmtpSender } from '../../src/messaging/email/smtp-sender.ts'
import { DeliveryError, type MessageSender } from '../../src/messaging/message-sender.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'
import { systemRandom } from '../../src/platform/random.ts'
import type { Database } from '../../src/persistence/database.ts'
import { emptyTables, openMessagingDatabase } from './support/messaging-database.ts'
import { createMessagingFixture, type MessagingFixture } from './support/messaging-fixture.ts'
import { acme } from './support/sample-messages.ts'
import { startSmtpServer, type TestSmtpServer } from './support/smtp-server.ts'

let database: Database
beforeAll(async () => {
  database = await openMessagingDatabase()
})
afterAll(() => database.close())

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await emptyTables(database)
})

function fixture(presentation = acme): MessagingFixture {
  const messaging = createMessagingFixture(database, { presentation })
  cleanups.push(() => messaging.stop())
  return messaging
}

async function smtp(options?: Parameters<typeof startSmtpServer>[0]): Promise<TestSmtpServer> {
  const server = await startSmtpServer(options)
  cleanups.unshift(() => server.stop())
  return server
}

const emailBy = (url: string) => ({ EMAIL: createSmtpSender({ url, from: 'no-reply@acme.example' }) })

/** A sender of our own making, with the ids of what it was given. */
function fakeSender(send: MessageSender['send'] = async () => {}) {
  const ids: string[] = []
  const sender = { send: vi.fn<MessageSender['send']>(), close: vi.fn() }
  sender.send.mockImplementation(async (message, signal) => {
    ids.push(message.id)
    await send(message, signal)
  })
  return { ids, sender }
}

describe('a message in the outbox', () => {
  it('is delivered, and forgotten', async () => {
    const messaging = fixture()
    const server = await smtp()
    await messaging.enqueue()
    expect((await messaging.row()).sealedMessage).not.toContain('493817')
    messaging.startWorker({ senders: emailBy(server.url) })
    await messaging.untilState('sent')
    const [mail] = server.received
    expect(mail!.to).toEqual(['jo@example.com'])
    expect(mail!.parsed.subject).toBe('Your code for Acme')
    expect(mail!.parsed.text).toContain('493817')
    expect(mail!.parsed.messageId).toBe(`<${(await messaging.row()).id}@acme.example>`)
  })

  it('for nobody: made like any other, and sent nowhere (threat row B14)', async () => {
    const messaging = fixture()
    const server = await smtp()
    const rehearse = vi.fn()
    const { sender, ids } = fakeSender()
    const sendElsewhere = vi.fn(async () => true)
    await messaging.enqueue({ forNobody: true })
    messaging.startWorker({ senders: { EMAIL: { ...sender, rehearse } }, sendElsewhere })
    await messaging.untilState('sent')
    expect(rehearse.mock.calls).toMatchObject([[{ subject: 'Your code for Acme' }]])
    expect([ids, sendElsewhere.mock.calls]).toEqual([[], []])
    expect(messaging.log.text()).toContain('"to":"nobody"')
    await createSmtpSender({ url: server.url, from: 'no-reply@acme.example' }).rehearse?.(rehearse.mock.calls[0]?.[0])
    expect(server.received).toEqual([])
  })

  it('for nobody is no dead letter, whatever goes wrong', async () => {
    const messaging = fixture()
    const rehearse = vi.fn(() => Promise.reject(new Error('no template')))
    await messaging.enqueue({ forNobody: true })
    messaging.startWorker({ senders: { EMAIL: { ...fakeSender().sender, rehearse } } })
    await messaging.untilState('sent')
    expect(rehearse).toHaveBeenCalled()
    await messaging.enqueue({ forNobody: true, medium: 'SMS' })
    messaging.startWorker({ senders: {} })
    await messaging.untilState('sent', 1)
  })

  it('leaves at once when the worker is woken', async () => {
    const messaging = fixture()
    const { sender } = fakeSender()
    const worker = messaging.startWorker({ senders: { EMAIL: sender }, pollMs: 60_000 })
    await sleep(50)
    await messaging.enqueue()
    for (let i = 0; i < 100; i++) worker.wake()
    await messaging.untilState('sent')
  })

  it('is tried again when the server says later, after the time that it was given', async () => {
    const messaging = fixture()
    const server = await smtp()
    server.refuse.recipients.push({ responseCode: 451, message: 'Greylisted' }, { responseCode: 451, message: 'Still' })
    await messaging.enqueue()
    const worker = messaging.startWorker({ senders: emailBy(server.url) })
    await messaging.untilFailed(1)
    const pauses = [(await messaging.row()).dueAt!.getTime() - messaging.clock.now().getTime()]
    messaging.clock.advance(7)
    worker.wake()
    await sleep(100)
    expect((await messaging.row()).attempts).toBe(1)
    messaging.clock.advance(6)
    worker.wake()
    await messaging.untilFailed(2)
    pauses.push((await messaging.row()).dueAt!.getTime() - messaging.clock.now().getTime())
    messaging.clock.advance(37)
    worker.wake()
    await messaging.untilState('sent')
    expect(server.received).toHaveLength(1)
    for (const [index, nominal] of [10_000, 30_000].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(nominal * 0.8)
      expect(pauses[index]).toBeLessThanOrEqual(nominal * 1.2)
    }
  })

  it('waits for a server that is down', async () => {
    const messaging = fixture()
    const server = await startSmtpServer()
    await server.stop()
    await messaging.enqueue()
    const worker = messaging.startWorker({ senders: emailBy(server.url) })
    await messaging.untilFailed(1)
    const again = await smtp({ port: server.port })
    messaging.clock.advance(15)
    worker.wake()
    await messaging.untilState('sent')
    expect(again.received).toHaveLength(1)
  })

  it('is given up on at once when the recipient is refused for good', async () => {
    const messaging = fixture()
    const server = await smtp()
    server.refuse.recipients.push({ responseCode: 550, message: '5.1.1 <JO@example.com>: no such user' })
    await messaging.enqueue()
    messaging.startWorker({ senders: emailBy(server.url) })
    await messaging.untilState('dead')
    const [letter] = await messaging.outbox.deadLetters(10)
    expect(letter!.error).toBe('SMTP 550 5.1.1 at RCPT TO <[redacted]>: no such user')
  })

  it('is given up on after eight tries, about a day', async () => {
    const messaging = fixture()
    const started = messaging.clock.now()
    const { sender, ids } = fakeSender(() => Promise.reject(new DeliveryError('busy', { permanent: false })))
    await messaging.enqueue({ validForMinutes: 10_080 })
    const worker = messaging.startWorker({ senders: { EMAIL: sender } })
    for (let tries = 1; tries < 8; tries++) {
      await messaging.untilFailed(tries)
      messaging.clock.advance(((await messaging.row()).dueAt!.getTime() - messaging.clock.now().getTime()) / 1000)
      worker.wake()
    }
    await messaging.untilState('dead')
    expect(ids).toHaveLength(8)
    const hours = (messaging.clock.now().getTime() - started.getTime()) / 3_600_000
    expect(hours).toBeGreaterThan(18)
    expect(hours).toBeLessThan(29)
  })

  it.each([
    ['there is no sender for', { medium: 'SMS', recipient: '+15550101234' } as const, 'nothing is set up to send SMS'],
    ['nobody can address', { recipient: '"e@attacker.example"@victim.example' }, 'the recipient is not a plain e-mail'],
    ['has nothing in it', { code: '' }, 'not one that this version knows'],
  ])('that %s goes to the dead letters at once', async (_, change, reason) => {
    const messaging = fixture()
    await messaging.enqueue(change)
    messaging.startWorker({ senders: emailBy('smtp://127.0.0.1:9') })
    await messaging.untilState('dead')
    expect((await messaging.row()).error).toContain(reason)
  })

  it('that cannot be opened goes to the dead letters, and leaves from there with the right secret', async () => {
    const messaging = fixture()
    const { sender } = fakeSender()
    await messaging.enqueue()
    const first = messaging.startWorker({ senders: {}, sealedBox: createSealedBox('x'.repeat(32), systemRandom) })
    await messaging.untilState('dead')
    expect((await messaging.row()).error).toContain('LATCHKEY_SECRET')
    await first.stop()
    await messaging.outbox.retryDeadLetters(messaging.clock.now())
    messaging.startWorker({ senders: { EMAIL: sender } })
    await messaging.untilState('sent')
  })

  it('that brought down the process at every try is left alone at last', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender()
    await messaging.enqueue()
    for (let tries = 0; tries < 8; tries++) {
      await messaging.outbox.take({ limit: 1, leaseSeconds: 10, at: messaging.clock.now() })
      messaging.clock.advance(10)
    }
    messaging.startWorker({ senders: { EMAIL: sender } })
    await messaging.untilState('dead')
    expect(ids).toEqual([])
  })

  it('with a code that has expired is not sent any more', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender()
    await messaging.enqueue({ kind: 'reset', validForMinutes: 60 })
    messaging.clock.advance(3600)
    messaging.startWorker({ senders: { EMAIL: sender } })
    await messaging.untilState('dead')
    expect(ids).toEqual([])
  })
})

describe('several workers', () => {
  it('deliver what a dead one had taken, once its lease is over', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender()
    await messaging.enqueue()
    // What a process that is killed in the middle of a delivery leaves behind.
    await messaging.outbox.take({ limit: 4, leaseSeconds: 120, at: messaging.clock.now() })
    const worker = messaging.startWorker({ senders: { EMAIL: sender } })
    messaging.clock.advance(119)
    worker.wake()
    await sleep(100)
    expect(ids).toEqual([])
    messaging.clock.advance(1)
    worker.wake()
    await messaging.untilState('sent')
    expect(ids).toHaveLength(1)
  })

  it('deliver every message once', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender(() => sleep(5))
    const senders = { EMAIL: sender }
    const workers = [messaging.startWorker({ senders }), messaging.startWorker({ senders })]
    for (let i = 0; i < 60; i++) {
      await messaging.enqueue()
      workers[i % 2]!.wake()
    }
    await vi.waitFor(async () => expect((await messaging.rows()).every((row) => row.state === 'sent')).toBe(true), {
      timeout: 5000,
    })
    expect(ids).toHaveLength(60)
    expect(new Set(ids).size).toBe(60)
  })

  it('never deliver more at once than they are told', async () => {
    const messaging = fixture()
    let open = 0
    let most = 0
    const { sender } = fakeSender(async () => {
      most = Math.max(most, ++open)
      await sleep(5)
      open--
    })
    for (let i = 0; i < 20; i++) await messaging.enqueue()
    messaging.startWorker({ senders: { EMAIL: sender }, concurrency: 3 })
    await messaging.untilState('sent', 19)
    expect(most).toBe(3)
  })

  it('leave a message alone when taking it took most of its lease', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender()
    await messaging.enqueue()
    const take: typeof messaging.outbox.take = async (request) => {
      const entries = await messaging.outbox.take(request)
      if (entries.length > 0) messaging.clock.advance(61)
      return entries
    }
    messaging.startWorker({ senders: { EMAIL: sender }, outbox: { ...messaging.outbox, take } })
    await sleep(100)
    expect(ids).toEqual([])
  })
})

describe('a delivery that takes too long', () => {
  it('is ended and tried again', async () => {
    const messaging = fixture()
    const { sender } = fakeSender(() => new Promise(() => {}))
    await messaging.enqueue()
    messaging.startWorker({ senders: { EMAIL: sender }, deliveryTimeoutMs: 100 })
    await messaging.untilFailed(1)
    expect((await messaging.row()).error).toBe('the delivery took too long or was stopped')
    expect(sender.send.mock.calls[0]![1].aborted).toBe(true)
  })
})

describe('a database that is away', () => {
  it('is not asked over and over, however often the worker is woken', async () => {
    const messaging = fixture()
    const { sender } = fakeSender()
    const take = vi.fn<typeof messaging.outbox.take>(() => Promise.reject(new Error('connection refused')))
    const worker = messaging.startWorker({ senders: { EMAIL: sender }, outbox: { ...messaging.outbox, take } })
    for (let i = 0; i < 70; i++) {
      worker.wake()
      await sleep(10)
    }
    expect(take).toHaveBeenCalledTimes(1)
    await messaging.enqueue()
    take.mockImplementation((request) => messaging.outbox.take(request))
    await messaging.untilState('sent')
  })

  it('gets to know of a delivery when it is back, and the message is not sent twice', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender()
    const markSent = vi
      .fn<typeof messaging.outbox.markSent>((id, at) => messaging.outbox.markSent(id, at))
      .mockRejectedValueOnce(new Error('connection refused'))
    await messaging.enqueue()
    messaging.startWorker({ senders: { EMAIL: sender }, outbox: { ...messaging.outbox, markSent } })
    await messaging.untilState('sent')
    expect(ids).toHaveLength(1)
  })
})

describe('an idle worker', () => {
  it('hardly asks', async () => {
    const messaging = fixture()
    const take = vi.fn(messaging.outbox.take)
    const nextDueAt = vi.fn(messaging.outbox.nextDueAt)
    messaging.startWorker({ senders: {}, outbox: { ...messaging.outbox, take, nextDueAt } })
    await sleep(1500)
    expect(take).toHaveBeenCalledTimes(1)
    expect(nextDueAt.mock.calls.length).toBeLessThanOrEqual(2)
  })

  it('finds what another process has put there', async () => {
    const messaging = fixture()
    const { sender } = fakeSender()
    messaging.startWorker({ senders: { EMAIL: sender }, pollMs: 50 })
    await sleep(20)
    await messaging.enqueue()
    await messaging.untilState('sent')
  })
})

describe('stopping', () => {
  it('waits for the messages in hand and takes no more', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender(() => sleep(200))
    for (let i = 0; i < 6; i++) await messaging.enqueue()
    const worker = messaging.startWorker({ senders: { EMAIL: sender } })
    await vi.waitFor(() => expect(ids).toHaveLength(4))
    await worker.stop()
    const states = (await messaging.rows()).map((row) => row.state)
    expect(states.toSorted()).toEqual(['queued', 'queued', 'sent', 'sent', 'sent', 'sent'])
    expect(sender.close).toHaveBeenCalled()
    expect(() => worker.start()).toThrow('does not start again')
  })

  it('does not wait for ever, and leaves what it let go to the next worker', async () => {
    const messaging = fixture()
    const { sender, ids } = fakeSender(() => new Promise(() => {}))
    await messaging.enqueue()
    const worker = messaging.startWorker({ senders: { EMAIL: sender }, stopTimeoutMs: 50 })
    await vi.waitFor(() => expect(ids).toHaveLength(1))
    await worker.stop()
    expect(await messaging.row()).toMatchObject({ state: 'queued', attempts: 1 })
  })

  it('works before there was a start, and when idle', async () => {
    const messaging = fixture()
    await messaging.startWorker({ senders: {} }).stop()
  })
})

describe('the log', () => {
  it('and the stored error never hold the code, the link or the address', async () => {
    const messaging = fixture()
    const server = await smtp()
    const link = 'https://login.acme.example/login?flow=f3c9a1'
    const quoting = { responseCode: 451, message: `4.7.1 jo@example.com says 493817 at ${link}` }
    server.refuse.recipients.push(quoting)
    server.refuse.data.push(quoting)
    await messaging.enqueue({ link })
    const worker = messaging.startWorker({ senders: emailBy(server.url) })
    const errors: unknown[] = []
    for (const seconds of [15, 40]) {
      await messaging.untilFailed(errors.length + 1)
      errors.push((await messaging.row()).error)
      messaging.clock.advance(seconds)
      worker.wake()
    }
    await messaging.untilState('sent')
    await worker.stop()
    expect(errors[0]).toContain('[redacted] says [redacted] at [redacted]')
    const written = `${messaging.log.text()}${JSON.stringify(errors)}${JSON.stringify(await messaging.rows())}`
    expect(messaging.log.lines.length).toBeGreaterThanOrEqual(3)
    for (const secret of ['493817', 'jo@example.com', 'f3c9a1']) expect(written).not.toContain(secret)
  })

  it('does not hold them either when something breaks that should not', async () => {
    const messaging = fixture()
    await messaging.enqueue()
    const render = () => Promise.reject(new TypeError('cannot print 493817 for jo@example.com\r\nlevel=fatal'))
    const { sender } = fakeSender()
    messaging.startWorker({ senders: { EMAIL: sender }, render })
    await messaging.untilFailed(1)
    expect((await messaging.row()).error).toBe('TypeError: cannot print [redacted] for [redacted] level=fatal')
    expect(messaging.log.text()).not.toContain('493817')
  })
})

it('the brand of the pool is the sender’s name', async () => {
  const messaging = fixture({ ...acme, brand: { name: 'Größe "& Söhne" <x@y.example>' } })
  const server = await smtp()
  await messaging.enqueue()
  messaging.startWorker({ senders: emailBy(server.url) })
  await messaging.untilState('sent')
  expect(server.received[0]!.parsed.from).toEqual({
    name: 'Größe "& Söhne" <x@y.example>',
    address: 'no-reply@acme.example',
  })
})
