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
  if (origin === '') return true
  if (!allowedOrigins(snapshot, clientId).has(origin)) return false
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate')
  return true
}

/** A preflight names no client, so any origin of the pool's clients may ask; the request itself is checked again. */
export function answerPreflight(ctx: Context, snapshot: UserPoolSnapshot, methods: string): void {
  const origin = ctx.get('Origin')
  ctx.vary('Origin')
  ctx.status = 204
  const known = [...snapshot.appClients.keys()].some((clientId) => allowedOrigins(snapshot, clientId).has(origin))
  if (!known) return
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Allow-Methods', methods)
  ctx.set('Access-Control-Allow-Headers', 'authorization, content-type')
  ctx.set('Access-Control-Max-Age', '3600')
}
