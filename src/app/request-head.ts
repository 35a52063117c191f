import type { IncomingMessage } from 'node:http'

/** Why a request is refused before anybody looks at what it asks for. */
export interface HeadProblem {
  status: number
  text: string
}

/** Browsers send about twenty, proxies add some. What Node's own limit is passed by is dropped without a word. */
const maximumFields = 100

/** Fields that have one meaning only if they are there once: a proxy before us may have gone by another of two lines. */
const single = new Set(['host', 'authorization', 'content-type', 'content-encoding', 'transfer-encoding', 'origin'])

const bad: HeadProblem = { status: 400, text: 'Bad request' }

/**
 * What Node's parser lets through and a careful server does not (RFC 9112; threat rows E2, F1): requests that name their
 * own host, that two readers could read in two ways, or that have no end to their fields.
 */
export function headProblem({ url = '', httpVersion, headers, rawHeaders }: IncomingMessage): HeadProblem | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return { status: 505, text: 'HTTP version not supported' }
  // Absolute and asterisk forms (RFC 9112 §3.2) would let a request name its own host.
  if (!url.startsWith('/')) return bad
  if (rawHeaders.length > 2 * maximumFields) return { status: 431, text: 'Too many header fields' }
  if (repeatsField(rawHeaders)) return bad
  if (headers.host === undefined && httpVersion === '1.1') return bad
  // RFC 9112 §6.1: a coding that is not understood. Node takes the last one, `chunked`, and leaves the others in the body.
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return { status: 501, text: 'Not implemented' }
  return undefined
}

function repeatsField(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>()
  return rawHeaders.some((text, index) => {
    const name = text.toLowerCase()
    if (index % 2 === 1 || !single.has(name)) return false
    const again = seen.has(name)
    seen.add(name)
    return again
  })
}
