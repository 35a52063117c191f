import type { Context, Next } from 'koa'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Random } from '../platform/random.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { callerOf } from '../platform/http/caller.ts'

/** Gives every request an id, shown on error pages, and logs its outcome: path without query, no secrets (row F10). */
export function requestLog(services: { log: Log; clock: Clock; random: Random }) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const state = ctx.state as { requestId?: string; tenant?: Tenant }
    const requestId = services.random.uuid()
    state.requestId = requestId
    ctx.set('X-Request-Id', requestId)
    const { method } = ctx
    const path = ctx.path.replace(/^(.*\/oauth2\/authorize)\/.+$/, '$1/…').slice(0, 200)
    const began = services.clock.now().getTime()
    ctx.res.once('close', () => {
      const ms = services.clock.now().getTime() - began
      const userPool = state.tenant?.snapshot.userPool.id
      const { address } = callerOf(ctx.req)
      services.log.info({ requestId, method, path, status: ctx.res.statusCode, ms, userPool, address }, 'request')
    })
    await next()
  }
}
