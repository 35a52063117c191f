import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { nextUnpublished } from '../domain/tokens/signing-key-set.ts'
import type { UserPoolDirectory, UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { discoveryDocument, jwksDocument } from '../oidc/discovery.ts'
import type { Clock } from '../platform/clock.ts'
import type { Assets } from '../platform/views/assets.ts'
import { endpointBase, hostOf } from './tenants.ts'

/* What is asked most and changes least is answered from prepared buffers, before the framework (design decision 20). */

interface Document {
  body: Buffer
  etag: string
}

interface Documents {
  discovery: Document
  jwks: Document
  /** When a key has to leave; undefined: as long as the settings stay as they are. */
  until: Date | undefined
}

export interface PreparedAnswers {
  /** True when the request has been answered. */
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>
}

export function createPreparedAnswers(
  assets: Assets,
  directory: UserPoolDirectory,
  publicUrl: string,
  clock: Clock,
): PreparedAnswers {
  const documents = new WeakMap<UserPoolSnapshot, Documents>()
  const documentsOf = (snapshot: UserPoolSnapshot): Documents => {
    const now = clock.now()
    const known = documents.get(snapshot)
    if (known !== undefined && (known.until === undefined || known.until > now)) return known
    const base = endpointBase(snapshot.userPool, publicUrl)
    const made = {
      discovery: prepare(discoveryDocument(snapshot, base)),
      jwks: prepare(jwksDocument(snapshot, now)),
      until: nextUnpublished(snapshot.keys, now),
    }
    documents.set(snapshot, made)
    return made
  }
  return {
    async answer(request, response, path) {
      if (path.startsWith('/assets/')) return answerAsset(assets, request, response, path)
      const asked = metadataRequest(path)
      if (asked === undefined) return false
      const userPool = directory.byIssuer(`${hostOf(request)}${asked.issuerPath}`)
      const snapshot = userPool && (await directory.get(userPool.id))
      if (snapshot === undefined) return answerElsewhere(request, response, directory, asked.name)
      answerDocument(request, response, documentsOf(snapshot)[asked.name])
      return true
    },
  }
}

/** OIDC Discovery §4 puts the well-known part behind the issuer's path, RFC 8414 §3.1 before it. */
function metadataRequest(path: string): { name: 'discovery' | 'jwks'; issuerPath: string } | undefined {
  const oidc = /^(.*)\/\.well-known\/(openid-configuration|jwks\.json)$/.exec(path)
  if (oidc) return { name: oidc[2] === 'jwks.json' ? 'jwks' : 'discovery', issuerPath: oidc[1] ?? '' }
  const oauth = /^\/\.well-known\/oauth-authorization-server(\/.*)?$/.exec(path)
  return oauth ? { name: 'discovery', issuerPath: oauth[1] ?? '' } : undefined
}

const prepare = (document: object): Document => {
  const body = Buffer.from(JSON.stringify(document))
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

function answerDocument(request: IncomingMessage, response: ServerResponse, document: Document): void {
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('Cache-Control', 'public, max-age=300')
  response.setHeader('ETag', document.etag)
  // Public, for any page to read.
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
  if (request.method === 'OPTIONS') return end(response, 204, preflight)
  if (!isRead(request)) return end(response, 405, { Allow: 'GET, HEAD, OPTIONS' })
  if (matches(request, document.etag)) return end(response, 304, {})
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': document.body.length })
  response.end(request.method === 'HEAD' ? undefined : document.body)
}

/** Asked before a GET with headers of its own, such as a conditional one. */
const preflight = {
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': 'if-none-match, cache-control',
  'Access-Control-Max-Age': '3600',
}

/** RFC 9110 §13.1.2: a list or `*`, compared weakly, since a proxy that compresses weakens the tag. */
function matches(request: IncomingMessage, etag: string): boolean {
  const sent = request.headers['if-none-match']
  return sent !== undefined && sent.split(',').some((part) => ['*', etag, `W/${etag}`].includes(part.trim()))
}

const isRead = (request: IncomingMessage): boolean => request.method === 'GET' || request.method === 'HEAD'

function end(response: ServerResponse, status: number, headers: Record<string, string>): void {
  response.writeHead(status, headers)
  response.end()
}

/** Asked at an address that is no issuer: the answer names the right ones. */
function answerElsewhere(
  request: IncomingMessage,
  response: ServerResponse,
  directory: UserPoolDirectory,
  name: 'discovery' | 'jwks',
): boolean {
  const userPool = directory.byHost(hostOf(request)) ?? directory.default()
  const suffix = name === 'jwks' ? 'jwks.json' : 'openid-configuration'
  const hint = userPool === undefined ? {} : { see: `${userPool.issuer}/.well-known/${suffix}` }
  const body = JSON.stringify({ error: 'not_found', error_description: 'There is no issuer at this address.', ...hint })
  response.writeHead(404, {
    'Content-Type': 'application/json',
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  })
  response.end(body)
  return true
}

function answerAsset(assets: Assets, request: IncomingMessage, response: ServerResponse, path: string): boolean {
  const asset = assets.find(path)
  if (asset === undefined || !isRead(request)) {
    end(response, 404, {})
    return true
  }
  const accepted = request.headers['accept-encoding'] ?? ''
  const [body, encoding] =
    accepted.includes('br') && asset.brotli
      ? [asset.brotli, 'br']
      : accepted.includes('gzip') && asset.gzip
        ? [asset.gzip, 'gzip']
        : [asset.body, undefined]
  const headers = {
    ETag: asset.etag,
    'Cache-Control': asset.cacheControl,
    Vary: 'Accept-Encoding',
  }
  if (matches(request, asset.etag)) {
    end(response, 304, headers)
    return true
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': asset.contentType,
    'Content-Length': body.length,
    ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
  return true
}
