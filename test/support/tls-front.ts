import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { generate } from 'selfsigned'

export interface TlsFront {
  /** `https://localhost:<port>`: what PUBLIC_URL has to be. */
  origin: string
  /** Where requests go from now on; they are 502 before. */
  forwardTo(port: number): void
  stop(): Promise<void>
}

/**
 * What stands before the server in production: ends TLS, hands the request on over HTTP, and says who called. Its
 * certificate is made on the spot, and trusted by this process alone.
 */
export async function startTlsFront(): Promise<TlsFront> {
  // A name of its own: of two authorities with the same one, only one would be tried.
  const commonName = `front ${randomUUID()}`
  const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  setDefaultCACertificates([...getCACertificates('default'), cert])
  let port: number | undefined
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    if (port === undefined) outgoing.writeHead(502).end()
    else forward(port, incoming, outgoing)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    forwardTo(target) {
      port = target
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function forward(port: number, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, socket } = incoming
  const headers = {
    ...incoming.headers,
    'x-forwarded-for': socket.remoteAddress ?? '',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': incoming.headers.host ?? '',
  }
  const onward = httpRequest({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answer.pipe(outgoing)
  })
  onward.once('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
