import type { Context, Next } from 'koa'
import { TriggerFailure } from '../domain/triggers/trigger-failure.ts'
import { showErrorPage } from '../hosted/error/error.page.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { isJsonEndpoint } from '../oidc/paths.ts'
import { isDatabaseAway } from '../persistence/database-away.ts'
import type { Log } from '../platform/log.ts'
import { OverloadedError } from '../security/overloaded-error.ts'

/**
 * The last resort: the log gets the cause, the person a page with the request's id, an endpoint's caller JSON. What passes
 * by itself, too much to do or a database that is away, is told apart: 503, and when to come back.
 */
export function requestErrors(hosted: HostedServices, log: Log) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next()
    } catch (error) {
      const { requestId } = ctx.state as { requestId?: string }
      // The client has gone in the middle of its request: nobody is there to be answered, and nothing of ours has failed.
      if (ctx.req.destroyed && !ctx.req.complete) {
        log.info({ requestId }, 'a request broke off')
        return void ctx.res.destroy()
      }
      const wait = secondsToWait(error)
      if (!(error instanceof OverloadedError)) log.error({ err: error as Error, requestId }, 'a request failed')
      if (ctx.headerSent || ctx.respond === false) return void ctx.res.destroy()
      if (wait !== undefined) ctx.set('Retry-After', String(wait))
      const status = wait === undefined ? 500 : 503
      if (isJsonEndpoint(ctx.path)) {
        ctx.status = status
        ctx.body = { error: wait === undefined ? 'server_error' : 'temporarily_unavailable' }
        return
      }
      showErrorPage(hosted, ctx, wait === undefined ? 'server' : 'busy', { status })
    }
  }
}

/** A database that is away comes back by itself, as a rule. */
const databaseAwaySeconds = 5
const triggerAwaySeconds = 5

/** When it is worth trying again; undefined: who knows. */
export function secondsToWait(error: unknown): number | undefined {
  if (error instanceof OverloadedError) return error.retryAfterSeconds
  if (error instanceof TriggerFailure && error.kind !== 'denied') return triggerAwaySeconds
  return isDatabaseAway(error) ? databaseAwaySeconds : undefined
}
