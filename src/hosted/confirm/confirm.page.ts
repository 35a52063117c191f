import type { PendingConfirmation } from '../../domain/sessions/flow.ts'
import { cooldownLeft } from '../../domain/sign-up/resend-confirmation-code.ts'
import { codeLength } from '../../domain/verification-codes/issue-code.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { resendOf } from '../resend.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'

export function showConfirmPage(
  services: HostedServices,
  step: Step,
  pending: PendingConfirmation,
  shown: { error?: string | undefined; alert?: Alert },
): void {
  if (pending.byLink === true) return showLinkSentPage(services, step, pending, shown.alert)
  const seconds = cooldownLeft(new Date(pending.sentAt), services.domain.clock.now())
  showPage(
    services,
    pageRequest(step),
    'pages/confirm',
    'confirm',
    {
      form: formOf(services, step, 'confirm'),
      destination: pending.destination,
      code: { length: codeLength, ...(shown.error === undefined ? {} : { error: shown.error }) },
      resend: resendOf(step, 'confirm.resendWait', seconds),
      links: { startOver: pageUrl(step, 'signUp') },
      alert: shown.alert ?? noticeOf(step, { destination: pending.destination }),
    },
    { seconds },
  )
}

/** The same for a link: there is nothing to type, and going on shows whether it has been followed. */
function showLinkSentPage(services: HostedServices, step: Step, pending: PendingConfirmation, alert?: Alert): void {
  const { destination, sentAt } = pending
  const seconds = cooldownLeft(new Date(sentAt), services.domain.clock.now())
  showPage(
    services,
    pageRequest(step),
    'pages/confirm-link',
    'confirmLink',
    {
      form: formOf(services, step, 'confirm'),
      destination,
      resend: resendOf(step, 'confirmLink.resendWait', seconds),
      links: { startOver: pageUrl(step, 'signUp') },
      alert: alert ?? noticeOf(step, { destination }),
    },
    { seconds },
  )
}
