import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { readResetLink, resetByLink } from '../../domain/recovery/reset-by-link.ts'
import type { HostedServices } from '../hosted-services.ts'
import { keepKnownBrowser } from '../known-browser.ts'
import { onlyOne, openLinkForm, visitByLink } from '../link-visit.ts'
import { goOnIfAnswered } from '../one-form-at-a-time.ts'
import { pagePaths } from '../paths.ts'
import { chosenPassword } from '../password-field.ts'
import { redirect } from '../step.ts'
import {
  csrfSubject,
  resetLinkAddress,
  resetLinkPage,
  showClosedResetLink,
  showResetDone,
  showResetLinkPage,
} from './reset-link.page.ts'
import type { ResetLinkStep } from './reset-link.page.ts'

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
    const step = await openLinkForm(services, ctx, {
      open: (parameters) => openLink(services, ctx, parameters),
      csrfSubject,
      address: resetLinkAddress,
    })
    if (step === undefined || goOnIfAnswered(ctx, step.form)) return
    await reset(services, step, step.form)
  })
}

/** The link as it was followed, if its client is one of this pool's; otherwise the answer has been given. */
function openLink(services: HostedServices, ctx: Context, parameters: URLSearchParams): ResetLinkStep | undefined {
  const clientId = onlyOne(parameters, 'client_id')
  const visit = visitByLink(services, ctx, clientId, 'resetLinkClosed')
  const link = {
    clientId,
    userSub: onlyOne(parameters, 'user'),
    expires: onlyOne(parameters, 'expires'),
    signature: onlyOne(parameters, 'signature'),
  }
  return visit && { ...visit, link }
}

async function reset(services: HostedServices, step: ResetLinkStep, form: ReadonlyMap<string, string>): Promise<void> {
  const user = await readResetLink(step.domain, step)
  if (user === undefined) return showClosedResetLink(services, step)
  const chosen = chosenPassword(form)
  if (chosen.password === '') return showResetLinkPage(services, step, user, { empty: true, form })
  const outcome = await resetByLink(step.domain, { ...step, ...chosen })
  if (outcome.kind === 'done') {
    // Whatever strangers have locked meanwhile is not locked here: the owner of the mailbox signs in.
    await keepKnownBrowser(step.domain, step, outcome.user)
    return redirect(step.ctx, resetLinkPage(step, { done: '1' }))
  }
  switch (outcome.reason) {
    case 'invalid':
      return showResetLinkPage(services, step, user, { broken: outcome.brokenRules, form })
    case 'limitExceeded':
      return showResetLinkPage(services, step, user, { limited: outcome, form })
    case 'linkClosed':
      return showClosedResetLink(services, step)
  }
}
