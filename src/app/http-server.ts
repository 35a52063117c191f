import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../platform/log.ts'

export interface HttpServer {
  port: number
  /** From now on requests other than the signals are handled; before, they are told to wait. */
  ready(handle: (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>): void
  /** Lets what is under way finish, for `graceMs` at most. */
  stop(graceMs: number): Promise<void>
}

/** Caps that a slow or huge request runs into (threat rows E4, F1). */
const limits = { headersTimeout: 15_000, requestTimeout: 30_000, maxHeaderSize: 32 * 1024, keepAliveTimeout: 5_000 }

/**
 * Listens at once, so that `/healthz` answers while the database is still being opened.
 * @param isReady asks the database; for `/readyz`
 */
export async function listen(options: {
  host: string
  port: number
  log: Log
  isReady: () => Promise<boolean>
}): Promise<HttpServer> {
  let handle: Parameters<HttpServer['ready']>[0] | undefined
  let stopping = false
  const server = createServer(limits, (request, response) => {
    const target = request.url ?? ''
    // Absolute and asterisk forms (RFC 9112 §3.2) would let a request name its own host.
    if (!target.startsWith('/')) return plain(response, 400, 'Bad request')
    const path = target.split('?', 1)[0] ?? '/'
    if (path === '/healthz') return plain(response, 200, 'ok')
    const work =
      path === '/readyz'
        ? answerReady(response, handle !== undefined && !stopping, options.isReady)
        : handle?.(request, response, path)
    if (work === undefined) return plain(response, 503, 'Starting', { 'Retry-After': '1' })
    work.catch((error: unknown) => {
      options.log.error({ err: error as Error }, 'a request failed outside the application')
      if (response.headersSent) response.destroy()
      else plain(response, 500, 'Internal server error')
    })
  })
  server.on('clientError', answerUnreadable)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    ready: (handler) => {
      handle = handler
    },
    stop(graceMs) {
      stopping = true
      return stop(server, graceMs)
    },
  }
}

async function answerReady(response: ServerResponse, up: boolean, isReady: () => Promise<boolean>): Promise<void> {
  const ready = up && (await isReady().catch(() => false))
  plain(response, ready ? 200 : 503, ready ? 'ready' : 'not ready')
}

/** What cannot be read as a request; an address that is too long may be a person's. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, text] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'This link is too long. Go back to the app and start again.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request took too long.']
        : ['400 Bad Request', 'Bad request.']
  const head = ['Connection: close', 'Content-Type: text/plain; charset=utf-8', 'Cache-Control: no-store']
  const length = `Content-Length: ${Buffer.byteLength(text) + 1}`
  socket.end(`HTTP/1.1 ${[status, ...head, length].join('\r\n')}\r\n\r\n${text}\n`)
}

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  response.end(`${text}\n`)
}

async function stop(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    // A connection kept alive falls idle when its last answer has been sent; waiting for its timeout would take seconds.
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    server.close(() => {
      clearTimeout(timer)
      clearInterval(idle)
      resolve()
    })
    server.closeIdleConnections()
  })
}
