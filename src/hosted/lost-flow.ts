import type { Context } from 'koa'
import { appHome } from '../domain/app-clients/app-home.ts'
import type { Flow } from '../domain/sessions/flow.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { browserHandle, findFlow, requestUrl } from '../oidc/interaction.ts'
import type { FoundFlow } from '../oidc/interaction.ts'
import { showErrorPage } from './error/error.page.ts'
import type { HostedServices } from './hosted-services.ts'
import { pagePaths } from './paths.ts'
import type { FlowPage } from './paths.ts'
import { redirect, tenantOf } from './step.ts'
import type { Step } from './step.ts'

/* Why a page cannot be shown, and the way on from there. */

/** Answers a request for a page of a flow that is not open, or not this browser's. */
export async function explainLostFlow(
  services: HostedServices,
  ctx: Context,
  tenant: Tenant,
  found: Exclude<FoundFlow, { kind: 'open' }>,
  page: FlowPage,
  flowId: string,
): Promise<undefined> {
  switch (found.kind) {
    case 'finished':
      return goOn(services, ctx, tenant, found.flow)
    case 'expired':
      return showErrorPage(services, ctx, 'expiredHere', { status: 400, restart: requestUrl(tenant, found.flow) })
    case 'otherBrowser':
      return showErrorPage(services, ctx, 'otherBrowser', { status: 400 })
    case 'noCookie':
      return tryCookie(services, ctx, tenant, page, flowId)
    case 'unknown': {
      // A client's flows go with it when it is deleted.
      const { client_id: clientId } = ctx.query
      const gone = typeof clientId === 'string' && !tenant.snapshot.appClients.has(clientId)
      return showErrorPage(services, ctx, gone ? 'unknownClient' : 'expired', { status: 400 })
    }
  }
}

/** The flow could not be finished: it had been, a moment ago, or the engine has nothing to go on with. */
export async function explainUnfinished(services: HostedServices, step: Step): Promise<void> {
  const { ctx, tenant, flow, flowId } = step
  const found = await findFlow(services.domain, tenant, ctx, flowId)
  if (found.kind === 'finished') return goOn(services, ctx, tenant, found.flow)
  showErrorPage(services, ctx, 'expiredHere', { status: 400, restart: requestUrl(tenant, flow) })
}

/** A form sent twice leads where it led the first time, as long as the browser has not been there. */
async function goOn(services: HostedServices, ctx: Context, tenant: Tenant, flow: Flow): Promise<undefined> {
  if (await resumeIfWaiting(services, ctx, tenant, flow)) return
  showErrorPage(services, ctx, 'flowFinished', { status: 400 })
}

/** @returns whether the answer has been given: the browser has not been there yet */
export async function resumeIfWaiting(
  services: HostedServices,
  ctx: Context,
  tenant: Tenant,
  flow: Flow,
): Promise<boolean> {
  const location = await services.resumeFlow(tenant, ctx, flow)
  if (location !== undefined) redirect(ctx, location)
  return location !== undefined
}

/** No cookie has come: another browser sends the one that it is given now, one that keeps none does not. */
function tryCookie(services: HostedServices, ctx: Context, tenant: Tenant, page: FlowPage, flowId: string): undefined {
  if (ctx.query['cookie'] === 'sent') return showErrorPage(services, ctx, 'cookies', { status: 400 })
  browserHandle(services.domain, tenant, ctx)
  const { client_id: clientId } = ctx.query
  const query = new URLSearchParams({
    ...(typeof clientId === 'string' ? { client_id: clientId } : {}),
    flow: flowId,
    cookie: 'sent',
  })
  redirect(ctx, `${tenant.basePath}${pagePaths[page]}?${query.toString()}`)
}

/** Somebody who came by a bookmark, or typed the address: a sign-in begins in an app. */
export function showNotStarted(services: HostedServices, ctx: Context, status: number): undefined {
  const { appClients } = tenantOf(ctx).snapshot
  const { client_id: clientId } = ctx.query
  if (typeof clientId === 'string' && !appClients.has(clientId)) {
    return showErrorPage(services, ctx, 'unknownClient', { status: 400 })
  }
  const named = typeof clientId === 'string' ? appClients.get(clientId) : undefined
  const homes = new Set((named === undefined ? [...appClients.values()] : [named]).map(appHome))
  const [app] = homes.size === 1 ? homes : []
  showErrorPage(services, ctx, 'notStarted', { status, ...(app === undefined ? {} : { app }) })
}
