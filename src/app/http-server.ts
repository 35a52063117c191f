import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../platform/log.ts'
import { answerHeaders } from '../security/page-headers.ts'
import { headProblem } from './request-head.ts'

export interface HttpServer {
  port: number
  /** From now on requests other than the signals are handled; before, they are told to wait. */
  ready(handle: (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>): void
  /** Lets what is under way finish, for `graceMs` at most. */
  stop(graceMs: number): Promise<void>
}

/** Caps that a slow or huge request runs into (threat rows E4, F1); `request-head.ts` has those of its head. */
export const requestLimits = {
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  /** How often Node looks for requests past their time: its own 30 s would leave a slow one alone for three times as long. */
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 32 * 1024,
  keepAliveTimeout: 5_000,
  /** A connection on which nothing moves, such as one whose answers nobody reads. */
  timeout: 60_000,
  /** More are refused at once, so that a flood of idle ones does not take the memory of those that are served. */
  maxConnections: 10_000,
  /** Then the connection is closed, and the next one may be another process's. */
  maxRequestsPerSocket: 1_000,
}

export interface HttpServerOptions {
  host: string
  port: number
  log: Log
  /** PUBLIC_URL is https. */
  secure: boolean
  isReady: () => Promise<boolean>
  /** For tests, which do not wait so long. */
  limits?: Partial<typeof requestLimits>
}

/**
 * Listens at once, so that `/healthz` answers while the database is still being opened.
 * @param options.isReady asks the database; for `/readyz`
 */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  let handle: Parameters<HttpServer['ready']>[0] | undefined
  let stopping = false
  const everywhere = Object.entries(answerHeaders(options.secure))
  const answers = new WeakMap<Duplex, ServerResponse>()
  const { maxConnections, maxRequestsPerSocket, timeout, ...limits } = { ...requestLimits, ...options.limits }
  const server = createServer({ ...limits, insecureHTTPParser: false, requireHostHeader: false })
  Object.assign(server, { maxConnections, maxRequestsPerSocket, timeout })
  server.on('request', (request, response) => {
    for (const [name, value] of everywhere) response.setHeader(name, value)
    answers.set(request.socket, response)
    const problem = headProblem(request)
    // What is behind such a head is not worth looking for.
    if (problem !== undefined) return plain(response, problem.status, problem.text, { Connection: 'close' })
    const path = request.url?.split('?', 1)[0] ?? '/'
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
  refuseTheRest(server, everywhere, answers)
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

/**
 * What Node would answer by itself, without a header of ours, or hang up on.
 * @param answers the last one on each connection
 */
function refuseTheRest(
  server: Server,
  everywhere: readonly (readonly [string, string])[],
  answers: WeakMap<Duplex, ServerResponse>,
): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of everywhere) response.setHeader(name, value)
    plain(response, 417, 'Expectation failed', { Connection: 'close' })
  })
  // We are nobody's proxy.
  server.on('connect', (_request, socket: Duplex) => {
    letGo(socket)
    answerOn(socket, everywhere, '405 Method Not Allowed', 'Method not allowed.')
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    // Answered already, be it for its head: a second answer would be taken for one to somebody else's request.
    const answer = answers.get(socket)
    const isLast = answer?.getHeader('Connection') === 'close' || answer?.req.complete === false
    if (answer?.headersSent === true && isLast) return void socket.end()
    answerOn(socket, everywhere, ...(unreadable[error.code ?? ''] ?? (['400 Bad Request', 'Bad request.'] as const)))
  })
}

/** What cannot be read as a request; an address that is too long may be a person's. */
const unreadable: Readonly<Record<string, readonly [status: string, text: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'This link is too long. Go back to the app and start again.',
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'The request is too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long.'],
}

/** How long a connection that is no longer Node's may take to read its answer. */
const letGoMs = 2_000

/**
 * Node hands the connection of a CONNECT over and forgets it: its errors would end the process, no timeout would close it,
 * and `closeAllConnections` would not either. What comes on it is thrown away, so that its end is seen.
 */
function letGo(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), letGoMs)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => clearTimeout(timer))
  socket.resume()
}

function answerOn(
  socket: Duplex,
  everywhere: readonly (readonly [string, string])[],
  status: string,
  text: string,
): void {
  const headers = [
    ['Connection', 'close'],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(Buffer.byteLength(text) + 1)],
    ...everywhere,
  ]
  const head = headers.map((pair) => pair.join(': ')).join('\r\n')
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${text}\n`)
}

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
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
