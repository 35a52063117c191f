import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { behindProxy, headersOf, times } from '../support/attackers.ts'
import { auditTrailOf } from '../support/audit-events.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { startTwoProcesses } from '../support/two-processes.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { goodPassword, withoutIds } from '../support/visitor.ts'
import { attackedPool, callerAt, signIn } from './support/attacked-pool.ts'
import { fateOf, pageFrom } from './support/limited.ts'

/*
 * E11, messages as a weapon: forms that write to any address fill somebody's mailbox, or a phone that costs money with each
 * message (Logto 1.41 had no limit for a recipient and wrote to unknown ones). Here messages are counted for the recipient,
 * the network that asks, the app client and the user pool, and a limit tells nobody who has an account (row B13). Guards
 * src/domain/rate-limits/ and its use in sign-up and recovery.
 */

const three = { PerHour: 3 }
const limitedPools = {
  recipient: { RateLimits: { MessagesPerRecipient: three } },
  alias: { RateLimits: { MessagesPerRecipient: three }, UsernameAttributes: [], AliasAttributes: ['email'] },
  network: { RateLimits: { MessagesPerNetwork: three } },
  client: { RateLimits: { MessagesPerClient: three } },
  tenant: { RateLimits: { MessagesPerUserPool: three } },
  neighbour: { RateLimits: { MessagesPerUserPool: three } },
  tries: { RateLimits: { SignUpsPerNetwork: three, CodesPerNetwork: three } },
}
type PoolName = keyof typeof limitedPools

const idOf = (name: string): string => `eu-west-1_${name}`
const configuration = JSON.stringify({
  UserPools: Object.entries(limitedPools).map(([name, more], index) =>
    attackedPool({ Id: idOf(name), PoolName: name, Default: index === 0, ...more }),
  ),
})

const sent = 'Check your messages'
const asked = 'Choose a new password'
const threeThen = (before: string, fate: string): readonly string[] => [...times(3, before), fate]

let hosts = 0
/** Of a network that has not been here before. */
const newAddress = (): string => `2001:db8:${(hosts += 1).toString(16)}::1`

