import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { haveAccount } from '../support/accounts.ts'
import { behindProxy, times } from '../support/attackers.ts'
import { requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { startTwoProcesses } from '../support/two-processes.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { goodPassword } from '../support/visitor.ts'
import { attackedPool, callerAt } from './support/attacked-pool.ts'
import { fateOf, pageFrom } from './support/limited.ts'

/*
 * B8, one attacker who looks like many: better-auth CVE-2026-45364 counted each address of an IPv6 network for itself, and
 * each spelling of an address; others believe what a client writes into X-Forwarded-For. Here a limit counts the canonical
 * address, of IPv6 its /64, and the header counts as far as a trusted proxy has written it. Guards
 * src/security/client-address.ts, src/domain/rate-limits/consume-limits.ts and src/persistence/rate-limiter.ts.
 */

const three = { PerHour: 3 }
const pools = (more: object = {}) =>
  JSON.stringify({
    UserPools: [attackedPool({ RateLimits: { SignInsPerNetwork: three, TokenFailuresPerNetwork: three }, ...more })],
  })
const limited = { rateLimits: true }

/** Nobody's name, a new one each time: no account's lock-out has a part in this. */
const somebody = () => ({ username: `${randomUUID()}@example.com`, password: 'Wrong-guess-1' })

/** A browser in front of the sign-in form that says where it is each time. */
async function traveller(base: string): Promise<(forwardedFor: string, typed?: object) => Promise<VisitedPage>> {
  const headers: Record<string, string> = {}
  const { page } = await callerAt(base, {}, createUserAgent(new URL(base).origin, headers))
  return (forwardedFor, typed = {}) => {
    headers['x-forwarded-for'] = forwardedFor
    return page.submit({ ...somebody(), ...typed })
  }
}

const guessesFrom = async (server: TestServer, addresses: readonly string[]): Promise<readonly string[]> => {
  const guess = await traveller(server.publicUrl)
  const fates: string[] = []
  for (const address of addresses) fates.push(fateOf(await guess(address)))
  return fates
}

const threeThen = (fate: string, count: number): readonly string[] => [...times(3, 'Sign in'), ...times(count, fate)]

describe.each(databaseKinds)('one attacker with many addresses, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ database, configuration: pools(), environment: { ...limited, ...behindProxy } })
  })
  afterAll(() => server.stop())
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is one visitor in the whole /64 of an IPv6 network, and another one in the next', async () => {
    const hosts = ['::1', 'ffff:ffff:ffff:ffff', '1234:5678:9abc:def0', '0:0:0:2', '::3']
    const addresses = hosts.map((host) => `2001:db8:1:2:${host.replace(/^::/, '0:0:0:')}`)
    expect(await guessesFrom(server, addresses)).toEqual(threeThen('limited: network', 2))
    expect(await guessesFrom(server, ['2001:db8:1:3::1'])).toEqual(['Sign in'])
  })

  test.each([
    ['IPv4', ['192.0.2.9', '::ffff:192.0.2.9', '::FFFF:c000:209', '192.0.2.9:4711', '[::ffff:192.0.2.9]:443']],
    [
      'IPv6',
      ['2001:db8:5::1', '2001:DB8:5:0::1', '2001:0db8:0005:0000::1', '[2001:db8:5::1]:443', '2001:db8:5::1%eth0'],
    ],
  ])('is one visitor however an address is spelt: %s', async (_, addresses) => {
    expect(await guessesFrom(server, addresses)).toEqual(threeThen('limited: network', 2))
  })

  test('gains nothing by what it writes in front of the address that the proxy adds', async () => {
    const forged = ['10.0.0.1', '127.0.0.1', '::1', '1.2.3.4, 5.6.7.8', 'unknown', '']
    const addresses = forged.map((text) => `${text}, 198.51.100.9`)
    expect(await guessesFrom(server, addresses)).toEqual(threeThen('limited: network', 3))
  })

  test('is told how long to wait, above the form as it was typed, and nothing is looked at meanwhile', async () => {
    const username = `${database}@example.com`
    await haveAccount(server, { username, password: goodPassword })
    const verify = vi.spyOn(server.services.domain.passwordHasher, 'verifyEither')
    const guess = await traveller(server.publicUrl)
    for (let index = 0; index < 3; index += 1) await guess('203.0.113.20')
    expect(verify).toHaveBeenCalledTimes(3)
    const page = await guess('203.0.113.20', { username, password: goodPassword })
    expect(fateOf(page)).toBe('limited: network')
    expect(page.field('username')).toBe(username)
    expect(page.html).not.toContain(goodPassword)
    expect(verify).toHaveBeenCalledTimes(3)
    verify.mockRestore()
    // It is the network that waits, not the account.
    expect((await guess('203.0.113.21', { username, password: goodPassword })).url.origin).toBe('https://app.example')
  })

  test('may go on when the hour is over', async () => {
    const from = ['203.0.113.30', '203.0.113.30', '203.0.113.30', '203.0.113.30']
    expect(await guessesFrom(server, from)).toEqual(threeThen('limited: network', 1))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_590_000 })
    expect(await guessesFrom(server, from.slice(0, 1))).toEqual(['limited: network'])
    vi.setSystemTime(Date.now() + 11_000)
    expect(await guessesFrom(server, from)).toEqual(threeThen('limited: network', 1))
  })

  test('is not looked up any more at the token endpoint, once too many of its requests failed', async () => {
    const refresh = (address: string, clientId = 'email', refresh_token = 'none') =>
      requestTokens(
        server.publicUrl,
        { grant_type: 'refresh_token', client_id: clientId, refresh_token },
        { 'x-forwarded-for': address },
      )
    const errors: unknown[] = []
    for (let index = 0; index < 6; index += 1) errors.push((await refresh('203.0.113.40')).body.error)
    // The one that is too many is answered as the others.
    expect(errors).toEqual([...times(4, 'invalid_grant'), ...times(2, 'temporarily_unavailable')])
    const find = vi.spyOn(server.services.domain.store.grants, 'findRefreshToken')
    const refused = await refresh('203.0.113.40')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.body.error_description).toBe('too many requests; see Retry-After')
    expect(find).not.toHaveBeenCalled()
    find.mockRestore()
    // Another network, and another app client there, are none of this.
    expect((await refresh('203.0.113.41')).status).toBe(400)
    expect((await refresh('203.0.113.40', 'partner')).status).toBe(400)
  })
})

