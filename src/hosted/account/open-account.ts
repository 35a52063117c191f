import type { Context } from 'koa'
import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { accountUri } from '../../domain/app-clients/redirect-uri.ts'
import { mayOpenAccount } from '../../domain/app-clients/sign-in-methods.ts'
import { hasSecondFactor } from '../../domain/devices/recognise-device.ts'
import { multipleFactors } from '../../domain/mfa/mfa-type.ts'
import { usableMfaTypes } from '../../domain/mfa/usable-mfa-types.ts'
import type { DomainServices } from '../../domain/ports/services.ts'
import type { BrowserSession } from '../../domain/sessions/browser-session.ts'
import { accountSessionSeconds, isOverForAccount } from '../../domain/sessions/session-limits.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import type { User } from '../../domain/users/user.ts'
import { browserHandle, sessionOf } from '../../oidc/interaction.ts'
import { addSeconds } from '../../platform/clock.ts'
import { askedBy } from '../../platform/http/caller.ts'
import { readForm } from '../../platform/http/read-form.ts'
import type { Locale } from '../../platform/views/message-catalogue.ts'
import { csrfMatches, csrfToken } from '../../security/csrf.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { languagesOf, rememberLanguage } from '../language.ts'
import { noticesOf } from '../notices.ts'
import { goOnIfAnswered } from '../one-form-at-a-time.ts'
import { redirect, tenantOf } from '../step.ts'
import { accountPagePath, isSensitive } from './account-page.ts'
import type { AccountPage } from './account-page.ts'
import { keepForm } from './kept-form.ts'

/** One request to one page of an account, by whoever is signed in, with everything checked that every page has to check. */
export interface AccountStep {
  ctx: Context
  tenant: Tenant
  userPool: UserPool
  /** Whose look the pages have, and whose writable attributes bound what can be changed. */
  appClient: AppClient
  page: AccountPage
  user: User
  session: BrowserSession & { authTime: Date }
  browser: string
  /** In the service of this visitor. */
  domain: DomainServices
  locale: Locale
  languages: readonly string[]
}

export type AccountFormStep = AccountStep & { form: ReadonlyMap<string, string> }

const maximumFormBytes = 64 * 1024

/** A sensitive page opens after a sign-in that is not older than this (threat row B18). */
const freshSeconds = 5 * 60
/** Its form may be sent until then: what somebody has typed meanwhile is not lost. */
const freshFormSeconds = accountSessionSeconds

/** A GET of a page; otherwise the answer has been given: a sign-in, after which the browser comes back here. */
export async function openAccount(
  services: HostedServices,
  ctx: Context,
  page: AccountPage,
): Promise<AccountStep | undefined> {
  rememberLanguage(ctx, tenantOf(ctx).secure)
  const opened = await lookAtAccount(services, ctx, page, freshSeconds)
  if (opened === undefined || 'user' in opened) return opened
  // Back from a sign-in that has brought nothing: not for ever.
  if (ctx.query['answer'] !== undefined) return showErrorPage(services, ctx, 'cookies', { status: 400 })
  redirect(ctx, opened.signIn)
  return undefined
}

/** A POST: as `openAccount`, and the form was made for this browser, this session and this page (threat row E12). */
export async function openAccountForm(
  services: HostedServices,
  ctx: Context,
  page: AccountPage,
): Promise<AccountFormStep | undefined> {
  const body = await readForm(ctx.req, maximumFormBytes)
  if (!body.ok) return showErrorPage(services, ctx, 'invalidRequest', { status: body.problem === 'size' ? 413 : 400 })
  if (goOnIfAnswered(ctx, body.form)) return undefined
  const step = await lookAtAccount(services, ctx, page, freshFormSeconds)
  if (step === undefined) return undefined
  if (!('user' in step)) {
    keepForm(services.domain, { ctx, tenant: tenantOf(ctx), page }, body.form)
    redirect(ctx, step.signIn)
    return undefined
  }
  if (!csrfMatches(services.domain.sealedBox, step.browser, csrfSubject(step), body.form.get('_csrf') ?? '')) {
    // Of an earlier session in this browser: it is not taken, and stands there to be sent again.
    if (keepForm(services.domain, step, body.form)) {
      redirect(ctx, accountUrl(step))
      return undefined
    }
    return showErrorPage(services, ctx, 'csrf', { status: 403, back: accountUrl(step) })
  }
  return { ...step, form: body.form }
}

/** What a page for nobody in particular is shown with: whoever was signed in a moment ago is gone. */
export type Bystander = Pick<AccountStep, 'ctx' | 'tenant' | 'appClient' | 'page' | 'browser' | 'locale'>

/** A GET by whoever it is; undefined: there is no such page, and the answer has been given. */
export function openForBystander(services: HostedServices, ctx: Context, page: AccountPage): Bystander | undefined {
  rememberLanguage(ctx, tenantOf(ctx).secure)
  const found = findClient(services, ctx)
  if (found === undefined) return undefined
  const { tenant, appClient } = found
  const locale = services.catalogue.locale(languagesOf(ctx, {}))
  return { ctx, tenant, appClient, page, browser: browserHandle(services.domain, tenant, ctx), locale }
}

