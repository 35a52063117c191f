import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { isRegisteredUri } from '../../domain/app-clients/redirect-uri.ts'
import { beginsWithPasskey } from '../../domain/passkeys/relying-party.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { passkeyCreation } from '../passkey/passkey-parts.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, showPage } from '../render.ts'
import { redirect, tenantOf } from '../step.ts'
import { accountPageRequest } from './account.page.ts'
import { accountForm, lookAtAccount, openAccountForm } from './open-account.ts'
import type { AccountStep } from './open-account.ts'
import { addOwnPasskey } from './passkeys.routes.ts'

/**
 * Cognito's `/passkeys/add?client_id=&redirect_uri=`: an app sends somebody who is signed in to make a passkey, and gets them
 * back with `result`. A sign-in that is not fresh counts as none (threat row B18): the app signs its user in again.
 */
export function addPasskeyRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.passkeysAdd, async (ctx) => {
    const app = appOf(services, ctx)
    if (app === undefined) return
    const step = await lookAtAccount(services, ctx, 'passkeys')
    if (step === undefined) return
    if (!('user' in step)) return redirect(ctx, backTo(app.redirectUri, 'invalid_session'))
    await show(services, step)
  })
  router.post(pagePaths.passkeysAdd, async (ctx) => {
    const app = appOf(services, ctx)
    if (app === undefined) return
    const step = await openAccountForm(services, ctx, 'passkeys')
    if (step === undefined) return
    if (step.form.has('later')) return redirect(ctx, backTo(app.redirectUri, 'cancelled'))
    const outcome = await addOwnPasskey(step)
    if (outcome.kind === 'done') return redirect(ctx, backTo(app.redirectUri, 'success'))
    await show(services, step, 'outcomes.passkeyNotMade')
  })
}

/** The app that asks, if it may; otherwise the answer has been given. */
function appOf(services: HostedServices, ctx: Context): { redirectUri: string } | undefined {
  const { userPool, appClients } = tenantOf(ctx).snapshot
  const { client_id: clientId, redirect_uri: redirectUri } = ctx.query
  const appClient = typeof clientId === 'string' ? appClients.get(clientId) : undefined
  if (appClient === undefined) return showErrorPage(services, ctx, 'unknownClient', { status: 400 })
  if (typeof redirectUri !== 'string' || !isRegisteredUri(appClient.callbackUrls, redirectUri)) {
    return showErrorPage(services, ctx, 'redirectMismatch', { status: 400 })
  }
  if (!beginsWithPasskey(userPool, appClient)) return showErrorPage(services, ctx, 'notFound', { status: 404 })
  return { redirectUri }
}

function backTo(redirectUri: string, result: 'success' | 'invalid_session' | 'cancelled'): string {
  const url = new URL(redirectUri)
  url.searchParams.set('result', result)
  return url.href
}

async function show(services: HostedServices, step: AccountStep, error?: string): Promise<void> {
  const { ctx, domain, userPool, user } = step
  const query = new URLSearchParams(ctx.querystring)
  const at = (more: Record<string, string> = {}): string =>
    `${step.tenant.basePath}${pagePaths.passkeysAdd}?${new URLSearchParams({
      client_id: step.appClient.id,
      redirect_uri: query.get('redirect_uri') ?? '',
      ...more,
    }).toString()}`
  const form = { ...accountForm(services, step), action: at(), flow: '' }
  const owned = await domain.store.passkeys.ofUser(userPool.id, user.sub)
  const passkey = await passkeyCreation(services, step, user, owned, form)
  if (passkey === undefined) return showErrorPage(services, ctx, 'notFound', { status: 404 })
  const request = {
    ...accountPageRequest(step),
    redirectUri: query.get('redirect_uri') ?? undefined,
    pageInLanguage: (lang: string) => at({ lang }),
  }
  showPage(services, request, 'pages/passkey-offer', 'passkeyOffer', {
    form,
    passkey,
    alert: error === undefined ? undefined : errorAlert(step.locale.text(error)),
  })
}
