import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { mayUseLocalAccounts } from '../../domain/app-clients/sign-in-methods.ts'
import { readResetLink, resetByLink } from '../../domain/recovery/reset-by-link.ts'
import { browserHandle } from '../../oidc/interaction.ts'
import { askedBy } from '../../platform/http/caller.ts'
import { readForm } from '../../platform/http/read-form.ts'
import { csrfMatches } from '../../security/csrf.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { keepKnownBrowser } from '../known-browser.ts'
import { languagesOf, rememberLanguage } from '../language.ts'
import { pagePaths } from '../paths.ts'
import { redirect, tenantOf } from '../step.ts'
import {
  csrfSubject,
  resetLinkAddress,
  resetLinkPage,
  showClosedResetLink,
  showResetDone,
  showResetLinkPage,
} from './reset-link.page.ts'
import type { ResetLinkStep } from './reset-link.page.ts'

const maximumFormBytes = 16 * 1024

/**
 * Where the link in the mail about a forgotten password leads. Opening it changes nothing, since scanners of mail do that
 * before any person does (threat row E10): its form sets the password.
 */
export function resetLinkRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.resetLink, async (ctx) => {
    const step = openLink(services, ctx, new URLSearchParams(ctx.querystring))
    if (step === undefined) return
    if (ctx.query['done'] === '1') return showResetDone(services, step)
    const user = await readResetLink(step.domain, step)
    if (user === undefined) return showClosedResetLink(services, step)
    showResetLinkPage(services, step, user)
  })
  router.post(pagePaths.resetLink, async (ctx) => {
    const body = await readForm(ctx.req, maximumFormBytes)
    if (!body.ok) return showErrorPage(services, ctx, 'invalidRequest', { status: body.problem === 'size' ? 413 : 400 })
    const step = openLink(services, ctx, new URLSearchParams([...body.form]))
    if (step === undefined) return
    const { sealedBox } = services.domain
    if (!csrfMatches(sealedBox, step.browser, csrfSubject(step), body.form.get('_csrf') ?? '')) {
      return showErrorPage(services, ctx, 'csrf', { status: 403, back: resetLinkAddress(step) })
    }
    await reset(services, step, body.form.get('password') ?? '')
  })
}

/** The link as it was followed, if its client is one of this pool's; otherwise the answer has been given. */
function openLink(services: HostedServices, ctx: Context, parameters: URLSearchParams): ResetLinkStep | undefined {
  const tenant = tenantOf(ctx)
  const single = (name: string): string => {
    const values = parameters.getAll(name)
    return values.length === 1 ? (values[0] ?? '') : ''
  }
  rememberLanguage(ctx, tenant.secure)
  const clientId = single('client_id')
  const appClient = tenant.snapshot.appClients.get(clientId)
  if (appClient === undefined) return showErrorPage(services, ctx, 'resetLinkClosed', { status: 400 })
  if (!mayUseLocalAccounts(appClient)) return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  return {
    ctx,
    tenant,
    appClient,
    browser: browserHandle(services.domain, tenant, ctx),
    domain: askedBy(services.domain, ctx.req, { clientId }),
    locale: services.catalogue.locale(languagesOf(ctx, {})),
    userPool: tenant.snapshot.userPool,
    link: { clientId, userSub: single('user'), expires: single('expires'), signature: single('signature') },
  }
}

async function reset(services: HostedServices, step: ResetLinkStep, password: string): Promise<void> {
  const user = await readResetLink(step.domain, step)
  if (user === undefined) return showClosedResetLink(services, step)
  if (password === '') return showResetLinkPage(services, step, user, { empty: true })
  const outcome = await resetByLink(step.domain, { ...step, password })
  if (outcome.kind === 'done') {
    // Whatever strangers have locked meanwhile is not locked here: the owner of the mailbox signs in.
    await keepKnownBrowser(step.domain, step, outcome.user.sub)
    return redirect(step.ctx, resetLinkPage(step, { done: '1' }))
  }
  switch (outcome.reason) {
    case 'invalid':
      return showResetLinkPage(services, step, user, { broken: outcome.brokenRules })
    case 'limitExceeded':
      return showResetLinkPage(services, step, user, { limited: outcome })
    case 'linkClosed':
      return showClosedResetLink(services, step)
  }
}
