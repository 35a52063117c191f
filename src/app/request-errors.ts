import type { Context, Next } from 'koa'
import { showErrorPage } from '../hosted/error/error.page.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { isJsonEndpoint } from '../oidc/paths.ts'
import type { Log } from '../platform/log.ts'
import { OverloadedError } from '../security/overloaded-error.ts'

/** The last resort: the log gets the cause, the person a page with the request's id, an endpoint's caller JSON. */
export function requestErrors(hosted: HostedServices, log: Log) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next()
    } catch (error) {
      // The client went away before the end of what it had to say: nothing of ours is wrong, and nobody waits.
      if (error === ctx.req.errored) {
        ctx.respond = false
        return
      }
      const overloaded = error instanceof OverloadedError
      const { requestId } = ctx.state as { requestId?: string }
      if (overloaded) ctx.set('Retry-After', String(error.retryAfterSeconds))
      else log.error({ err: error as Error, requestId }, 'a request failed')
      if (ctx.headerSent || ctx.respond === false) return void ctx.res.destroy()
      const status = overloaded ? 503 : 500
      if (isJsonEndpoint(ctx.path)) {
        ctx.status = status
        ctx.body = { error: overloaded ? 'temporarily_unavailable' : 'server_error' }
        return
      }
      showErrorPage(hosted, ctx, overloaded ? 'tooMany' : 'server', { status })
    }
  }
}
