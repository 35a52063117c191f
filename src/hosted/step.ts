import type { Context } from 'koa'
import type { AppClient } from '../domain/app-clients/app-client.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { Flow } from '../domain/sessions/flow.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import { pagePaths } from './paths.ts'
import type { FlowPage } from './paths.ts'

/** One request to one page of a flow, with everything checked that every page has to check. */
export interface Step {
  ctx: Context
  tenant: Tenant
  appClient: AppClient
  flow: Flow
  flowId: string
  browser: string
  /** In the service of this visitor. */
  domain: DomainServices
  locale: Locale
  languages: readonly string[]
}

export type FormStep = Step & { form: ReadonlyMap<string, string> }

export function pageUrl(step: Pick<Step, 'tenant' | 'flowId' | 'appClient'>, page: FlowPage, notice?: string): string {
  const query = new URLSearchParams({
    client_id: step.appClient.id,
    flow: step.flowId,
    ...(notice === undefined ? {} : { notice }),
  })
  return `${step.tenant.basePath}${pagePaths[page]}?${query.toString()}`
}

/** 303: whatever the method was, the next request is a GET, so that reloading never posts again. */
export function redirect(ctx: Context, location: string): void {
  ctx.status = 303
  ctx.set('Cache-Control', 'no-store')
  ctx.set('Referrer-Policy', 'no-referrer')
  ctx.set('Location', location)
  ctx.body = null
  ctx.status = 303
}

export const tenantOf = (ctx: Context): Tenant => (ctx.state as { tenant: Tenant }).tenant
