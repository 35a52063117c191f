import type { PendingReset } from '../../domain/sessions/flow.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import type { PasswordRule } from '../../domain/users/password-policy.ts'
import { codeLength } from '../../domain/verification-codes/issue-code.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { newPasswordField } from '../password-field.ts'
import { formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { resendOf } from '../resend.ts'
import { pageUrl } from '../step.ts'
import type { FormStep, Step } from '../step.ts'

/** What was typed survives an error, the password aside. */
export function showResetPasswordPage(
  services: HostedServices,
  step: Step,
  pending: PendingReset,
  shown: { codeError?: string; broken?: readonly PasswordRule[]; empty?: boolean; alert?: Alert },
): void {
  const { locale } = step
  const { userPool } = step.tenant.snapshot
  const seconds = cooldownLeft(new Date(pending.sentAt), services.domain.clock.now())
  const form = step.ctx.method === 'POST' ? (step as FormStep).form : undefined
  const typedCode = shown.codeError === undefined ? form?.get('code') : undefined
  showPage(
    services,
    pageRequest(step),
    'pages/reset-password',
    'resetPassword',
    {
      form: formOf(services, step, 'resetPassword'),
      destination: pending.destination,
      username: { value: step.flow.state.username ?? '' },
      code: {
        length: codeLength,
        ...(typedCode === undefined ? {} : { value: typedCode }),
        ...(shown.codeError === undefined ? {} : { error: shown.codeError }),
      },
      password: newPasswordField(userPool, locale, { ...shown, form }),
      resend: resendOf(step, 'resetPassword.resendWait', seconds),
      links: { login: pageUrl(step, 'login') },
      alert: shown.alert ?? noticeOf(step, { destination: pending.destination }),
    },
    { seconds },
  )
}
