import { Router } from '@koa/router'
import type { Context, Next } from 'koa'
import type { DomainServices } from '../domain/ports/services.ts'
import { showErrorPage } from '../hosted/error/error.page.ts'
import { showFormPostPage } from '../hosted/form-post/form-post.page.ts'
import { createHostedRouter } from '../hosted/hosted-router.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { rememberLanguage } from '../hosted/language.ts'
import { redirect, tenantOf } from '../hosted/step.ts'
import { decideAuthorizationRequest } from '../oidc/authorization-request.ts'
import { answerPreflight } from '../oidc/cors.ts'
import { hideQuery } from '../oidc/engine-internals.ts'
import { endpointPaths, isJsonEndpoint } from '../oidc/paths.ts'
import type { ProviderRegistry } from '../oidc/provider-registry.ts'
import { answerLocation } from '../oidc/response-modes.ts'
import { answerRevocation } from '../oidc/revocation.ts'
import { answerUserInfo } from '../oidc/userinfo.ts'
import { askedBy } from '../platform/http/caller.ts'
import { readForm, readPairs } from '../platform/http/read-form.ts'

/** Of an authorization request that comes by POST. */
const maximumFormBytes = 64 * 1024

/** Everything that a user pool answers, at paths relative to where it is reached. */
export function createTenantRouter(domain: DomainServices, registry: ProviderRegistry, hosted: HostedServices): Router {
  const router = new Router()
  const engine = async (ctx: Context): Promise<void> => {
    ctx.respond = false
    const tenant = tenantOf(ctx)
    await registry.engineFor(tenant).handle(tenant, ctx.req, ctx.res)
  }
  router.get(endpointPaths.authorize, async (ctx) => {
    const parameters = checkAuthorization(hosted, ctx, new URLSearchParams(ctx.querystring))
    if (parameters === undefined) return
    // Cognito keeps the language that an app asks for; what the person chooses on a page afterwards takes its place.
    rememberLanguage(ctx, tenantOf(ctx).secure)
    ctx.req.url = `${endpointPaths.authorize}?${parameters.toString()}`
    await engine(ctx)
  })
  // OIDC Core §3.1.2.1. Cookies that are SameSite=Lax come with a GET only, so the request is sent round once.
  router.post(endpointPaths.authorize, async (ctx) => {
    const body = await readPairs(ctx.req, maximumFormBytes)
    if (!body.ok) return showErrorPage(hosted, ctx, 'invalidRequest', { status: body.problem === 'size' ? 413 : 400 })
    const sent = new URLSearchParams([...new URLSearchParams(ctx.querystring), ...body.pairs])
    if (checkAuthorization(hosted, ctx, sent) === undefined) return
    redirect(ctx, `${tenantOf(ctx).basePath}${endpointPaths.authorize}?${sent.toString()}`)
  })
  router.get(`${endpointPaths.authorize}/:uid`, async (ctx) => {
    hideQuery(ctx)
    await engine(ctx)
  })
  router.post(endpointPaths.token, engine)
  router.options(endpointPaths.token, (ctx) => answerPreflight(ctx, tenantOf(ctx).snapshot, 'POST'))
  router.get(endpointPaths.userInfo, (ctx) => answerUserInfo(domain, tenantOf(ctx), ctx))
  router.post(endpointPaths.userInfo, (ctx) => answerUserInfo(domain, tenantOf(ctx), ctx))
  router.options(endpointPaths.userInfo, (ctx) => answerPreflight(ctx, tenantOf(ctx).snapshot, 'GET, POST'))
  router.post(endpointPaths.revoke, async (ctx) => {
    const body = await readForm(ctx.req, 32 * 1024)
    await answerRevocation(askedBy(domain, ctx.req), tenantOf(ctx), ctx, body.ok ? body.form : undefined)
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

/** The request as the engine may see it; undefined when it has been answered. */
function checkAuthorization(hosted: HostedServices, ctx: Context, sent: URLSearchParams): URLSearchParams | undefined {
  const decision = decideAuthorizationRequest(tenantOf(ctx).snapshot, sent)
  if (decision.kind === 'proceed') return decision.parameters
  if (decision.kind === 'page') return showErrorPage(hosted, ctx, errorPages[decision.error], { status: 400 })
  const { answer } = decision
  if (answer.mode === 'form_post') showFormPostPage(hosted, ctx, Object.fromEntries(sent), answer)
  else redirect(ctx, answerLocation(answer))
  return undefined
}

/** The request's id under the names that Cognito's clients log. */
function nameRequest(ctx: Context): void {
  const { requestId = '' } = ctx.state as { requestId?: string }
  ctx.set({ 'x-amzn-requestid': requestId, 'x-amz-cognito-request-id': requestId })
}

/** Turns what nothing has answered into a page, or into JSON for a program: an unknown path, or one asked the wrong way. */
export function notFoundPage(router: Router, hosted: HostedServices) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (isJsonEndpoint(ctx.path)) nameRequest(ctx)
    await next()
    if (ctx.respond === false || ctx.status !== 404 || ctx.body !== undefined) return
    const { path, route } = router.match(ctx.path, ctx.method)
    // What stands before all pages answers none.
    const pages = path.filter(({ methods }) => methods.length > 0)
    if (route || pages.length === 0) return showErrorPage(hosted, ctx, 'notFound', { status: 404 })
    ctx.set('Allow', [...new Set(pages.flatMap((layer) => layer.methods))].join(', '))
    if (isJsonEndpoint(ctx.path)) {
      ctx.status = 405
      ctx.set('Cache-Control', 'no-store')
      ctx.body = { error: 'invalid_request', error_description: `${ctx.method} is not supported here` }
      return
    }
    showErrorPage(hosted, ctx, 'method', { status: 405 })
  }
}
