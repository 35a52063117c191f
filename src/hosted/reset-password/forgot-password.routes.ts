import type { Router } from '@koa/router'
import { forgotPassword } from '../../domain/recovery/forgot-password.ts'
import type { ForgotPasswordOutcome } from '../../domain/recovery/forgot-password.ts'
import { recoveryRefusal } from '../../domain/recovery/recovery-refusal.ts'
import type { RecoveryRefusal } from '../../domain/recovery/recovery-refusal.ts'
import type { FlowState } from '../../domain/sessions/flow.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pageUrl } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { usernameField } from '../username-field.ts'

export function forgotPasswordRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.forgotPassword, async (ctx) => {
    const step = await openPage(services, ctx, 'forgotPassword')
    if (step !== undefined && mayRecover(services, step))
      showForgotPasswordPage(services, step, step.flow.state.username ?? '')
  })
  router.post(pagePaths.forgotPassword, async (ctx) => {
    const step = await openForm(services, ctx, 'forgotPassword')
    if (step === undefined || !mayRecover(services, step)) return
    const username = step.form.get('username') ?? ''
    if (username.trim() === '') return showForgotPasswordPage(services, step, '', { missing: true })
    const { userPool } = step.tenant.snapshot
    const refusal = await recoveryRefusal(step.domain, { userPool, appClient: step.appClient, username })
    if (refusal !== undefined) return showForgotPasswordPage(services, step, username, { refusal })
    const outcome = await forgotPassword(step.domain, { userPool, username, languages: step.languages })
    await continueFlow(services, step, pendingReset(services, step, username, outcome))
  })
}

/**
 * The cool-down shown begins now, also where an account's began with a request elsewhere: an address without account has
 * none to remember (threat row B13).
 */
export function pendingReset(
  services: HostedServices,
  step: FormStep,
  username: string,
  outcome: ForgotPasswordOutcome,
): FlowState {
  const { request } = step.flow.state
  const { delivery, userSub } = outcome
  const pending = {
    kind: 'reset',
    ...(userSub === undefined ? {} : { userSub }),
    destination: delivery.destination,
    sentAt: services.domain.clock.now().getTime(),
  } as const
  return { request, chosen: 'forgotPassword', username, pending }
}

/** Policy is checked here, not only by hiding the link (threat row A9). */
function mayRecover(services: HostedServices, step: Step): boolean {
  const { recoveryMechanisms } = step.tenant.snapshot.userPool
  if (recoveryMechanisms.some((mechanism) => mechanism !== 'admin_only')) return true
  showErrorPage(services, step.ctx, 'notFound', { status: 404, back: pageUrl(step, 'login') })
  return false
}

function showForgotPasswordPage(
  services: HostedServices,
  step: Step,
  username: string,
  shown: { missing?: boolean; refusal?: RecoveryRefusal } = {},
): void {
  const { locale, tenant } = step
  const error = shown.missing === true ? locale.text('fieldErrors.required') : undefined
  showPage(services, pageRequest(step), 'pages/forgot-password', 'forgotPassword', {
    form: formOf(services, step, 'forgotPassword'),
    username: usernameField(tenant.snapshot.userPool, locale, username, error),
    links: { login: pageUrl(step, 'login') },
    alert: shown.refusal === undefined ? noticeOf(step) : errorAlert(locale.text(`outcomes.${shown.refusal}`)),
  })
}
