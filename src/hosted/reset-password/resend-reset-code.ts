import { forgotPassword } from '../../domain/recovery/forgot-password.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import type { HostedServices } from '../hosted-services.ts'
import { continueFlow } from '../open-step.ts'
import { pageUrl, redirect } from '../step.ts'
import type { FormStep } from '../step.ts'
import { pendingReset } from './forgot-password.routes.ts'

/** Asks for another reset code under the name that was typed; the domain keeps the cool-down, and so does the page. */
export async function resendResetCode(services: HostedServices, step: FormStep): Promise<void> {
  const { pending, username = '' } = step.flow.state
  const now = services.domain.clock.now()
  if (pending?.kind !== 'reset' || cooldownLeft(new Date(pending.sentAt), now) > 0) {
    return redirect(step.ctx, pageUrl(step, 'resetPassword'))
  }
  const { userPool } = step.tenant.snapshot
  const outcome = await forgotPassword(step.domain, { userPool, username, languages: step.languages })
  await continueFlow(services, step, pendingReset(services, step, username, outcome), 'codeResent')
}
