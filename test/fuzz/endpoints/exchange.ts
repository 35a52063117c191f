import { connect } from 'node:net'

/** An answer as it came over the wire, interim ones (1xx) left out. */
export interface WireAnswer {
  status: number
  headers: Headers
  body: string
  /** It came to the end that its own framing promised. */
  complete: boolean
}

/** A guard, not a measure: whatever takes this long hangs. */
const deadlineMs = 25_000

/**
 * Writes bytes to a connection of their own and reads what comes until the server closes it. No library stands between,
 * since each refuses some of what an attacker sends.
 * @param options.hangUp the writing side is closed behind the bytes, as by a client that goes away
 * @returns undefined where the connection was closed without an answer
 */
export async function exchange(
  port: number,
  bytes: Buffer,
  options: { hangUp: boolean; method: string },
): Promise<WireAnswer | undefined> {
  const received = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer after ${deadlineMs} ms; so far: ${Buffer.concat(chunks).toString()}`))
    }, deadlineMs)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => socket.destroy())
    // A refusal that comes before all has been written resets the connection; what has been read by then counts.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks))
    })
    if (options.hangUp) socket.end(bytes)
    else socket.write(bytes)
  })
  return parseAnswer(received, options.method)
}

function parseAnswer(received: Buffer, method: string): WireAnswer | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
  const rest = received.subarray(end + 4)
  if (status >= 100 && status < 200) return parseAnswer(rest, method)
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  // What is refused before its first line has been read is answered with a body, whatever the method was.
  if (method === 'HEAD') return { status, headers, body: '', complete: true }
  if (status === 204 || status === 304) return { status, headers, body: '', complete: rest.length === 0 }
  if (headers.get('transfer-encoding') === 'chunked') return { status, headers, ...readChunks(rest) }
  const length = headers.get('content-length')
  const complete = length === null || Number(length) === rest.length
  return { status, headers, body: rest.toString(), complete }
}

function readChunks(bytes: Buffer): { body: string; complete: boolean } {
  const parts: Buffer[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n')
    const size = end === -1 ? Number.NaN : Number.parseInt(rest.subarray(0, end).toString('latin1'), 16)
    if (Number.isNaN(size)) return { body: Buffer.concat(parts).toString(), complete: false }
    if (size === 0) return { body: Buffer.concat(parts).toString(), complete: true }
    parts.push(rest.subarray(end + 2, end + 2 + size))
    rest = rest.subarray(end + 2 + size + 2)
  }
}
