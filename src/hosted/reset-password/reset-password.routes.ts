import type { Router } from '@koa/router'
import { epochSeconds } from '../../platform/clock.ts'
import { confirmForgotPassword } from '../../domain/recovery/confirm-forgot-password.ts'
import type { PendingReset } from '../../domain/sessions/flow.ts'
import { codeError, limitAlert } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { knownBrowserHash } from '../known-browser.ts'
import { chosenPassword } from '../password-field.ts'
import { pagePaths } from '../paths.ts'
import { errorAlert } from '../render.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import type { FormStep, Step } from '../step.ts'
import { showResetPasswordPage } from './reset-password.page.ts'

export function resetPasswordRoutes(router: Router, services: HostedServices): void {
  // Cognito's own name for the second page, and the shorter one.
  const paths = [pagePaths.resetPassword, '/confirmforgotPassword']
  router.get(paths, async (ctx) => {
    const step = await openPage(services, ctx, 'resetPassword')
    const pending = step && reset(step)
    if (step !== undefined && pending !== undefined) showResetPasswordPage(services, step, pending, {})
  })
  router.post(paths, async (ctx) => {
    const step = await openForm(services, ctx, 'resetPassword')
    const pending = step && reset(step)
    if (step !== undefined && pending !== undefined) await resetPassword(services, step, pending)
  })
}

function reset(step: Step): PendingReset | undefined {
  const { pending } = step.flow.state
  return pending?.kind === 'reset' ? pending : undefined
}

async function resetPassword(services: HostedServices, step: FormStep, pending: PendingReset): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const code = step.form.get('code') ?? ''
  const chosen = chosenPassword(step.form)
  const empty = chosen.password === ''
  if (code.trim() === '' || empty) {
    return showResetPasswordPage(services, step, pending, {
      ...(code.trim() === '' ? { codeError: step.locale.text('fieldErrors.code') } : {}),
      empty,
    })
  }
  const outcome = await confirmForgotPassword(step.domain, {
    userPool,
    appClient: step.appClient,
    userSub: pending.userSub,
    username: step.flow.state.username ?? '',
    code,
    ...chosen,
    languages: step.languages,
    browserHash: knownBrowserHash(step),
  })
  if (outcome.kind === 'done') {
    const { request, username } = step.flow.state
    const authenticated = { userSub: outcome.user.sub, authTime: epochSeconds(outcome.authTime), amr: ['pwd'] }
    return continueFlow(services, step, {
      request,
      chosen: 'login',
      ...(username === undefined ? {} : { username }),
      authenticated,
    })
  }
  if (outcome.reason === 'invalid')
    return showResetPasswordPage(services, step, pending, { broken: outcome.brokenRules })
  if (outcome.reason === 'userDisabled')
    return showResetPasswordPage(services, step, pending, {
      alert: errorAlert(step.locale.text('outcomes.userDisabled')),
    })
  if (outcome.reason === 'limitExceeded')
    return showResetPasswordPage(services, step, pending, { alert: limitAlert(step, outcome) })
  showResetPasswordPage(services, step, pending, { codeError: codeError(step, outcome) })
}
