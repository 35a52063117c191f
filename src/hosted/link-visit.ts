import type { Context } from 'koa'
import type { AppClient } from '../domain/app-clients/app-client.ts'
import { mayUseLocalAccounts } from '../domain/app-clients/sign-in-methods.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { UserPool } from '../domain/user-pools/user-pool.ts'
import { browserHandle } from '../oidc/interaction.ts'
import { askedBy } from '../platform/http/caller.ts'
import { readForm } from '../platform/http/read-form.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import { csrfMatches } from '../security/csrf.ts'
import { showErrorPage } from './error/error.page.ts'
import type { ErrorKey } from './error/error.page.ts'
import type { HostedServices } from './hosted-services.ts'
import { languagesOf, rememberLanguage } from './language.ts'
import { noticesOf } from './notices.ts'
import type { PageRequest } from './render.ts'
import { tenantOf } from './step.ts'

/* Pages that the link of a mail leads to. They belong to no flow: a link may be followed anywhere. */

/** One request to such a page, with what every one of them has to know. */
export interface LinkVisit {
  ctx: Context
  tenant: Tenant
  userPool: UserPool
  appClient: AppClient
  browser: string
  /** In the service of this visitor. */
  domain: DomainServices
  locale: Locale
}

const maximumFormBytes = 16 * 1024

/**
 * Who follows the link, if it names a client of this pool's; otherwise the answer has been given.
 * @param wrong what the page says of a link that names none
 */
export function visitByLink(
  services: HostedServices,
  ctx: Context,
  clientId: string,
  wrong: ErrorKey,
): LinkVisit | undefined {
  const tenant = tenantOf(ctx)
  rememberLanguage(ctx, tenant.secure)
  const appClient = tenant.snapshot.appClients.get(clientId)
  if (appClient === undefined) return showErrorPage(services, ctx, wrong, { status: 400 })
  if (!mayUseLocalAccounts(appClient)) return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  const languages = languagesOf(ctx, {})
  return {
    ctx,
    tenant,
    userPool: tenant.snapshot.userPool,
    appClient,
    browser: browserHandle(services.domain, tenant, ctx),
    domain: askedBy(services.domain, ctx.req, { clientId, notices: noticesOf(tenant, languages) }),
    locale: services.catalogue.locale(languages),
  }
}

/** The parameter that is there once; empty: none, or two readers could see two (threat row C2). */
export function onlyOne(parameters: URLSearchParams, name: string): string {
  const values = parameters.getAll(name)
  return values.length === 1 ? (values[0] ?? '') : ''
}

/**
 * A POST to such a page: its form was made for this browser and this very link (threat row E12).
 * @param page.open as for a GET
 */
export async function openLinkForm<Visit extends LinkVisit>(
  services: HostedServices,
  ctx: Context,
  page: {
    open: (parameters: URLSearchParams) => Visit | undefined
    csrfSubject: (visit: Visit) => string
    address: (visit: Visit) => string
  },
): Promise<(Visit & { form: ReadonlyMap<string, string> }) | undefined> {
  const body = await readForm(ctx.req, maximumFormBytes)
  if (!body.ok) return showErrorPage(services, ctx, 'invalidRequest', { status: body.problem === 'size' ? 413 : 400 })
  const visit = page.open(new URLSearchParams([...body.form]))
  if (visit === undefined) return undefined
  const { sealedBox } = services.domain
  if (!csrfMatches(sealedBox, visit.browser, page.csrfSubject(visit), body.form.get('_csrf') ?? '')) {
    return showErrorPage(services, ctx, 'csrf', { status: 403, back: page.address(visit) })
  }
  return { ...visit, form: body.form }
}

export const linkPageRequest = (
  { ctx, locale, tenant, appClient }: LinkVisit,
  pageInLanguage: (lang: string) => string,
): PageRequest => ({ ctx, locale, tenant, appClient, redirectUri: undefined, pageInLanguage })
