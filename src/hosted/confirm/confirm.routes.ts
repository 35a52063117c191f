import type { Router } from '@koa/router'
import { epochSeconds } from '../../platform/clock.ts'
import { signInTime } from '../../domain/sign-in/sign-in-time.ts'
import { confirmDecoySignUp, decoySignUpProgress } from '../../domain/sign-up/decoy-answers.ts'
import { confirmSignUp } from '../../domain/sign-up/confirm-sign-up.ts'
import { signUpProgress } from '../../domain/sign-up/sign-up-progress.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import type { PendingConfirmation } from '../../domain/sessions/flow.ts'
import { codeError, limitAlert } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { pagePaths } from '../paths.ts'
import { resendSignInCode } from '../passwordless/sign-in-code.routes.ts'
import { resendResetCode } from '../reset-password/resend-reset-code.ts'
import { errorAlert } from '../render.ts'
import { continueFlow, openForm, openPage } from '../open-step.ts'
import { pageUrl, redirect } from '../step.ts'
import type { FormStep, Step } from '../step.ts'
import { askForCode } from './ask-for-code.ts'
import { showConfirmPage } from './confirm.page.ts'

export function confirmRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.confirm, async (ctx) => {
    const step = await openPage(services, ctx, 'confirm')
    const pending = step && confirmation(step)
    if (step !== undefined && pending !== undefined) showConfirmPage(services, step, pending, {})
  })
  router.post(pagePaths.confirm, async (ctx) => {
    const step = await openForm(services, ctx, 'confirm')
    const pending = step && confirmation(step)
    if (step !== undefined && pending !== undefined) await confirm(services, step, pending)
  })
  router.post(pagePaths.resendCode, async (ctx) => {
    // Three pages have this form: the confirmation's address leads to whichever is due.
    const step = await openForm(services, ctx, 'login', 'confirm')
    const pending = step?.flow.state.pending
    if (step === undefined) return
    if (pending?.kind === 'confirm') await resend(services, step, pending)
    else if (pending?.kind === 'reset') await resendResetCode(services, step, pending)
    else if (pending?.kind === 'signInCode') await resendSignInCode(services, step, pending)
    else redirect(ctx, pageUrl(step, 'login'))
  })
}

function confirmation(step: Step): PendingConfirmation | undefined {
  const { pending } = step.flow.state
  return pending?.kind === 'confirm' ? pending : undefined
}

async function confirm(services: HostedServices, step: FormStep, pending: PendingConfirmation): Promise<void> {
  if (pending.byLink === true) return goOn(services, step, pending)
  const { userPool } = step.tenant.snapshot
  const code = step.form.get('code') ?? ''
  const { locale } = step
  if (code.trim() === '') return showConfirmPage(services, step, pending, { error: locale.text('fieldErrors.code') })
  const { request, username } = step.flow.state
  const { userSub, decoySub } = pending
  const guess = { userPool, username: username ?? '', code }
  const outcome =
    userSub === undefined
      ? await confirmDecoySignUp(step.domain, { ...guess, decoySub })
      : await confirmSignUp(step.domain, { ...guess, appClient: step.appClient, userSub })
  const kept = { request, ...(username === undefined ? {} : { username }) }
  if (outcome.kind === 'done') {
    if (!pending.passwordProved) return continueFlow(services, step, { ...kept, chosen: 'login' })
    const authTime = epochSeconds(signInTime(outcome.user, services.domain.clock.now()))
    return continueFlow(services, step, {
      ...kept,
      chosen: 'login',
      authenticated: { userSub: outcome.user.sub, authTime, amr: ['pwd'] },
    })
  }
  switch (outcome.reason) {
    case 'alreadyConfirmed':
    case 'signUpReplaced':
      return leave(services, step, outcome.reason)
    case 'aliasExists':
      return showConfirmPage(services, step, pending, { error: locale.text('fieldErrors.addressTaken') })
    case 'limitExceeded':
      return showConfirmPage(services, step, pending, { alert: limitAlert(step, outcome) })
    default:
      showConfirmPage(services, step, pending, { error: codeError(step, outcome) })
  }
}

/** The link may have been followed in another browser: then the way in is the sign-in page. */
async function goOn(services: HostedServices, step: FormStep, pending: PendingConfirmation): Promise<void> {
  const { request, username } = step.flow.state
  const kept = { request, ...(username === undefined ? {} : { username }) }
  const { userPool } = step.tenant.snapshot
  const { userSub, decoySub } = pending
  const progress =
    userSub === undefined
      ? await decoySignUpProgress(step.domain, { userPool, decoySub })
      : await signUpProgress(step.domain, userPool, userSub)
  switch (progress) {
    case 'confirmed':
      return continueFlow(services, step, { ...kept, chosen: 'login' }, 'alreadyConfirmed')
    case 'replaced':
      return continueFlow(services, step, { ...kept, chosen: 'signUp' }, 'signUpReplaced')
    case 'waiting':
      showConfirmPage(services, step, pending, { alert: errorAlert(step.locale.text('outcomes.notConfirmedYet')) })
  }
}

const resentNotice = ({ byLink }: { byLink?: true }): string => (byLink === true ? 'linkResent' : 'codeResent')

async function resend(services: HostedServices, step: FormStep, pending: PendingConfirmation): Promise<void> {
  const { domain } = services
  const { state } = step.flow
  const now = domain.clock.now()
  if (cooldownLeft(new Date(pending.sentAt), now) > 0) return redirect(step.ctx, pageUrl(step, 'confirm'))
  const outcome = await askForCode(step, pending, state.username ?? '')
  if (outcome.kind === 'sent') {
    const { destination, sentAt, byLink } = outcome.delivery
    const { byLink: _, ...kept } = pending
    const form = byLink === undefined ? {} : { byLink }
    const renewed = { ...kept, ...form, destination, sentAt: sentAt.getTime() }
    return continueFlow(services, step, { ...state, pending: renewed }, resentNotice(renewed))
  }
  if (outcome.kind === 'refused' && outcome.reason === 'limitExceeded') {
    return showConfirmPage(services, step, pending, { alert: limitAlert(step, outcome) })
  }
  if (outcome.kind === 'refused' && outcome.reason !== 'noRecovery') return leave(services, step, outcome.reason)
  redirect(step.ctx, pageUrl(step, 'confirm'))
}

/** Nothing is left to confirm: it has been done elsewhere, or the sign-up is not there any more. */
function leave(services: HostedServices, step: FormStep, reason: 'alreadyConfirmed' | 'signUpReplaced'): Promise<void> {
  const { request, username } = step.flow.state
  const kept = { request, ...(username === undefined ? {} : { username }) }
  return continueFlow(services, step, { ...kept, chosen: reason === 'signUpReplaced' ? 'signUp' : 'login' }, reason)
}
