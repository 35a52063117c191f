import { connect } from 'node:net'
import type { Socket } from 'node:net'

const patienceMs = 20_000

/** What came back on a connection until the server closed it. */
export interface RawAnswer {
  /** Of the first answer; 0 when there was none. */
  status: number
  headers: Headers
  /** Everything, as Latin-1. */
  text: string
}

/** A connection to the server on which anything can be written. */
export interface RawConnection {
  socket: Socket
  write(bytes: string | Buffer): void
  /** What has come so far. */
  received(): string
  /** Resolves when the server has closed it. */
  closed: Promise<RawAnswer>
}

export function openConnection(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  // A server that refuses while we are still writing may reset the connection; what it said before counts.
  socket.on('error', () => {})
  const closed = new Promise<RawAnswer>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the server keeps the connection open, having said:\n${text}`))
    }, patienceMs)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(parse(text))
    })
  })
  return { socket, write: (bytes) => void socket.write(bytes), received: () => text, closed }
}

/** Writes the bytes as they are and waits for the server to close the connection: ask it to, in the bytes. */
export function exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const connection = openConnection(port)
  connection.write(bytes)
  return connection.closed
}

function parse(text: string): RawAnswer {
  const [head = ''] = text.split('\r\n\r\n', 1)
  const [first = '', ...lines] = head.split('\r\n')
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? 0), headers, text }
}

/** One request with these header lines, to the byte, and its answer. The caller names the host. */
export function sendRequest(
  port: number,
  target: string,
  lines: readonly string[],
  { method = 'GET', body }: { method?: string; body?: string } = {},
): Promise<RawAnswer> {
  const form =
    body === undefined
      ? []
      : ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${Buffer.byteLength(body)}`]
  const head = [`${method} ${target} HTTP/1.1`, ...lines, ...form, 'Connection: close', '', ''].join('\r\n')
  return exchange(port, Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body ?? '')]))
}