/** Whoever may see the page, or where to sign in for it; undefined: there is none, and the answer has been given. */
export async function lookAtAccount(
  services: HostedServices,
  ctx: Context,
  page: AccountPage,
  maximumAge = freshSeconds,
): Promise<AccountStep | { signIn: string } | undefined> {
  const found = findClient(services, ctx)
  if (found === undefined) return undefined
  const { tenant, appClient } = found
  const step = await signedInStep(services, ctx, tenant, appClient, page)
  const missing = step === undefined ? 'signIn' : missingProof(services, step, maximumAge)
  return step === undefined || missing !== undefined ? { signIn: signInUrl(tenant, appClient, page, missing) } : step
}

/** An id that a button of the page sends; empty: none that could be one. */
export function idIn(form: ReadonlyMap<string, string>, name: string): string {
  const id = form.get(name) ?? ''
  return /^[\w.:+-]{1,128}$/.test(id) ? id : ''
}

/** Whose account page it is; undefined: it has none, and the answer has been given. */
function findClient(services: HostedServices, ctx: Context): Pick<AccountStep, 'tenant' | 'appClient'> | undefined {
  const tenant = tenantOf(ctx)
  const appClient = clientOf(tenant, single(ctx.query['client_id']))
  return appClient === undefined
    ? showErrorPage(services, ctx, 'noAccountPage', { status: 404 })
    : { tenant, appClient }
}

/** The client that is named, else the first that may: its look stands for the pool's. */
function clientOf({ snapshot }: Tenant, clientId: string | undefined): AppClient | undefined {
  const { appClients } = snapshot
  const appClient = clientId === undefined ? [...appClients.values()].find(mayOpenAccount) : appClients.get(clientId)
  return appClient !== undefined && mayOpenAccount(appClient) ? appClient : undefined
}

async function signedInStep(
  services: HostedServices,
  ctx: Context,
  tenant: Tenant,
  appClient: AppClient,
  page: AccountPage,
): Promise<AccountStep | undefined> {
  const { userPool } = tenant.snapshot
  const session = await sessionOf(services.domain, tenant, ctx)
  const { userSub, authTime } = session ?? {}
  if (session === undefined || userSub === undefined || authTime === undefined) return undefined
  if (isOverForAccount(userPool, appClient, session, services.domain.clock.now())) return undefined
  const user = await services.domain.store.users.findBySub(userPool.id, userSub)
  if (user === undefined) return undefined
  const languages = languagesOf(ctx, {})
  return {
    ctx,
    tenant,
    userPool,
    appClient,
    page,
    user,
    session: { ...session, authTime },
    browser: browserHandle(services.domain, tenant, ctx),
    domain: askedBy(services.domain, ctx.req, { clientId: appClient.id, notices: noticesOf(tenant, languages) }),
    locale: services.catalogue.locale(languages),
    languages,
  }
}

type MissingProof = 'signIn' | 'freshness' | 'factor'

/** What whoever is signed in still has to prove before they see this page. */
function missingProof(
  { domain }: HostedServices,
  { userPool, user, session, page }: AccountStep,
  maximumAge: number,
): MissingProof | undefined {
  const hasProvedTwo = session.amr.includes(multipleFactors)
  if (userPool.mfaConfiguration === 'ON' && !hasSecondFactor(userPool, session.amr)) return 'factor'
  if (!isSensitive(page)) return undefined
  if (session.authTime < addSeconds(domain.clock.now(), -maximumAge)) return 'freshness'
  return usableMfaTypes(userPool, user).length > 0 && !hasProvedTwo ? 'factor' : undefined
}

/** Ends at this page again; nothing of it goes to any app. */
function signInUrl(tenant: Tenant, appClient: AppClient, page: AccountPage, missing: MissingProof | undefined): string {
  const query = new URLSearchParams({
    client_id: appClient.id,
    response_type: 'none',
    redirect_uri: accountUri,
    state: page,
    ...(missing === 'freshness' ? { max_age: String(freshSeconds) } : {}),
    ...(missing === 'factor' ? { prompt: 'login' } : {}),
  })
  return `${tenant.basePath}/oauth2/authorize?${query.toString()}`
}

export function accountUrl(
  { tenant, appClient, page }: Pick<AccountStep, 'tenant' | 'appClient' | 'page'>,
  to: AccountPage = page,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams({ client_id: appClient.id, ...more })
  return `${tenant.basePath}${accountPagePath(to)}?${query.toString()}`
}

const csrfSubject = ({ page, session }: AccountStep): string => JSON.stringify(['account', session.uid, page])

/** The hidden part of a page's form, and where it posts to. */
export const accountForm = (services: HostedServices, step: AccountStep): { action: string; csrf: string } => ({
  action: accountUrl(step),
  csrf: csrfToken(services.domain.sealedBox, step.browser, csrfSubject(step)),
})

/** Whether a page of this session has made it: for a link that does what a form would. */
export const isFormToken = (services: HostedServices, step: AccountStep, token: string): boolean =>
  csrfMatches(services.domain.sealedBox, step.browser, csrfSubject(step), token)

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
