import type { Context } from 'koa'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { allowedOrigins } from './client-metadata.ts'

/**
 * Lets a registered browser origin read the answer. False: the origin is not one of the client's, and the answer is not
 * for it. Requests without an Origin header come from no browser page.
 */
export function answerCors(ctx: Context, snapshot: UserPoolSnapshot, clientId: string): boolean {
  const origin = ctx.get('Origin')
  ctx.vary('Origin')
  ctx.remove('Access-Control-Allow-Origin')
  if (origin === '') return true
  if (!allowedOrigins(snapshot, clientId).has(origin)) return false
  allow(ctx, origin)
  return true
}

/** While the client is not known yet: an app of the pool may read why it was refused. */
export function answerPoolCors(ctx: Context, snapshot: UserPoolSnapshot): void {
  const origin = ctx.get('Origin')
  ctx.vary('Origin')
  if (isOriginOfPool(snapshot, origin)) allow(ctx, origin)
}

/** A preflight names no client, so any origin of the pool's clients may ask; the request itself is checked again. */
export function answerPreflight(ctx: Context, snapshot: UserPoolSnapshot, methods: string): void {
  const origin = ctx.get('Origin')
  ctx.vary('Origin')
  ctx.status = 204
  if (!isOriginOfPool(snapshot, origin)) return
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Allow-Methods', methods)
  ctx.set('Access-Control-Allow-Headers', allowedHeaders(ctx.get('Access-Control-Request-Headers')))
  ctx.set('Access-Control-Max-Age', '3600')
}

function allow(ctx: Context, origin: string): void {
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate')
}

const isOriginOfPool = (snapshot: UserPoolSnapshot, origin: string): boolean =>
  [...snapshot.appClients.keys()].some((clientId) => allowedOrigins(snapshot, clientId).has(origin))

/** What is always needed, and what the page's library adds of its own (Amplify: `x-amz-user-agent`); we read none of it. */
function allowedHeaders(asked: string): string {
  const names = asked.split(',').map((name) => name.trim().toLowerCase())
  const more = names.filter((name) => /^[\w-]{1,64}$/.test(name)).slice(0, 20)
  return [...new Set(['authorization', 'content-type', ...more])].join(', ')
}
