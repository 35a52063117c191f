import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listen, requestLimits } from '../../src/app/http-server.ts'
import type { HttpServer } from '../../src/app/http-server.ts'
import { readForm } from '../../src/platform/http/read-form.ts'
import { createLog } from '../../src/platform/log.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { haveAccount } from '../support/accounts.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, startAttackedServer } from './support/attacked-pool.ts'
import { exchange, openConnection } from './support/raw-socket.ts'
import type { RawAnswer } from './support/raw-socket.ts'

/*
 * F1, what is no proper HTTP request: two lengths, two hosts, a coding on top of a coding. Where a proxy reads such a
 * request in one way and the server in another, a stranger's request hides in somebody else's (request smuggling; Keycloak
 * CVE-2026-9803: a malformed header was a 500). Each is refused, once, and the connection with it. Then those who are slow,
 * who hold connections, and who never read. Guards src/app/request-head.ts, src/app/http-server.ts and
 * src/platform/http/read-form.ts. Huge but proper requests: f1-huge-parameters.
 */

const log = createLog({ level: 'silent', pretty: false })
const form = 'Content-Type: application/x-www-form-urlencoded'

describe('a request that can be read in two ways', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startAttackedServer()
    await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
  })
  afterAll(() => server.stop())

  const host = (): string => `Host: localhost:${server.port}`
  const send = (lines: readonly string[], body = ''): Promise<RawAnswer> =>
    exchange(server.port, `${lines.join('\r\n')}\r\n\r\n${body}`)
  /** Stands behind what is refused, as the request that an attacker would hide. */
  const hidden = (): string => `GET /healthz HTTP/1.1\r\n${host()}\r\nConnection: close\r\n\r\n`
  const get = 'GET /login HTTP/1.1'
  const post = 'POST /login HTTP/1.1'

  const cases: Record<string, [status: number, lines: () => string[], body?: string]> = {
    'two hosts': [400, () => [get, host(), 'Host: evil.example']],
    'the same host twice': [400, () => [get, host(), host()]],
    'no host': [400, () => [get]],
    'a length and chunks': [400, () => [post, host(), 'Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    'chunks and a length': [400, () => [post, host(), 'Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'],
    'two lengths': [400, () => [post, host(), 'Content-Length: 3', 'Content-Length: 4'], 'abcd'],
    'the same length twice': [400, () => [post, host(), 'Content-Length: 3', 'Content-Length: 3'], 'abc'],
    'a list of lengths': [400, () => [post, host(), 'Content-Length: 3, 3'], 'abc'],
    'a length with a sign': [400, () => [post, host(), 'Content-Length: +3'], 'abc'],
    'a negative length': [400, () => [post, host(), 'Content-Length: -3'], 'abc'],
    'a length in hexadecimal': [400, () => [post, host(), 'Content-Length: 0x3'], 'abc'],
    'a length beyond all numbers': [400, () => [post, host(), `Content-Length: ${'9'.repeat(30)}`], 'abc'],
    'a space before the colon': [400, () => [post, host(), 'Content-Length : 3'], 'abc'],
    'a coding on top': [501, () => [post, host(), 'Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'],
    'a coding of two lines': [
      400,
      () => [post, host(), 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
      '0\r\n\r\n',
    ],
    'chunks twice': [400, () => [post, host(), 'Transfer-Encoding: chunked, chunked'], '0\r\n\r\n'],
    'chunks under another name': [501, () => [post, host(), 'Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    'a chunk that is no number': [
      400,
      () => [post, host(), form, 'Transfer-Encoding: chunked'],
      'zz\r\nabc\r\n0\r\n\r\n',
    ],
    'a chunk longer than it says': [
      400,
      () => [post, host(), form, 'Transfer-Encoding: chunked'],
      '3\r\nabcdef\r\n0\r\n\r\n',
    ],
    'a chunk beyond all numbers': [
      400,
      () => [post, host(), form, 'Transfer-Encoding: chunked'],
      `${'F'.repeat(20)}\r\nabc\r\n`,
    ],
    'an endless chunk extension': [
      413,
      () => [post, host(), form, 'Transfer-Encoding: chunked'],
      `3;${'x'.repeat(20_000)}\r\nabc\r\n`,
    ],
    'a folded line': [400, () => [get, host(), 'X-A: a', ' b']],
    'a bare line feed': [400, () => [`${get}\n${host()}\nX-A: a`]],
    'a bare carriage return': [400, () => [get, host(), 'X-A: a\rX-B: b']],
    'a zero byte': [400, () => [get, host(), 'X-A: a\0b']],
    'a header without name': [400, () => [get, host(), ': a']],
    'a header without colon': [400, () => [get, host(), 'nonsense']],
    'a whole address': [400, () => ['GET http://evil.example/login HTTP/1.1', host()]],
    'a whole address of ours': [400, () => [`GET http://localhost:${server.port}/login HTTP/1.1`, host()]],
    'an asterisk': [400, () => ['OPTIONS * HTTP/1.1', host()]],
    'two authorizations': [400, () => [get, host(), 'Authorization: Bearer a', 'Authorization: Bearer b']],
    'two types': [400, () => [post, host(), form, 'Content-Type: text/plain', 'Content-Length: 3'], 'a=b'],
    'two origins': [400, () => [get, host(), 'Origin: https://app.example', 'Origin: https://evil.example']],
    'HTTP/0.9': [505, () => ['GET /login']],
    'HTTP/2 in plain words': [505, () => ['GET /login HTTP/2.0', host()]],
    'an HTTP/2 preface': [400, () => ['PRI * HTTP/2.0', '', 'SM']],
    'a version of nobody’s': [400, () => ['GET /login HTTP/1.9', host()]],
    'a method of nobody’s': [400, () => ['STEAL /login HTTP/1.1', host()]],
    'a method in small letters': [400, () => ['get /login HTTP/1.1', host()]],
    'a space before all': [400, () => [` ${get}`, host()]],
    'a path with a control character': [400, () => ['GET /a\x01b HTTP/1.1', host()]],
    'a path that is not ASCII': [400, () => ['GET /\xe4 HTTP/1.1', host()]],
    TLS: [400, () => ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']],
    'an expectation': [417, () => [post, host(), 'Expect: tea', 'Content-Length: 0']],
    'a tunnel': [405, () => ['CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example']],
    '101 fields': [431, () => [get, host(), ...Array.from({ length: 100 }, (_, index) => `x${index}: 1`)]],
    '2,001 fields': [431, () => [get, host(), ...Array.from({ length: 2_000 }, (_, index) => `x${index}:1`)]],
  }

  test.each(Object.keys(cases))('%s is refused, and what stands behind it', async (name) => {
    const [status, lines, body] = cases[name]!
    const answer = await send(lines(), `${body ?? ''}${hidden()}`)
    expect(answer.status, answer.text).toBe(status)
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(answer.text).not.toContain('\r\nok\n')
    expect(answer.headers.get('connection')).toBe('close')
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  })

  test('a body that goes wrong once its request has been answered gets no second answer', async () => {
    const connection = openConnection(server.port)
    connection.write(`POST /nowhere HTTP/1.1\r\n${host()}\r\nTransfer-Encoding: chunked\r\n\r\n`)
    await expect.poll(connection.received).toContain('</html>')
    connection.write(`zz\r\n${hidden()}`)
    const { status, text } = await connection.closed
    expect([status, text.match(/HTTP\/1\.1 /g)?.length]).toEqual([404, 1])
  })

  test('a hundred fields are a request like any other', async () => {
    const lines = ['GET /healthz HTTP/1.1', host(), 'Connection: close']
    const more = Array.from({ length: 98 }, (_, index) => `x${index}: 1`)
    expect((await send([...lines, ...more])).status).toBe(200)
  })

  test.each([
    [
      'a WebSocket',
      ['Connection: Upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
    ],
    [
      'HTTP/2',
      ['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
    ],
  ])('an upgrade to %s is not taken up: the request is answered as it is', async (_what, lines) => {
    const connection = openConnection(server.port)
    connection.write(`GET /healthz HTTP/1.1\r\n${[host(), ...lines].join('\r\n')}\r\n\r\n${hidden()}`)
    const { text, status } = await connection.closed
    expect(status).toBe(200)
    expect(text).not.toMatch(/101 Switching|upgrade/i)
  })

  test('HTTP/1.0 works, and needs no host to be told where to go', async () => {
    expect((await send(['GET /healthz HTTP/1.0'])).status).toBe(200)
    expect((await send(['GET /login HTTP/1.0', host()])).status).toBe(400)
    const lost = await send(['GET /login HTTP/1.0'])
    expect([lost.status, lost.headers.get('location')]).toEqual([307, `${server.publicUrl}/login`])
  })

  test('requests sent ahead are answered in their order, and each by itself', async () => {
    const paths = ['/healthz', '/nowhere', '/oauth2/userInfo', '/healthz']
    const requests = paths.map((path, index) =>
      [`GET ${path} HTTP/1.1`, host(), ...(index === paths.length - 1 ? ['Connection: close'] : []), '', ''].join(
        '\r\n',
      ),
    )
    const { text } = await exchange(server.port, requests.join(''))
    expect([...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1])).toEqual(['200', '404', '400', '200'])
  })

  test('a form that is packed is not unpacked, nor taken for an empty one', async () => {
    const { page, agent } = await callerAt(server.publicUrl)
    const fields = { flow: page.field('flow') ?? '', _csrf: page.field('_csrf') ?? '' }
    const typed = new URLSearchParams({ ...fields, username: 'ada@example.com', password: goodPassword }).toString()
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, 'a'))
    for (const [encoding, body] of [
      ['gzip', gzipSync(typed)],
      ['gzip', bomb],
      ['br', Buffer.from(typed)],
      ['gzip, identity', Buffer.from(typed)],
    ] as const) {
      const answer = await agent.visit(page.url.href, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': encoding },
      })
      expect([answer.status, answer.heading]).toEqual([400, 'This link doesn’t work'])
    }
    expect(whereItIs(await page.submit({ username: 'ada@example.com', password: goodPassword }))).toBe('the app')
  })

  test.each(['utf-7', 'utf-16le', 'ibm037', 'nonsense', '"', 'iso-8859-1'])(
    'the charset %s hides nothing: a form is read as all are',
    async (charset) => {
      const type = { 'content-type': `application/x-www-form-urlencoded; charset=${charset}` }
      const { page, agent } = await callerAt(server.publicUrl)
      const fields = { flow: page.field('flow') ?? '', _csrf: page.field('_csrf') ?? '' }
      const body = new URLSearchParams({ ...fields, username: 'ada@example.com', password: goodPassword }).toString()
      expect(whereItIs(await agent.visit('/login', { method: 'POST', body, headers: type }))).toBe('the app')
      const refused = await fetch(`${server.publicUrl}/oauth2/token`, { method: 'POST', body: 'a=b', headers: type })
      expect(refused.status).toBe(400)
      expect(await refused.json()).toHaveProperty('error')
    },
  )

  test('whoever hangs up in the middle of a form leaves nothing behind', async () => {
    const lines = ['POST /login HTTP/1.1', host(), form, 'Content-Length: 300', '', 'username=']
    for (let times = 0; times < 20; times += 1) {
      const connection = openConnection(server.port)
      connection.write(lines.join('\r\n'))
      await sleep(5)
      connection.socket.resetAndDestroy()
      await connection.closed
    }
    expect((await createUserAgent(server.publicUrl).visit('/healthz')).status).toBe(200)
  })
})

describe('a request that takes its time', () => {
  let http: HttpServer | undefined
  afterEach(() => http?.stop(0))

  const start = async (limits: Partial<typeof requestLimits>): Promise<number> => {
    http = await listen({
      host: '127.0.0.1',
      port: 0,
      log,
      secure: false,
      isReady: () => Promise.resolve(true),
      limits,
    })
    http.ready(async (request, response) => {
      const body = await readForm(request, 1024)
      response.end(`read ${body.ok}\n`)
    })
    return http.port
  }
  /** While it is slow, others are answered. */
  const othersFirst = async (port: number): Promise<void> => {
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('ok\n')
  }
  const quick = { headersTimeout: 400, requestTimeout: 800, connectionsCheckingInterval: 50 }

  test('the server that people run has limits', () => {
    expect(requestLimits.connectionsCheckingInterval).toBeLessThan(requestLimits.headersTimeout)
    expect(requestLimits.headersTimeout).toBeLessThan(requestLimits.requestTimeout)
    for (const [name, limit] of Object.entries(requestLimits)) expect([name, limit > 0]).toEqual([name, true])
  })

  test('to say nothing at all', async () => {
    const port = await start(quick)
    const slow = openConnection(port).closed
    await othersFirst(port)
    expect((await slow).status).toBe(408)
  })

  test('to send its head, a line now and then', async () => {
    const port = await start(quick)
    const connection = openConnection(port)
    connection.write('GET /login HTTP/1.1\r\nHost: a\r\n')
    const drip = setInterval(() => connection.write('X-A: b\r\n'), 60)
    await othersFirst(port)
    const { status } = await connection.closed
    clearInterval(drip)
    expect(status).toBe(408)
  })

  test.each([
    ['of a given length', 'Content-Length: 1000', 'a'],
    ['in chunks', 'Transfer-Encoding: chunked', '1\r\na\r\n'],
  ])('to send its body %s, a byte now and then', async (_what, line, piece) => {
    const port = await start(quick)
    const connection = openConnection(port)
    connection.write(`POST /login HTTP/1.1\r\nHost: a\r\n${form}\r\n${line}\r\n\r\n`)
    const drip = setInterval(() => connection.write(piece), 60)
    await othersFirst(port)
    const { status } = await connection.closed
    clearInterval(drip)
    expect(status).toBe(408)
  })

  test('to read its answers: the connection is given up', async () => {
    const port = await start({ timeout: 300 })
    let given: () => void
    const givenUp = new Promise<void>((resolve) => (given = resolve))
    http?.ready((_request, response) => {
      response.on('close', () => !response.writableFinished && given())
      response.end(Buffer.alloc(50 * 1024 * 1024))
      return Promise.resolve()
    })
    const connection = openConnection(port)
    connection.socket.pause()
    connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await givenUp
    connection.socket.destroy()
  })

  test('more connections than there may be are refused at once, until others leave', async () => {
    const port = await start({ maxConnections: 2 })
    const two = [openConnection(port), openConnection(port)]
    await sleep(50)
    expect((await openConnection(port).closed).status).toBe(0)
    two[0]?.socket.destroy()
    await two[0]?.closed
    const lines = 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    await expect.poll(async () => (await exchange(port, lines)).status).toBe(200)
    two[1]?.socket.destroy()
  })

  test('a connection ends after so many requests', async () => {
    const port = await start({ maxRequestsPerSocket: 2 })
    const connection = openConnection(port)
    connection.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3))
    await expect.poll(connection.received).toContain('503')
    expect(connection.received().match(/HTTP\/1\.1 \d+|Connection: [\w-]+/g)).toEqual([
      ...['HTTP/1.1 200', 'Connection: keep-alive', 'HTTP/1.1 200', 'Connection: close'],
      ...['HTTP/1.1 503', 'Connection: close'],
    ])
    connection.socket.destroy()
  })
})
