import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import type { TestServer } from '../support/server.ts'
import { goodPassword } from '../support/visitor.ts'
import { callerAt, startAttackedServer } from './support/attacked-pool.ts'
import type { Caller } from './support/attacked-pool.ts'
import { exchange, sendRequest } from './support/raw-socket.ts'

/*
 * E4, the header whose reading takes minutes: Koa CVE-2025-25200 read X-Forwarded-Proto by an expression that went back over
 * what it had seen, and one request of 64 kB stopped the process. The head of a request is capped at 32 kB; just below the
 * cap, every header that anything here reads is filled with what makes careless expressions slow, and the processor time
 * that it costs is held against the same length of plain letters. Work that grew with the square would be a hundred times
 * as much. Guards src/app/http-server.ts (`maxHeaderSize`), src/hosted/language.ts, src/oidc/client-authentication.ts,
 * src/oidc/cors.ts and the framework's own readers.
 */

let server: TestServer
let caller: Caller
beforeAll(async () => {
  server = await startAttackedServer()
  await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
  caller = await callerAt(server.publicUrl)
})
afterAll(() => server.stop())

const host = (): string => `Host: localhost:${server.port}`
const read = [
  ...['Accept', 'Accept-Language', 'Accept-Encoding', 'Authorization', 'Cookie', 'Origin', 'Referer', 'User-Agent'],
  ...['X-Forwarded-Proto', 'X-Forwarded-For', 'X-Forwarded-Host', 'Forwarded', 'If-None-Match', 'Content-Type'],
  ...['Access-Control-Request-Headers'],
] as const

describe('a head of 64 kB', () => {
  test.each([...read, 'Host', 'X-Of-Nobodys'])('in %s is refused', async (name) => {
    const value = 'a'.repeat(64 * 1024)
    const lines = name === 'Host' ? [`Host: ${value}`] : [host(), `${name}: ${value}`]
    const { status, headers } = await exchange(server.port, `GET /login HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    expect(status).toBe(431)
    expect(headers.get('connection')).toBe('close')
  })

  test.each([
    ['the address', () => [`GET /login?${'a'.repeat(64 * 1024)} HTTP/1.1`, host()]],
    ['the name of a header', () => ['GET /login HTTP/1.1', host(), `${'a'.repeat(64 * 1024)}: b`]],
    [
      'many lines',
      () => [
        'GET /login HTTP/1.1',
        host(),
        ...Array.from({ length: 90 }, (_, index) => `x${index}: ${'a'.repeat(800)}`),
      ],
    ],
  ])('in %s is refused', async (_where, lines) => {
    expect((await exchange(server.port, `${lines().join('\r\n')}\r\n\r\n`)).status).toBe(431)
  })
})

/** What expressions stumble over: long runs that nearly match, separators without end, nests, quotes that never close. */
const length = 28 * 1024
const traps: Record<string, string> = {
  spaces: ' ',
  tabs: '\t',
  commas: ',',
  'commas and spaces': ', ',
  semicolons: ';',
  'equals signs': '=',
  quotes: '"',
  'quoted pairs': '\\"',
  slashes: '/',
  hyphens: 'a-',
  qualities: 'a;q=0.1,',
  types: 'a/b;c="d",',
  cookies: 'a=b; ',
  'half a cookie': '; =',
  escapes: '%20',
  'broken escapes': '%e',
  'base64 padding': 'A=',
  dots: '.',
  colons: ':',
  brackets: '(',
  digits: '1',
  entities: 'W/"a",',
  'a slash and spaces': '/ ',
}
const plain = 'x'.repeat(length)
/** It nearly matches, to the end: that is what makes a careless expression look again. */
const filled = (unit: string): string => `a${unit.repeat(Math.floor(length / unit.length))}b!`

/** Processor time of this process, server included, for one request; the least of several, since others run as well. */
async function cost(ask: () => Promise<unknown>): Promise<number> {
  let least = Infinity
  for (let times = 0; times < 3; times += 1) {
    const before = process.cpuUsage()
    await ask()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, user + system)
  }
  return least
}

describe('a head just below 32 kB', () => {
  /** What is asked for, by who reads most of such a header. */
  const targets = (): Record<string, [target: string, method?: string, body?: string]> => ({
    page: [new URL(caller.page.url).pathname + new URL(caller.page.url).search],
    tokens: ['/oauth2/token', 'POST', 'grant_type=client_credentials'],
    revocation: ['/oauth2/revoke', 'POST', 'token=x'],
    userInfo: ['/oauth2/userInfo'],
    preflight: ['/oauth2/token', 'OPTIONS'],
    discovery: ['/eu-west-1_email/.well-known/openid-configuration'],
    asset: ['/assets/latchkey.css'],
  })
  const readers: Partial<Record<(typeof read)[number], string[]>> = {
    Authorization: ['tokens', 'revocation', 'userInfo'],
    'If-None-Match': ['discovery', 'asset'],
    'Accept-Encoding': ['asset', 'page'],
    Origin: ['preflight', 'tokens', 'userInfo'],
    'Access-Control-Request-Headers': ['preflight'],
    'Content-Type': ['tokens', 'revocation'],
    Accept: ['page', 'tokens'],
    'X-Forwarded-Proto': ['page', 'tokens'],
  }
  const prefixes: Partial<Record<(typeof read)[number], string>> = { Authorization: 'Basic ' }

  test.each(read)('%s of any kind costs what its length costs', async (name) => {
    for (const reader of readers[name] ?? ['page']) {
      const [target, method = 'GET', body] = targets()[reader]!
      // Without them the page is only asked for once more.
      const cookies = [...caller.agent.cookies].map((pair) => pair.join('=')).join('; ')
      const more = name === 'Cookie' ? [] : [`Cookie: ${cookies}`]
      const prefix = name === 'Cookie' ? `${cookies}; lang=` : (prefixes[name] ?? '')
      const send = (value: string) =>
        sendRequest(server.port, target, [host(), ...more, `${name}: ${prefix}${value}`], {
          method,
          ...(body === undefined || name === 'Content-Type' ? {} : { body }),
        })
      const baseline = await cost(() => send(plain))
      for (const [what, unit] of Object.entries(traps)) {
        const { status } = await send(filled(unit))
        expect([what, status < 500 && status >= 200], `${status}`).toEqual([what, true])
        const ratio = (await cost(() => send(filled(unit)))) / Math.max(baseline, 2_000)
        expect(ratio, `${name} of ${what} at ${reader}`).toBeLessThan(40)
      }
    }
  })
})

describe('a form field of 60 kB', () => {
  test.each(['username', 'password', '_csrf', 'flow'])('%s of any kind costs what its length costs', async (field) => {
    const hidden = { flow: caller.page.field('flow') ?? '', _csrf: caller.page.field('_csrf') ?? '' }
    const send = (value: string) =>
      caller.agent.visit('/login', {
        method: 'POST',
        body: new URLSearchParams({ ...hidden, username: 'ada@example.com', password: '', [field]: value }),
      })
    // A percent escape takes three bytes for one: as much as fits.
    const size = 18_000
    const baseline = await cost(() => send('x'.repeat(size)))
    for (const [what, unit] of Object.entries(traps)) {
      const value = `a${unit.repeat(Math.floor(size / unit.length))}`
      expect((await send(value)).status, what).toBeLessThan(500)
      expect((await cost(() => send(value))) / Math.max(baseline, 5_000), what).toBeLessThan(40)
    }
  })
})