describe.each(databaseKinds)('messages that somebody else asks for, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  beforeAll(async () => {
    const environment = { ...behindProxy, rateLimits: true }
    server = await startServer({ database, configuration, environment, clock })
  })
  afterAll(() => server.stop())
  afterEach(() => {
    vi.useRealTimers()
  })

  const baseOf = (pool: PoolName) => `${server.publicUrl}/${idOf(pool)}`
  interface Visit {
    address?: string
    clientId?: string
  }
  const open = (pool: PoolName, { address = newAddress(), clientId }: Visit) =>
    pageFrom(baseOf(pool), address, clientId)
  /** A minute later, so that it is no repeat of the last one. */
  async function signUp(pool: PoolName, fields: Record<string, string>, visit: Visit = {}): Promise<VisitedPage> {
    clock.pass(60)
    const form = await (await open(pool, visit)).follow('Create an account')
    return form.submit({ password: goodPassword, ...fields })
  }
  async function forgot(pool: PoolName, username: string, visit: Visit = {}): Promise<VisitedPage> {
    clock.pass(60)
    return (await (await open(pool, visit)).follow('Forgot your password?')).submit({ username })
  }
  const account = (pool: PoolName, username: string, attributes = {}) =>
    haveAccount(server, { userPoolId: idOf(pool), username, password: goodPassword, attributes })
  const mailTo = async (pattern: RegExp) => (await settledMail(server)).filter(({ to }) => pattern.test(to)).length
  async function inTurn<Value>(values: readonly Value[], ask: (value: Value) => Promise<VisitedPage>) {
    const pages: VisitedPage[] = []
    for (const value of values) pages.push(await ask(value))
    return pages
  }
  const fatesOf = (pages: readonly VisitedPage[]) => pages.map(fateOf)

  describe('to one recipient', () => {
    test('are three, whoever asks from wherever, and however the address is spelt', async () => {
      const spellings = [
        'ann@example.com',
        'ANN@Example.COM',
        'ann+a@example.com',
        'a.n.n@example.com',
        'An.N+b@example.com',
      ]
      const clients = ['email', 'partner', 'implicit', 'email', 'partner']
      const pages = await inTurn([0, 1, 2, 3, 4], (index) =>
        signUp('recipient', { username: spellings[index]! }, { clientId: clients[index]! }),
      )
      expect(fatesOf(pages)).toEqual([...threeThen(sent, 'limited: recipient'), 'limited: recipient'])
      expect(pages[4]!.field('username')).toBe('An.N+b@example.com')
      expect(await mailTo(/^a\.?n/i)).toBe(3)
    })

    test('are as many for an address that nobody has: no answer tells whose it is', async () => {
      await account('recipient', 'kate@example.com')
      const attack = async (username: string) => {
        const resets = await inTurn(times(4, username), (name) => forgot('recipient', name))
        const again = await signUp('recipient', { username })
        return [...resets, again].map((page) => ({
          fate: fateOf(page),
          html: withoutIds(page.html).replaceAll(username, ''),
        }))
      }
      const known = await attack('kate@example.com')
      expect(known.map(({ fate }) => fate)).toEqual([...threeThen(asked, 'limited: recipient'), 'limited: recipient'])
      const unknown = await attack('kurt@example.com')
      const untimed = (html: string) => html.replaceAll(/\d+ (minutes?|hours?)/g, '')
      expect(unknown.map(({ html }) => untimed(html))).toEqual(known.map(({ html }) => untimed(html)))
      expect(await mailTo(/^kate/)).toBe(3)
      expect(await mailTo(/^kurt/)).toBe(0)
    })

    test('sent once more count with the first, also for a sign-up that is none', async () => {
      await account('recipient', 'lara@example.com')
      // Whose address it is already is told of each code that would have gone out.
      for (const username of ['lara@example.com', 'luis@example.com']) {
        let page = await signUp('recipient', { username })
        const fates = [fateOf(page)]
        for (let index = 0; index < 3; index += 1) {
          clock.pass(60)
          page = await page.submit({}, 'Send a new code')
          fates.push(fateOf(page))
        }
        expect(fates, username).toEqual(threeThen(sent, 'limited: recipient'))
        expect(await mailTo(new RegExp(username)), username).toBe(3)
      }
    })

    test('are three as well for codes to an address that somebody wants to have, with however many accounts', async () => {
      const fates: string[] = []
      for (const name of ['thief-1', 'thief-2']) {
        const username = `${name}@example.com`
        await account('recipient', username)
        const agent = createUserAgent(server.publicUrl, headersOf(newAddress()))
        const login = await agent.visit(`${baseOf('recipient')}/account/email`)
        const page = await login.submit({ username, password: goodPassword })
        clock.pass(60)
        let asks = await page.submit({ email: 'victim@example.com' })
        fates.push(fateOf(asks))
        for (let index = 0; index < 2 && asks.heading === 'Enter the code'; index += 1) {
          clock.pass(60)
          // In between they have looked elsewhere: pressed once more at once it would be the same press.
          await agent.visit(`${baseOf('recipient')}/account`)
          asks = await asks.submit({ resend: '1' }, 'Send a new code')
          fates.push(fateOf(asks))
        }
      }
      expect(fates).toEqual([...threeThen('Enter the code', 'limited: recipient')])
      expect(await mailTo(/^victim/)).toBe(3)
    })

    test('come to no more under several names of one account, and no answer tells that they are of one', async () => {
      const userPool = server.services.directory.byId(idOf('alias'))!
      const user = await account('alias', 'mia', { email: 'mia@example.com', email_verified: 'true' })
      await inTurn(times(3, 'mia'), (name) => forgot('alias', name))
      const ask = async (username: string) =>
        (await inTurn(times(4, username), (name) => forgot('alias', name))).map((page) =>
          withoutIds(page.html)
            .replaceAll(username, '')
            .replaceAll(/\d+ (minutes?|hours?)/g, ''),
        )
      expect(await ask('mia@example.com')).toEqual(await ask('max@example.com'))
      expect(await mailTo(/^mia@/)).toBe(3)
      const trail = await auditTrailOf(server.services.domain, userPool.id)
      const withheld = trail.filter(({ subject, reason }) => subject === user.sub && reason === 'limitExceeded')
      expect(withheld.map(({ detail }) => detail)).toContain('{"withheld":true,"limit":"MessagesPerRecipient"}')
    })

    test('do not make up for each other in sign-ups under many names', async () => {
      const names = ['n1', 'n2', 'n3']
      const attributes = { email: 'nora@example.com' }
      const pages = await inTurn(names, (username) => signUp('alias', { username, ...attributes }))
      expect(fatesOf(pages)).toEqual(times(3, sent))
      expect(fateOf(await signUp('alias', { username: 'n4', ...attributes }))).toBe('limited: recipient')
      // Each of them has a name that nobody has asked for yet.
      expect(fatesOf(await inTurn(names, (name) => forgot('alias', name)))).toEqual(times(3, asked))
      expect(await mailTo(/^nora/)).toBe(3)
    })

    test('leave the owner the latest code, whoever asked for it, and come again when the hour is over', async () => {
      await account('recipient', 'olga@example.com')
      const known = await server.mail()
      await inTurn(times(3, 'olga@example.com'), (name) => forgot('recipient', name))
      expect(await mailTo(/^olga/)).toBe(3)
      const code = await server.codeFor('olga@example.com', known)
      const page = await forgot('recipient', 'olga@example.com')
      expect([fateOf(page), page.heading]).toEqual(['limited: recipient', asked])
      expect((await page.submit({ code, password: 'Trajectory-1962' })).url.origin).toBe('https://app.example')
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 })
      expect(fateOf(await forgot('recipient', 'olga@example.com'))).toBe(asked)
      // With one that tells of the new password.
      expect(await mailTo(/^olga/)).toBe(5)
    })

    /** A browser in which its owner has signed in. @returns asks for a reset code there */
    async function ownBrowser(username: string): Promise<() => Promise<VisitedPage>> {
      await account('recipient', username)
      const agent = createUserAgent(server.publicUrl)
      const opened = async () => (await callerAt(baseOf('recipient'), {}, agent)).page
      await signIn(await opened(), username)
      return async () => {
        clock.pass(4000)
        return (await (await opened()).follow('Forgot your password?')).submit({ username })
      }
    }

    test('leave the owner as many in a browser of their own, and no more', async () => {
      const ask = await ownBrowser('paula@example.com')
      await inTurn(times(4, 'paula@example.com'), (name) => forgot('recipient', name))
      expect(fatesOf(await inTurn([1, 2, 3, 4], ask))).toEqual(threeThen(asked, 'limited: recipient'))
      expect(await mailTo(/^paula/)).toBe(6)
    })

    test('are none, without a word, once the owner has had as many: a sign-up looks as any', async () => {
      await inTurn([1, 2, 3], await ownBrowser('quinn@example.com'))
      expect(fateOf(await signUp('recipient', { username: 'quinn@example.com' }))).toBe(sent)
      expect(await mailTo(/^quinn/)).toBe(3)
    })
  })

  test('from one network are three, to whomever; what was typed stays, and other networks go on', async () => {
    const address = '2001:db8:aaaa:1::1'
    const names = ['p1', 'p2', 'p3', 'p4'].map((name) => `${name}@example.com`)
    const pages = await inTurn(names, (username) => signUp('network', { username }, { address }))
    expect(fatesOf(pages)).toEqual(threeThen(sent, 'limited: network'))
    expect(pages[3]!.field('username')).toBe('p4@example.com')
    expect(fateOf(await forgot('network', 'p1@example.com', { address: '2001:db8:aaaa:1::2' }))).toBe(
      'limited: network',
    )
    expect(fateOf(await forgot('network', 'p1@example.com'))).toBe(asked)
    expect(await mailTo(/^p4/)).toBe(0)
  })

  test('through one app client are three; the other clients go on', async () => {
    const names = ['q1', 'q2', 'q3', 'q4'].map((name) => `${name}@example.com`)
    expect(fatesOf(await inTurn(names, (username) => signUp('client', { username })))).toEqual(
      threeThen(sent, 'limited: messages'),
    )
    expect(fateOf(await forgot('client', 'q1@example.com'))).toBe('limited: messages')
    expect(fateOf(await signUp('client', { username: 'q5@example.com' }, { clientId: 'partner' }))).toBe(sent)
  })

  test('of one user pool are three; the other pools go on', async () => {
    const clients = ['email', 'partner', 'implicit', 'email']
    const pages = await inTurn(clients, (clientId) =>
      signUp('tenant', { username: `r-${clientId}-${(hosts += 1)}@example.com` }, { clientId }),
    )
    expect(fatesOf(pages)).toEqual(threeThen(sent, 'limited: messages'))
    expect(fateOf(await signUp('neighbour', { username: 'r@example.com' }))).toBe(sent)
  })

  test('cost no hash once they are too many, and the trail tells of them once a minute', async () => {
    const hash = vi.spyOn(server.services.domain.passwordHasher, 'hash')
    const names = Array.from({ length: 6 }, (_, index) => `s${index}@example.com`)
    const address = '2001:db8:bbbb:1::1'
    const forms = await Promise.all(
      names.map(async () => (await open('tries', { address })).follow('Create an account')),
    )
    const pages = await Promise.all(
      forms.map((form, index) => form.submit({ username: names[index]!, password: goodPassword })),
    )
    expect(fatesOf(pages).toSorted()).toEqual([...times(3, sent), ...times(3, 'limited: network')].toSorted())
    expect(hash).toHaveBeenCalledTimes(3)
    hash.mockRestore()
    const trail = await auditTrailOf(server.services.domain, idOf('tries'))
    const told = trail.filter(({ reason }) => reason === 'limitExceeded')
    expect(told).toMatchObject([
      { eventType: 'SignUp', response: 'Fail', address, clientId: 'email', detail: '{"limit":"SignUpsPerNetwork"}' },
    ])
  })

  test('cannot be answered with more than three codes from one network, whosever they are', async () => {
    const address = '2001:db8:bbbb:2::1'
    const page = await signUp('tries', { username: 't1@example.com' })
    const code = await server.codeFor('t1@example.com')
    const reset = await forgot('tries', 't2@example.com', { address })
    const guess = () => reset.submit({ code: '000000', password: goodPassword })
    expect(fatesOf(await inTurn([1, 2, 3, 4], guess))).toEqual(threeThen(asked, 'limited: network'))
    expect((await page.submit({ code })).url.origin).toBe('https://app.example')
  })

  test('nor with more than three links, which cost a hash each', async () => {
    const address = '2001:db8:bbbb:3::1'
    const links: string[] = []
    for (const name of ['v1', 'v2', 'v3', 'v4']) {
      const username = `${name}@example.com`
      await account('tries', username)
      await forgot('tries', username)
      await server.codeFor(username)
      const [mail] = (await server.mail()).filter(({ to }) => to === username)
      links.push(/https?:\S+\/resetLink\?\S+/.exec(mail?.text ?? '')?.[0] ?? '')
    }
    const agent = createUserAgent(server.publicUrl, headersOf(address))
    const pages = await inTurn(links, async (link) =>
      (await agent.visit(link)).submit({ password: 'Babbage-Engine-2' }),
    )
    expect(fatesOf(pages)).toEqual(threeThen('Your new password is saved', 'limited: network'))
  })
})

test('two processes on one database write to a recipient as often as one', async () => {
  const servers = await startTwoProcesses(
    (Domains) => [attackedPool({ Domains, RateLimits: { MessagesPerRecipient: three } })],
    { LATCHKEY_RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1,::1' },
  )
  try {
    const urls = times(3, servers.urls).flat()
    const forms = await Promise.all(
      urls.map(async (url) => (await pageFrom(url, newAddress())).follow('Create an account')),
    )
    const pages = await Promise.all(
      forms.map((form) => form.submit({ username: 'uma@example.com', password: goodPassword })),
    )
    expect(pages.map(fateOf).toSorted()).toEqual([...times(3, sent), ...times(3, 'limited: recipient')].toSorted())
  } finally {
    await servers.stop()
  }
})
