import type { Router } from '@koa/router'
import type { HostedServices } from '../hosted-services.ts'
import { explainUnfinished } from '../lost-flow.ts'
import { openForm, openPage } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { pageUrl, redirect } from '../step.ts'
import type { Step } from '../step.ts'

/** `prompt=select_account` with somebody signed in: go on as that account, or sign in to another one. */
export function selectAccountRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.selectAccount, async (ctx) => {
    const step = await openPage(services, ctx, 'selectAccount')
    if (step !== undefined) showSelectAccountPage(services, step)
  })
  router.post(pagePaths.selectAccount, async (ctx) => {
    const step = await openForm(services, ctx, 'selectAccount')
    if (step === undefined) return
    const outcome = await services.finishFlowSignedIn(step.tenant, ctx, step.flow)
    if (outcome.kind === 'done') return redirect(ctx, outcome.location)
    if (outcome.reason === 'expired') return explainUnfinished(services, step)
    // Signed out meanwhile, perhaps in another tab.
    redirect(ctx, pageUrl(step, 'login'))
  })
}

function showSelectAccountPage(services: HostedServices, step: Step): void {
  const name = step.flow.state.signedIn?.name ?? ''
  showPage(
    services,
    pageRequest(step),
    'pages/select-account',
    'selectAccount',
    {
      form: formOf(services, step, 'selectAccount'),
      account: { name },
      links: { otherAccount: pageUrl(step, 'login') },
      alert: noticeOf(step),
    },
    { name },
  )
}
