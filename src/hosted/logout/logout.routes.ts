import type { Router } from '@koa/router'
import type { Context } from 'koa'
import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { isRegisteredUri } from '../../domain/app-clients/redirect-uri.ts'
import { endBrowserSession } from '../../domain/sessions/end-browser-session.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import { askedBy } from '../../platform/http/caller.ts'
import { readForm } from '../../platform/http/read-form.ts'
import { cookieName, setCookie } from '../../security/cookies.ts'
import { sha256 } from '../../security/digest.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { languagesOf } from '../language.ts'
import { pagePaths } from '../paths.ts'
import { showPage } from '../render.ts'
import { redirect, tenantOf } from '../step.ts'
import { readLogoutRequest, signOutEverywhere } from './logout-request.ts'

/**
 * Both shapes of sign-out at one address: Cognito's (`client_id` with `logout_uri`, or with `redirect_uri` to sign in
 * again) and OIDC's RP-initiated one (`id_token_hint`, `post_logout_redirect_uri`, `state`). It ends the browser's session
 * and nothing else, asks nothing, and redirects to registered addresses only (threat row C12). With `global_sign_out=true`
 * and an ID token of whoever is signed in here, it ends all of their sessions and refresh tokens.
 */
export function logoutRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.logout, (ctx) => {
    const parameters = new URLSearchParams(ctx.querystring)
    const single = new Map(parameters)
    // Sent twice, as in a form: two readers could see two values (threat row C2).
    if (single.size < parameters.size) return showErrorPage(services, ctx, 'invalidRequest', { status: 400 })
    return logOut(services, ctx, single)
  })
  router.post(pagePaths.logout, async (ctx) => {
    const body = await readForm(ctx.req, 32 * 1024)
    if (!body.ok) return showErrorPage(services, ctx, 'invalidRequest', { status: 400 })
    await logOut(services, ctx, body.form)
  })
}

async function logOut(services: HostedServices, ctx: Context, parameters: ReadonlyMap<string, string>): Promise<void> {
  const tenant = tenantOf(ctx)
  const asked = await readLogoutRequest(services, tenant, parameters)
  if (asked === undefined) return showErrorPage(services, ctx, 'invalidRequest', { status: 400 })
  const { appClient } = asked
  const target = chooseTarget(tenant, appClient, parameters)
  if (target === unregistered) return showErrorPage(services, ctx, 'redirectMismatch', { status: 400 })
  if (asked.everywhere && !(await signOutEverywhere(services, tenant, ctx, asked.hint))) {
    return showErrorPage(services, ctx, 'notSignedInHere', { status: 400 })
  }
  await endSession(services, tenant, ctx, appClient)
  if (target !== undefined) return redirect(ctx, target)
  const locale = services.catalogue.locale(languagesOf(ctx, Object.fromEntries(parameters)))
  showPage(services, { ctx, locale, tenant, appClient, redirectUri: undefined }, 'pages/signed-out', 'signedOut', {
    links: signInAgain(appClient),
  })
}

/** What is meant for us, and not for the sign-in that follows. */
const ours: ReadonlySet<string> = new Set(['id_token_hint', 'global_sign_out'])

const unregistered = Symbol('unregistered')

/** Where the browser goes: `undefined` for the signed-out page. Cognito: logout_uri wins over redirect_uri. */
function chooseTarget(
  tenant: Tenant,
  appClient: AppClient | undefined,
  parameters: ReadonlyMap<string, string>,
): string | undefined | typeof unregistered {
  const logoutUri = parameters.get('logout_uri') ?? parameters.get('post_logout_redirect_uri')
  if (logoutUri !== undefined) {
    if (appClient === undefined || !isRegisteredUri(appClient.logoutUrls, logoutUri)) return unregistered
    return withState(logoutUri, parameters.get('state'))
  }
  const redirectUri = parameters.get('redirect_uri')
  if (redirectUri === undefined) return undefined
  if (appClient === undefined || !isRegisteredUri(appClient.callbackUrls, redirectUri)) return unregistered
  const query = new URLSearchParams([...parameters].filter(([name]) => !ours.has(name)))
  if (!query.has('response_type')) query.set('response_type', 'code')
  // Named by the hint alone, perhaps.
  query.set('client_id', appClient.id)
  return `${tenant.basePath}/oauth2/authorize?${query.toString()}`
}

/** RP-Initiated Logout §3; without a state the registered URI stays as it is, to the letter. */
function withState(uri: string, state: string | undefined): string {
  if (state === undefined) return uri
  const url = new URL(uri)
  url.searchParams.set('state', state)
  return url.href
}

async function endSession(
  services: HostedServices,
  tenant: Tenant,
  ctx: Context,
  appClient: AppClient | undefined,
): Promise<void> {
  const userPoolId = tenant.snapshot.userPool.id
  const name = cookieName('session', userPoolId, tenant.secure)
  const handle = ctx.cookies.get(name, { signed: false })
  if (handle === undefined) return
  const domain = askedBy(services.domain, ctx.req, appClient && { clientId: appClient.id })
  await endBrowserSession(domain, { userPoolId, idHash: sha256(handle) })
  setCookie(ctx, name, '', { secure: tenant.secure, maxAgeSeconds: 0 })
}

function signInAgain(appClient: AppClient | undefined): { login?: string } {
  const url = appClient?.logoutUrls[0]
  return url === undefined ? {} : { login: url }
}
