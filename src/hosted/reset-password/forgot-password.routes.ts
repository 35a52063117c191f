import type { Router } from '@koa/router'
import { forgotPassword } from '../../domain/recovery/forgot-password.ts'
import type { CodeUnderWay, ForgotPasswordOutcome } from '../../domain/recovery/forgot-password.ts'
import { recoveryRefusal } from '../../domain/recovery/recovery-refusal.ts'
import type { LimitExceeded } from '../../domain/rate-limits/rate-limits.ts'
import type { RecoveryRefusal } from '../../domain/recovery/recovery-refusal.ts'
import type { FlowState, PendingReset } from '../../domain/sessions/flow.ts'
import { tenantUrl } from '../../domain/user-pools/tenant.ts'
import { limitAlert } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pageUrl } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { usernameField } from '../username-field.ts'
import { showResetPasswordPage } from './reset-password.page.ts'

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
    const outcome = await askForCode(step, username)
    if (outcome.kind === 'refused') return showForgotPasswordPage(services, step, username, { limited: outcome })
    const state = pendingReset(services, step, username, outcome)
    if (outcome.kind === 'sent') return continueFlow(services, step, state)
    await services.domain.store.flows.saveState(userPool.id, step.flow.idHash, state)
    const waiting = { ...step, flow: { ...step.flow, state } }
    showResetPasswordPage(services, waiting, state.pending, { alert: limitAlert(step, outcome.limited) })
  })
}

/** In the name of whoever has that name, if anybody. */
export const askForCode = (step: Step, username: string): Promise<ForgotPasswordOutcome> =>
  forgotPassword(step.domain, {
    userPool: step.tenant.snapshot.userPool,
    clientId: step.appClient.id,
    username,
    languages: step.languages,
    browserHash: knownBrowserHash(step),
    origin: { resetLinkUrl: tenantUrl(step.tenant, pagePaths.resetLink), clientId: step.appClient.id },
  })

/**
 * The cool-down shown begins now, also where an account's began with a request elsewhere: an address without account has
 * none to remember (threat row B13).
 */
export function pendingReset(
  services: HostedServices,
  step: FormStep,
  username: string,
  outcome: Omit<CodeUnderWay, 'kind'>,
): FlowState & { pending: PendingReset } {
  const { request, staySignedIn } = step.flow.state
  const { delivery, userSub } = outcome
  const pending = {
    kind: 'reset',
    ...(userSub === undefined ? {} : { userSub }),
    destination: delivery.destination,
    sentAt: services.domain.clock.now().getTime(),
  } as const
  const kept = staySignedIn === undefined ? {} : { staySignedIn }
  return { request, ...kept, chosen: 'forgotPassword', username, pending }
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
  shown: { missing?: boolean; refusal?: RecoveryRefusal; limited?: LimitExceeded } = {},
): void {
  const { locale, tenant } = step
  const error = shown.missing === true ? locale.text('fieldErrors.required') : undefined
  showPage(services, pageRequest(step), 'pages/forgot-password', 'forgotPassword', {
    form: formOf(services, step, 'forgotPassword'),
    username: usernameField(tenant.snapshot.userPool, locale, username, error),
    links: { login: pageUrl(step, 'login') },
    alert: alertOf(step, shown),
  })
}

function alertOf(step: Step, shown: { refusal?: RecoveryRefusal; limited?: LimitExceeded }): Alert | undefined {
  if (shown.limited !== undefined) return limitAlert(step, shown.limited)
  return shown.refusal === undefined ? noticeOf(step) : errorAlert(step.locale.text(`outcomes.${shown.refusal}`))
}
