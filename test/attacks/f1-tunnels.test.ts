import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../../src/app/http-server.ts'
import type { HttpServer } from '../../src/app/http-server.ts'
import { createLog } from '../../src/platform/log.ts'

/*
 * F1, a tunnel asked for: with CONNECT, Node hands the connection over and looks after it no longer. It must neither end the
 * process when it breaks, nor be kept by whoever does not let go, nor hold up a server that is to stop. Guards `letGo` in
 * src/app/http-server.ts.
 */

const start = (): Promise<HttpServer> =>
  listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog({ level: 'silent', pretty: false }),
    secure: false,
    isReady: () => Promise.resolve(true),
  })

/** Asks for a tunnel and reads the refusal; the connection stays open on this side. */
async function refusedTunnel(port: number, behind = ''): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(`CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n${behind}`)
  const answer = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())))
  expect(answer).toMatch(/^HTTP\/1\.1 405 /)
  return socket
}

test('one who breaks off after the refusal does not take the server with them', async () => {
  const http = await start()
  onTestFinished(() => http.stop(0))
  for (let times = 0; times < 5; times += 1) (await refusedTunnel(http.port)).resetAndDestroy()
  await sleep(50)
  expect(await (await fetch(`http://127.0.0.1:${http.port}/healthz`)).text()).toBe('ok\n')
})

test('one who keeps the connection loses it, whatever else they send', async () => {
  const http = await start()
  onTestFinished(() => http.stop(0))
  const socket = await refusedTunnel(http.port)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const drip = setInterval(() => socket.write('more'), 100)
  await closed
  clearInterval(drip)
})

test.each([
  ['has gone', (socket: Socket) => void socket.destroy()],
  ['stays', () => {}],
])('a server stops, though one who asked for a tunnel and sent more %s', async (_what, then) => {
  const http = await start()
  then(await refusedTunnel(http.port, 'more than was asked for'.repeat(1000)))
  await http.stop(0)
})
