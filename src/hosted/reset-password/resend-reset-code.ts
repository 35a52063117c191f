import type { PendingReset } from '../../domain/sessions/flow.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import { limitAlert } from '../attempts-exceeded.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow } from '../open-step.ts'
import { pageUrl, redirect } from '../step.ts'
import type { FormStep } from '../step.ts'
import { askForCode, pendingReset } from './forgot-password.routes.ts'
import { showResetPasswordPage } from './reset-password.page.ts'

/** Asks for another reset code under the name that was typed; the domain keeps the cool-down, and so does the page. */
export async function resendResetCode(services: HostedServices, step: FormStep, pending: PendingReset): Promise<void> {
  const { username = '' } = step.flow.state
  const now = services.domain.clock.now()
  if (cooldownLeft(new Date(pending.sentAt), now) > 0) return redirect(step.ctx, pageUrl(step, 'resetPassword'))
  const outcome = await askForCode(step, username)
  if (outcome.kind !== 'sent') {
    const limited = outcome.kind === 'notSent' ? outcome.limited : outcome
    return showResetPasswordPage(services, step, pending, { alert: limitAlert(step, limited) })
  }
  await continueFlow(services, step, pendingReset(services, step, username, outcome), 'codeResent')
}
