import type { PendingSignInCode } from '../../domain/sessions/flow.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import { codeLength } from '../../domain/verification-codes/issue-code.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { resendOf } from '../resend.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'

/** Where the code is typed that stands in for a password. */
export function showSignInCodePage(
  services: HostedServices,
  step: Step,
  pending: PendingSignInCode,
  shown: { error?: string; alert?: Alert } = {},
): void {
  const { locale } = step
  const { destination, factor } = pending
  const seconds = cooldownLeft(new Date(pending.sentAt), services.domain.clock.now())
  showPage(
    services,
    pageRequest(step),
    'pages/mfa',
    'signInCode',
    {
      form: formOf(services, step, 'signInCode'),
      intro: locale.text('signInCode.intro'),
      label: locale.text('signInCode.code'),
      destination,
      hasRecoveryCodes: false,
      code: { length: codeLength, ...(shown.error === undefined ? {} : { error: shown.error }) },
      ...(factor === 'EMAIL_OTP' ? { guide: locale.text('signInCode.orLink') } : {}),
      resend: resendOf(step, 'signInCode.resendWait', seconds),
      links: { login: pageUrl(step, 'login') },
      alert: shown.alert ?? noticeOf(step, { destination }),
    },
    { seconds },
  )
}
