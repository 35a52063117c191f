import { lookup } from 'node:dns'
import type { LookupAddress, LookupOptions } from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/*
 * A request to an address that somebody has configured, and to nothing else (threat row C13): what the name leads to is looked at where
 * the connection is made, so that it cannot be another one by then; no redirect is followed; the answer is bounded.
 */

export interface GuardedAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

/** As a class, so that it is told from every other failure. */
export class ForbiddenAddressError extends Error {
  override name = 'ForbiddenAddressError'
}

/** Whether a public server can be there: not this machine, not a private network, not a cloud's metadata. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // An IPv4 address in IPv6's clothes is looked at as what it is.
  return ipaddr.process(address).range() === 'unicast'
}

const isAllowed = (address: string, allowPrivateAddresses: boolean): boolean =>
  allowPrivateAddresses || isPublicAddress(address)

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void

/** Every address that a name leads to must be allowed: a name with one bad address is somebody's trick. */
const guardedLookup = (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '')
    const forbidden = addresses.find(({ address }) => !isPublicAddress(address))
    if (forbidden !== undefined) return callback(forbiddenAt(hostname), '')
    const [first] = addresses
    if (options.all === true) return callback(null, addresses)
    callback(null, first?.address ?? '', first?.family)
  })
}

const forbiddenAt = (hostname: string): ForbiddenAddressError =>
  new ForbiddenAddressError(`${hostname} is at a private address, and AllowPrivateAddresses is not true`)

// Kept open between calls: the address was looked at when the connection was made.
const keepAlive = { keepAlive: true, maxSockets: 50, maxFreeSockets: 4 } as const
const agents = {
  http: new http.Agent(keepAlive),
  https: new https.Agent(keepAlive),
  guardedHttps: new https.Agent({ ...keepAlive, lookup: guardedLookup }),
}

/** Of an answer. Lambda's synchronous answers are of 6 MB at most; no event of a trigger comes near. */
const maximumAnswerBytes = 1024 * 1024

/** @throws ForbiddenAddressError, or whatever keeps an answer from coming, `signal` included */
export const guardedPost = (
  request: Omit<GuardedRequest, 'method'> & { body: string },
  options: GuardOptions,
): Promise<GuardedAnswer> => guardedRequest({ method: 'POST', ...request }, options)

export interface GuardedRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body?: string
}

interface GuardOptions {
  allowPrivateAddresses: boolean
  signal: AbortSignal
}

/** @throws ForbiddenAddressError, or whatever keeps an answer from coming, `signal` included */
export function guardedRequest(request: GuardedRequest, options: GuardOptions): Promise<GuardedAnswer> {
  const { method, body = '' } = request
  const url = new URL(request.url)
  const { allowPrivateAddresses, signal } = options
  // A literal address is never looked up.
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) !== 0 && !isAllowed(literal, allowPrivateAddresses)) return Promise.reject(forbiddenAt(literal))
  const isHttps = url.protocol === 'https:'
  const agent = !isHttps ? agents.http : allowPrivateAddresses ? agents.https : agents.guardedHttps
  return new Promise((resolve, reject) => {
    const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const headers = { ...request.headers, ...length }
    const outgoing = (isHttps ? https : http).request(url, { method, agent, headers, signal }, (incoming) => {
      readAll(incoming).then(
        (text) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }),
        (error: unknown) => {
          outgoing.destroy()
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function readAll(incoming: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maximumAnswerBytes) throw new Error(`the answer is longer than ${maximumAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
