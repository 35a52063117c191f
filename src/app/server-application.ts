import Koa from 'koa'
import type { Context, Next } from 'koa'
import type { Router } from '@koa/router'
import type { DomainServices } from '../domain/ports/services.ts'
import type { UserPoolDirectory } from '../domain/user-pools/user-pool-directory.ts'
import { showErrorPage } from '../hosted/error/error.page.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { oneFormAtATime } from '../hosted/one-form-at-a-time.ts'
import type { ProviderRegistry } from '../oidc/provider-registry.ts'
import type { Log } from '../platform/log.ts'
import { strictTransportSecurity } from '../security/page-headers.ts'
import { requestCaller } from './request-caller.ts'
import { requestErrors } from './request-errors.ts'
import { requestLog } from './request-log.ts'
import { createTenantRouter, notFoundPage } from './tenant-router.ts'
import { hostOf, resolveTenant } from './tenants.ts'

export interface ApplicationParts {
  domain: DomainServices
  directory: UserPoolDirectory
  registry: ProviderRegistry
  hosted: HostedServices
  /** `/dev` and `/demo`; none in production. */
  developmentRouters: readonly Router[]
  publicUrl: string
  development: boolean
  /** Their word about a visitor's address counts. */
  trustedProxies: readonly string[]
  log: Log
}

/** The framework's part of a request, in the order in which it happens. */
export function createApplication(parts: ApplicationParts): Koa {
  const { domain, hosted, log } = parts
  const app = new Koa()
  const tenantRouter = createTenantRouter(domain, parts.registry, hosted)
  app.use(requestLog({ log, clock: domain.clock, random: domain.random }))
  app.use(requestCaller(parts.trustedProxies, log))
  app.use(requestErrors(hosted, log))
  app.use(selectTenant(parts))
  app.use(notFoundPage(tenantRouter, hosted))
  for (const router of parts.developmentRouters) app.use(onPublicHost(parts.publicUrl, router.routes()))
  const inTurn = oneFormAtATime()
  app.use(async (ctx, next) => {
    if ((ctx.state as { tenant?: unknown }).tenant === undefined) return
    await inTurn(ctx, () => tenantRouter.routes()(ctx as never, next) as Promise<void>)
  })
  app.on('error', (error: Error) => log.error({ err: error }, 'an answer could not be sent'))
  return app
}

/** The demo and the mailbox are the server's own, and not part of any user pool's domain. */
function onPublicHost(publicUrl: string, routes: ReturnType<Router['routes']>) {
  const { host } = new URL(publicUrl)
  return (ctx: Context, next: Next): Promise<void> | void =>
    hostOf(ctx.req) === host ? (routes(ctx as never, next) as Promise<void>) : (next() as Promise<void>)
}

/** Finds out whose request it is; an unknown host is sent where we are known, and told nothing else. */
function selectTenant(parts: ApplicationParts) {
  const { directory, publicUrl } = parts
  return async (ctx: Context, next: Next): Promise<void> => {
    const resolution = await resolveTenant(directory, publicUrl, hostOf(ctx.req), ctx.path)
    if (resolution.kind === 'unknownHost') return answerUnknownHost(ctx, parts)
    if (resolution.kind === 'tenant') {
      Object.assign(ctx.state, { tenant: resolution.tenant })
      ctx.path = resolution.path
      // A pool's own domain may have https where PUBLIC_URL has not.
      if (resolution.tenant.secure) ctx.set('Strict-Transport-Security', strictTransportSecurity)
    }
    await next()
  }
}

/** RFC 9110 §15.5.20: misdirected. While developing, 127.0.0.1 is simply led to localhost. */
function answerUnknownHost(ctx: Context, { hosted, publicUrl, development }: ApplicationParts): void {
  if (development && (ctx.method === 'GET' || ctx.method === 'HEAD')) {
    ctx.status = 307
    ctx.set('Location', `${publicUrl}${ctx.url}`)
    ctx.body = null
    ctx.status = 307
    return
  }
  showErrorPage(hosted, ctx, 'wrongHost', { status: 421, home: publicUrl })
}
