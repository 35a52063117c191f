import { Router } from '@koa/router'
import type { Context, Next } from 'koa'
import type { DomainServices } from '../domain/ports/services.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { showErrorPage } from '../hosted/error/error.page.ts'
import { createHostedRouter } from '../hosted/hosted-router.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { decideAuthorizationRequest } from '../oidc/authorization-request.ts'
import { answerPreflight } from '../oidc/cors.ts'
import { endpointPaths } from '../oidc/paths.ts'
import type { ProviderRegistry } from '../oidc/provider-registry.ts'
import { answerRevocation } from '../oidc/revocation.ts'
import { answerUserInfo } from '../oidc/userinfo.ts'
import { readForm } from '../platform/http/read-form.ts'

/** Everything that a user pool answers, at paths relative to where it is reached. */
export function createTenantRouter(domain: DomainServices, registry: ProviderRegistry, hosted: HostedServices): Router {
  const router = new Router()
  const engine = async (ctx: Context): Promise<void> => {
    ctx.respond = false
    await registry.engineFor(tenantOf(ctx)).handle(ctx.req, ctx.res)
  }
  router.get(endpointPaths.authorize, async (ctx) => {
    const tenant = tenantOf(ctx)
    const decision = decideAuthorizationRequest(tenant.snapshot, new URLSearchParams(ctx.querystring))
    if (decision.kind === 'page') return showErrorPage(hosted, ctx, errorPages[decision.error], { status: 400 })
    if (decision.kind === 'redirect') return redirectWithError(ctx, decision.location)
    ctx.req.url = `${endpointPaths.authorize}?${decision.parameters.toString()}`
    await engine(ctx)
  })
  router.get(`${endpointPaths.authorize}/:uid`, engine)
  router.post(endpointPaths.token, engine)
  router.options(endpointPaths.token, (ctx) => answerPreflight(ctx, tenantOf(ctx).snapshot, 'POST'))
  router.get(endpointPaths.userInfo, (ctx) => answerUserInfo(domain, tenantOf(ctx), ctx))
  router.post(endpointPaths.userInfo, (ctx) => answerUserInfo(domain, tenantOf(ctx), ctx))
  router.options(endpointPaths.userInfo, (ctx) => answerPreflight(ctx, tenantOf(ctx).snapshot, 'GET, POST'))
  router.post(endpointPaths.revoke, async (ctx) => {
    const body = await readForm(ctx.req, 32 * 1024)
    await answerRevocation(domain, tenantOf(ctx), ctx, body.ok ? body.form : undefined)
  })
  router.options(endpointPaths.revoke, (ctx) => answerPreflight(ctx, tenantOf(ctx).snapshot, 'POST'))
  router.use(createHostedRouter(hosted).routes())
  return router
}

const errorPages = {
  invalid_request: 'invalidRequest',
  unknown_client: 'unknownClient',
  redirect_mismatch: 'redirectMismatch',
} as const

function redirectWithError(ctx: Context, location: string): void {
  ctx.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', Location: location })
  ctx.status = 303
  ctx.body = null
  ctx.status = 303
}

const tenantOf = (ctx: Context): Tenant => (ctx.state as { tenant: Tenant }).tenant

/** Turns what nothing has answered into a page: an unknown path, or a known one asked the wrong way. */
export function notFoundPage(router: Router, hosted: HostedServices) {
  return async (ctx: Context, next: Next): Promise<void> => {
    await next()
    if (ctx.respond === false || ctx.status !== 404 || ctx.body !== undefined) return
    const { path, route } = router.match(ctx.path, ctx.method)
    if (route || path.length === 0) return showErrorPage(hosted, ctx, 'notFound', { status: 404 })
    ctx.set('Allow', [...new Set(path.flatMap((layer) => layer.methods))].join(', '))
    showErrorPage(hosted, ctx, 'method', { status: 405 })
  }
}