describe('a server that nobody stands in front of', () => {
  const log = createLog({ level: 'silent', pretty: false })
  const warn = vi.spyOn(log, 'warn')
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ configuration: pools(), environment: limited, log })
  })
  afterAll(() => server.stop())

  test('believes no X-Forwarded-For, and says so in the log, once', async () => {
    const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '2001:db8::1']
    expect(await guessesFrom(server, addresses)).toEqual(threeThen('limited: network', 2))
    const told = warn.mock.calls.filter((call) => call.join(' ').includes('X-Forwarded-For'))
    expect(told).toEqual([
      [{ peer: expect.stringMatching(/127\.0\.0\.1|::1/) as string }, expect.stringMatching(/TRUSTED_PROXIES/)],
    ])
  })
})

test('nobody is limited where the limits are off, and the log says that at the start', async () => {
  const log = createLog({ level: 'silent', pretty: false })
  const warn = vi.spyOn(log, 'warn')
  const server = await startServer({ configuration: pools(), environment: { ...limited, rateLimits: false }, log })
  try {
    expect(await guessesFrom(server, times(6, '192.0.2.1'))).toEqual(times(6, 'Sign in'))
    expect(warn.mock.calls.flat().join(' ')).toContain('LATCHKEY_RATE_LIMITS is off')
  } finally {
    await server.stop()
  }
})

test('two processes on one database count together, also when everything comes at once', async () => {
  const servers = await startTwoProcesses(
    (Domains) => [attackedPool({ Domains, RateLimits: { SignInsPerNetwork: three } })],
    { LATCHKEY_RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1,::1' },
  )
  try {
    const forms = await Promise.all(
      times(4, servers.urls)
        .flat()
        .map((url) => pageFrom(url, '2001:db8:7::1')),
    )
    const fates = (await Promise.all(forms.map((form) => form.submit(somebody())))).map(fateOf)
    expect(fates.toSorted()).toEqual(threeThen('limited: network', 5).toSorted())
    for (const url of servers.urls) {
      expect(fateOf(await (await pageFrom(url, '2001:db8:7::2')).submit(somebody()))).toBe('limited: network')
      expect(fateOf(await (await pageFrom(url, '2001:db8:8::1')).submit(somebody()))).toBe('Sign in')
    }
  } finally {
    await servers.stop()
  }
})
