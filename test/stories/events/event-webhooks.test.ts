import type { ServerResponse } from 'node:http'
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { linkWaitingEvents } from '../../../src/domain/audit/link-events.ts'
import { deliverEvents } from '../../../src/domain/events/deliver-events.ts'
import { deleteUser, setUserPassword } from '../../../src/domain/users/administer-user.ts'
import { replayEvents, listReceivers, testReceiver } from '../../../src/app/administration/event-commands.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { TriggerReceiver } from '../../support/trigger-receiver.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* What has happened is told to whoever the operator names: signed, at least once, and of each user in its order. */

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

interface Told {
  type: string
  timestamp: string
  data: {
    EventId: string
    UserPoolId: string
    Sequence: number
    Sub?: string
    EventResponse: string
    User?: { Username: string; UserAttributes: { Name: string; Value: string }[] }
    Detail?: unknown
  }
}

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  let receiver: TriggerReceiver
  const clock = movableClock()
  beforeAll(async () => {
    receiver = await startTriggerReceiver()
    const hook = { Webhook: receiver.url, Secret: secret, AllowPrivateAddresses: true, TimeoutSeconds: 1 }
    const pool = (name: string, EventWebhooks: object[]) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      EventWebhooks,
      Clients: [{ ClientId: name, CallbackURLs: [callback] }],
    })
    const configuration = JSON.stringify({
      UserPools: [
        pool('told', [{ ...hook, Name: 'crm' }]),
        pool('choosy', [{ ...hook, Name: 'security', Types: ['SignIn', 'ResendCode'], Outcomes: ['Pass', 'Fail'] }]),
        pool('quiet', []),
      ],
    })
    server = await startServer({ database, configuration, clock })
  })
  afterAll(async () => {
    await server.stop()
    await receiver.stop()
  })
  beforeEach(async () => {
    receiver.react({ '*': () => ({}) })
    await settle()
    receiver.received.length = 0
  })

  const domain = () => server.services.domain
  const deliveryOf = async (pool = 'told') => (await domain().store.eventDeliveries.ofPool(`eu-west-1_${pool}`))[0]
  /** Until the receiver has been told of everything, or has failed. The server's own rounds do the same beside it. */
  async function settle(pool = 'told'): Promise<void> {
    await linkWaitingEvents(domain(), { wait: true })
    await domain().store.eventDeliveries.ensure(
      [{ userPoolId: `eu-west-1_${pool}`, name: pool === 'told' ? 'crm' : 'security' }],
      clock.now(),
    )
    await expect
      .poll(
        async () => {
          await deliverEvents({ ...domain(), sender: server.services.eventSender }, server.services.directory.all())
          const waiting = await domain().store.eventDeliveries.due(clock.now(), 10)
          const leased = await server.services.database.kysely
            .selectFrom('event_deliveries')
            .select('name')
            .where('lease', 'is not', null)
            .execute()
          return waiting.length + leased.length
        },
        { timeout: 20_000, interval: 20 },
      )
      .toBe(0)
  }
  const told = (): Told[] => receiver.received.map(({ body }) => JSON.parse(body) as Told)
  const haveUser = (name: string, pool = 'told') =>
    haveAccount(server, { username: `${name}@example.com`, password: goodPassword, userPoolId: `eu-west-1_${pool}` })
  const enter = async (username: string, password = goodPassword, pool = 'told') =>
    (await visitorAt(`${server.publicUrl}/eu-west-1_${pool}`, pool, {})).login.submit({ username, password })
  const administration = () => ({ ...server.services, publicUrl: server.publicUrl, region: 'eu-west-1' })

  test('sign-up, confirmation and sign-in are told, signed, with the user as they are', async () => {
    const { login } = await visitorAt(`${server.publicUrl}/eu-west-1_told`, 'told', {})
    const username = 'ada@example.com'
    const form = await login.follow('Create an account')
    const confirming = await form.submit({ username, password: goodPassword })
    expect(whereItIs(await confirming.submit({ code: await server.codeFor(username) }))).toBe('the app')
    await settle()
    expect(told().map(({ type }) => type)).toEqual(expect.arrayContaining(['SignUp', 'ConfirmSignUp']))
    const [first] = receiver.received
    const headers = first?.headers as Record<string, string>
    const verified = new Webhook(secret).verify(first?.body ?? '', headers) as Told
    expect(verified).toMatchObject({
      type: 'SignUp',
      data: {
        UserPoolId: 'eu-west-1_told',
        EventResponse: 'Pass',
        ClientId: 'told',
        Actor: 'user',
        User: { UserStatus: 'CONFIRMED', Enabled: true },
      },
    })
    expect(headers['webhook-id']).toBe(verified.data.EventId)
    const { User: user, Sub: sub } = verified.data
    expect(user?.UserAttributes).toEqual(
      expect.arrayContaining([
        { Name: 'sub', Value: sub },
        { Name: 'email', Value: username },
      ]),
    )
    expect(receiver.received.map(({ body }) => body).join('')).not.toContain('argon2')
  })

  test('failures are not, and neither is what befell nobody', async () => {
    const user = await haveUser('grace')
    await enter('grace@example.com', 'Not-the-one-1')
    await enter('nobody@example.com', 'Not-the-one-1')
    // A sign-up with an address that has an account is none.
    const { login } = await visitorAt(`${server.publicUrl}/eu-west-1_told`, 'told', {})
    await (await login.follow('Create an account')).submit({ username: 'grace@example.com', password: goodPassword })
    await deleteUser(domain(), user)
    await settle()
    expect(told().map(({ type, data }) => [type, data.Sub, data.User === undefined])).toEqual([
      ['UserCreate', user.sub, true],
      ['UserDelete', user.sub, true],
    ])
  })

  test('a receiver gets the types and outcomes that it names', async () => {
    await haveUser('choosy', 'choosy')
    await settle('choosy')
    receiver.received.length = 0
    await enter('choosy@example.com', goodPassword, 'choosy')
    await enter('choosy@example.com', 'Not-the-one-1', 'choosy')
    // Somebody else signs up with this address: no code goes to its owner, whatever the outcome is called.
    const { login } = await visitorAt(`${server.publicUrl}/eu-west-1_choosy`, 'choosy', {})
    const form = await login.follow('Create an account')
    const confirming = await form.submit({ username: 'choosy@example.com', password: 'The-attackers-1852' })
    clock.pass(31)
    await confirming.submit({}, 'Send a new code')
    await settle('choosy')
    expect(told().map(({ type, data }) => [type, data.EventResponse])).toEqual([
      ['SignIn', 'Pass'],
      ['SignIn', 'Fail'],
    ])
  })

  test('while the receiver is away everything waits, and comes once it is back, of each user in order', async () => {
    receiver.react({ '*': (_event, response: ServerResponse) => (response.writeHead(503).end(), 'answered') })
    const users = await Promise.all(['a', 'b', 'c'].map((name) => haveUser(`away-${name}`)))
    for (const user of users) {
      await setUserPassword(domain(), userPoolOf(server, 'eu-west-1_told'), user, 'Different-1852', true)
      await setUserPassword(domain(), userPoolOf(server, 'eu-west-1_told'), user, 'Different-1853', true)
    }
    await settle()
    const waiting = await deliveryOf()
    expect(waiting).toMatchObject({ attempts: 1, lastError: expect.stringContaining('answered 503') as string })
    expect(waiting!.nextAt.getTime()).toBeGreaterThan(clock.now().getTime())
    receiver.received.length = 0
    receiver.react({ '*': () => ({}) })
    await settle()
    expect(told()).toEqual([])
    clock.pass(11)
    await settle()
    for (const { sub } of users) {
      const own = told().filter(({ data }) => data.Sub === sub)
      expect(own.map(({ type }) => type)).toEqual(['UserCreate', 'UserSetPassword', 'UserSetPassword'])
      const order = own.map(({ data }) => data.Sequence)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
    expect(await deliveryOf()).toMatchObject({ attempts: 0, skipped: 0 })
    expect((await deliveryOf())?.lastError).toBeUndefined()
  })

  test('a receiver that is slow to answer holds the lease no longer than it lasts, and misses nothing', async () => {
    const { eventDeliveries } = domain().store
    const name = { userPoolId: 'eu-west-1_told', name: 'crm' }
    // Nobody else is at it meanwhile.
    const at = clock.now()
    await eventDeliveries.lease(name, { id: 'paused', until: new Date(at.getTime() + 5000), at })
    const users = await Promise.all(Array.from({ length: 30 }, (_, index) => haveUser(`slow-${index}`)))
    for (const user of users.slice(0, 3)) {
      await setUserPassword(domain(), userPoolOf(server, 'eu-west-1_told'), user, 'Different-1852', true)
    }
    await linkWaitingEvents(domain(), { wait: true })
    clock.pass(6)
    await deliverEvents(
      { ...domain(), sender: server.services.eventSender, sendingMs: 0 },
      server.services.directory.all(),
    )
    await settle()
    const subs = users.map(({ sub }) => sub)
    const types = (sub: string) => [
      ...new Set(
        told()
          .filter(({ data }) => data.Sub === sub)
          .map(({ type }) => type),
      ),
    ]
    expect(subs.filter((sub) => types(sub)[0] !== 'UserCreate')).toEqual([])
    for (const sub of subs.slice(0, 3)) expect(types(sub)).toEqual(['UserCreate', 'UserSetPassword'])
  })

  test('it waits longer from one time to the next', async () => {
    receiver.react({ '*': (_event, response: ServerResponse) => (response.writeHead(500).end(), 'answered') })
    await haveUser('patient')
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 9; attempt += 1) {
      await settle()
      const { attempts, nextAt } = (await deliveryOf())!
      expect(attempts).toBe(attempt)
      pauses.push(Math.round((nextAt.getTime() - clock.now().getTime()) / 1000))
      clock.pass(pauses.at(-1)! + 1)
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600])
  })

  test('an event that is refused over and over is passed over; the others still come', async () => {
    const refuse = (event: object, response: ServerResponse) => {
      const { type, data } = event as unknown as Told
      if (type !== 'UserSetPassword' || !JSON.stringify(data).includes('refused')) return {}
      return (response.writeHead(422).end(), 'answered')
    }
    receiver.react({ '*': refuse })
    const user = await haveUser('refused')
    await setUserPassword(domain(), userPoolOf(server, 'eu-west-1_told'), user, 'Different-1852', true)
    const other = await haveUser('taken')
    const skipped = (await deliveryOf())?.skipped ?? 0
    for (let round = 0; round < 12; round += 1) {
      await settle()
      clock.pass(601)
    }
    expect(await deliveryOf()).toMatchObject({ attempts: 0, skipped: skipped + 1 })
    expect(told().filter(({ data }) => data.Sub === other.sub).length).toBeGreaterThanOrEqual(1)
    const tries = told().filter(({ type, data }) => type === 'UserSetPassword' && data.Sub === user.sub)
    expect(tries).toHaveLength(8)
  })

  test.each([
    ['hangs', () => 'answered'],
    [
      'drips',
      (_event: object, response: ServerResponse) => {
        const timer = setInterval(() => response.write('.'), 100)
        response.on('close', () => clearInterval(timer))
        return 'answered'
      },
    ],
    [
      'redirects',
      (_event: object, response: ServerResponse) => (response.writeHead(302, { location: '/' }).end(), 'answered'),
    ],
    [
      'sends ten megabytes',
      (_event: object, response: ServerResponse) => (response.end(Buffer.alloc(10_000_000)), 'answered'),
    ],
  ])(
    'one that %s has not been told',
    async (name, reaction) => {
      receiver.react({ '*': reaction })
      await haveUser(`unruly-${name.replaceAll(' ', '-')}`)
      await settle()
      expect((await deliveryOf())?.attempts).toBe(1)
      clock.pass(601)
    },
    30_000,
  )

  test('what has happened since a time is told again when the operator asks for it', async () => {
    const from = clock.now()
    clock.pass(1)
    await haveUser('replayed')
    await settle()
    const before = told()
    expect(before.map(({ type }) => type)).toEqual(['UserCreate'])
    receiver.received.length = 0
    const target = { userPool: 'told', name: 'crm' }
    expect(await replayEvents.run(administration(), { ...target, from: from.toISOString() })).toMatchObject({
      FromSequence: expect.any(Number) as number,
    })
    await settle()
    expect(told()).toEqual(before)
    await expect(
      replayEvents.run(administration(), { ...target, from: new Date(clock.now().getTime() + 1e6).toISOString() }),
    ).rejects.toThrow('Nothing has happened since then.')
    await expect(
      replayEvents.run(administration(), { userPool: 'told', name: 'nobody', from: from.toISOString() }),
    ).rejects.toThrow('has no event webhook nobody')
    expect(await listReceivers.run(administration(), { userPool: 'told' })).toMatchObject({
      Receivers: [{ Name: 'crm', Webhook: receiver.url, Attempts: 0, DeliveredAt: expect.any(String) as string }],
    })
  })

  test('one at a private address is not told, unless the operator says so (threat row C13)', async () => {
    const [webhook] = userPoolOf(server, 'eu-west-1_told').eventWebhooks
    const outside = { ...webhook!, allowPrivateAddresses: false }
    const sent = await server.services.eventSender.send(outside, { id: 'one', body: {} })
    expect(sent).toMatchObject({ kind: 'failed', problem: expect.stringContaining('private address') as string })
    expect(receiver.received).toEqual([])
  })

  test('what somebody has written into the trail holds nothing up', async () => {
    await haveUser('changed')
    await linkWaitingEvents(domain(), { wait: true })
    await sql`update audit_events set detail = 'no JSON' where event_type = 'UserCreate' and user_pool_id = 'eu-west-1_told'`.execute(
      server.services.database.kysely,
    )
    await replayEvents.run(administration(), { userPool: 'told', name: 'crm', from: '2000-01-01T00:00:00Z' })
    await settle()
    expect(told().filter(({ data }) => data.Detail === 'no JSON').length).toBeGreaterThan(0)
    expect((await deliveryOf())?.lastError).toBeUndefined()
  })

  test('an operator can try a receiver out', async () => {
    const target = { userPool: 'told', name: 'crm' }
    expect(await testReceiver.run(administration(), target)).toEqual({ Delivered: true })
    expect(told().map(({ type }) => type)).toEqual(['Test'])
    receiver.react({ '*': (_event, response: ServerResponse) => (response.writeHead(401).end(), 'answered') })
    expect(await testReceiver.run(administration(), target)).toEqual({
      Delivered: false,
      Problem: 'the webhook answered 401',
    })
  })

  test('one server at a time tells a receiver; one that died is followed when its lease is over', async () => {
    const { eventDeliveries } = domain().store
    const name = { userPoolId: 'eu-west-1_told', name: 'crm' }
    clock.pass(1000)
    const at = clock.now()
    const until = new Date(at.getTime() + 300_000)
    const dead = await eventDeliveries.lease(name, { id: 'dead', until, at })
    expect(dead).toBeDefined()
    expect(await eventDeliveries.lease(name, { id: 'other', until, at })).toBeUndefined()
    await haveUser('leased')
    await linkWaitingEvents(domain(), { wait: true })
    await deliverEvents({ ...domain(), sender: server.services.eventSender }, server.services.directory.all())
    expect(told()).toEqual([])
    clock.pass(301)
    await expect
      .poll(
        async () => {
          await deliverEvents({ ...domain(), sender: server.services.eventSender }, server.services.directory.all())
          return told().map(({ type }) => type)
        },
        { timeout: 10_000 },
      )
      .toEqual(['UserCreate'])
    // A server that has its database to itself knows at its start that nobody else is at it.
    clock.pass(1)
    const again = { at: clock.now(), until: new Date(clock.now().getTime() + 9e5) }
    expect(await eventDeliveries.lease(name, { id: 'killed', ...again })).toBeDefined()
    await eventDeliveries.releaseAll()
    expect(await eventDeliveries.lease(name, { id: 'started', ...again })).toBeDefined()
    await eventDeliveries.releaseAll()
    // Late news of the dead one changes nothing.
    expect(await eventDeliveries.save({ ...dead!, sequence: 0 }, { id: 'dead', release: true })).toBe(false)
    // Nor does whoever was at it while the operator asked for a replay.
    const now = clock.now()
    clock.pass(1)
    const leased = await eventDeliveries.lease(name, {
      id: 'slow',
      until: new Date(now.getTime() + 9e5),
      at: clock.now(),
    })
    expect(leased).toBeDefined()
    await eventDeliveries.rewind({ ...name, sequence: leased!.sequence }, clock.now())
    expect(await eventDeliveries.save(leased!, { id: 'slow', release: true })).toBe(false)
  })
})
