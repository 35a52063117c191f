import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { auditTrailOf } from '../support/audit-events.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { callback } from '../support/visitor.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { attackedPool } from './support/attacked-pool.ts'
import { bundles, forwardingHeaders, namesAttacker } from './support/hostile-headers.ts'
import { sendRequest } from './support/raw-socket.ts'
import type { RawAnswer } from './support/raw-socket.ts'

/*
 * F8, believing what a request says of where it came from: ZITADEL GHSA-pfrf-9r5f-73f5 took the instance from a header,
 * oauth2-proxy CVE-2026-76835 trusted every proxy by default. While TRUSTED_PROXIES is empty, which it is, a request with
 * forwarding headers is answered as one without, byte for byte but for what is random: no Secure cookie, no https, no other
 * host, no other user pool. Guards src/app/tenants.ts, src/oidc/engine-internals.ts,
 * src/security/client-address.ts and src/platform/config/environment.ts.
 * In mails: e1-poisoned-links. What a trusted proxy may say of a visitor's address is tested with the limits that use it.
 */

const shop = 'https://login.shop.test'
let server: TestServer
beforeAll(async () => {
  server = await startServer({
    configuration: JSON.stringify({
      UserPools: [
        attackedPool(),
        attackedPool({ Id: 'eu-west-1_shop', PoolName: 'shop', Default: false, Domains: [shop] }),
        attackedPool({ Id: 'eu-west-1_other', PoolName: 'other', Default: false }),
      ],
    }),
  })
})
afterAll(() => server.stop())

test('nobody is trusted unless the operator says so, and never everybody', () => {
  expect(readEnvironment({}).trustedProxies).toEqual([])
  expect(readEnvironment({ TRUSTED_PROXIES: '' }).trustedProxies).toEqual([])
  for (const everybody of ['0.0.0.0/0', '::/0', '0.0.0.0/0,::/0', '*', 'true', '1', 'loopback']) {
    expect(() => readEnvironment({ TRUSTED_PROXIES: everybody })).toThrow('TRUSTED_PROXIES')
  }
})

const { url: authorize } = authorizationRequest('', { client_id: 'email', redirect_uri: callback })
const paths: Record<string, [target: string, method?: string, body?: string]> = {
  'an authorization request': [authorize],
  'one that must not ask': [`${authorize}&prompt=none`],
  'a page': ['/login'],
  'a page of another pool': ['/eu-west-1_other/login?client_id=email'],
  'signing out': ['/logout?client_id=email&logout_uri=https%3A%2F%2Fapp.example%2F'],
  'no such page': ['/nowhere'],
  discovery: ['/eu-west-1_email/.well-known/openid-configuration'],
  'discovery where there is none': ['/.well-known/openid-configuration'],
  keys: ['/eu-west-1_email/.well-known/jwks.json'],
  tokens: ['/oauth2/token', 'POST', 'grant_type=refresh_token&client_id=email&refresh_token=x'],
  'who the user is': ['/oauth2/userInfo'],
  'a revocation': ['/oauth2/revoke', 'POST', 'client_id=email&token=x'],
  'a form': ['/login', 'POST', 'flow=x&_csrf=x'],
  'a request by POST': ['/oauth2/authorize', 'POST', authorize.slice(authorize.indexOf('?') + 1)],
  'a signal': ['/healthz'],
}

/** Without what differs from one request to the next. */
const comparable = ({ status, headers, text }: RawAnswer): unknown => ({
  status,
  headers: [...headers]
    .filter(([name]) => !/^(date|x-request-id|x-amz.*-request-?id)$/.test(name))
    .map(([name, value]) => [name, withoutRandom(value)]),
  body: withoutRandom(text.slice(text.indexOf('\r\n\r\n'))),
})
const withoutRandom = (text: string): string =>
  text.replaceAll(/(nonce-)?[\w-]{43}/g, 'handle').replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'uuid')

describe.each([
  ['PUBLIC_URL', () => new URL(server.publicUrl).host],
  ['a domain of a pool’s own', () => new URL(shop).host],
  ['a host that is not ours', () => 'evil.example'],
])('at %s', (_where, host) => {
  test.each(Object.keys(paths))('%s is answered as if nothing had been said', async (name) => {
    const [target, method = 'GET', body] = paths[name]!
    const options = body === undefined ? { method } : { method, body }
    const plain = await sendRequest(server.port, target, [`Host: ${host()}`], options)
    expect(plain.status).toBeLessThan(500)
    for (const lines of bundles(forwardingHeaders)) {
      const answer = await sendRequest(server.port, target, [`Host: ${host()}`, ...lines], options)
      expect(comparable(answer), lines.join(' | ')).toEqual(comparable(plain))
      if (host() !== 'evil.example') expect(namesAttacker(answer.text)).toBe(false)
    }
  })
})

describe('a user pool', () => {
  const issuerAt = async (host: string, target: string): Promise<RawAnswer> =>
    sendRequest(server.port, target, [`Host: ${host}`])

  test('is chosen by its own host alone, not by a path on another’s', async () => {
    const { host } = new URL(shop)
    // The pool's own domain is that pool, whatever path is named.
    expect((await issuerAt(host, '/eu-west-1_other/login?client_id=email')).status).toBe(404)
    expect((await issuerAt(host, '/eu-west-1_shop/login?client_id=email')).status).toBe(404)
    // And a pool that has a domain of its own is not reached by path elsewhere.
    const byPath = await issuerAt(new URL(server.publicUrl).host, '/eu-west-1_shop/login?client_id=email')
    expect(byPath.status).toBe(404)
  })

  test('answers over http what says https, and the other way round, by its configuration', async () => {
    const plain = await sendRequest(server.port, authorize, [
      `Host: ${new URL(server.publicUrl).host}`,
      'X-Forwarded-Proto: https',
    ])
    expect(plain.headers.getSetCookie().join()).not.toMatch(/secure|__Host-/i)
    expect(plain.headers.get('strict-transport-security')).toBeNull()
    const secure = await sendRequest(server.port, authorize, [`Host: ${new URL(shop).host}`, 'X-Forwarded-Proto: http'])
    expect(secure.status).toBe(303)
    for (const line of secure.headers.getSetCookie()) expect(line).toMatch(/^__(Host|Secure)-.*; secure/i)
    expect(secure.headers.get('strict-transport-security')).toBe('max-age=31536000')
  })
})

test('a visitor is where their connection comes from, whatever the request says', async () => {
  const claimed = '203.0.113.7'
  const agent = createUserAgent(server.publicUrl, {
    'x-forwarded-for': `${claimed}, 198.51.100.1`,
    forwarded: `for=${claimed}`,
  })
  const page = await agent.visit(`${server.publicUrl}${authorize}`)
  await page.submit({ username: 'nobody@example.com', password: 'Wrong-guess-1' })
  const events = await auditTrailOf(server.services.domain, 'eu-west-1_email')
  const addresses = events.filter(({ eventType }) => eventType === 'SignIn').map(({ address }) => address)
  expect(addresses).toEqual(['127.0.0.1'])
})
