import { isMessaged } from '../../domain/mfa/mfa-type.ts'
import type { CodeMfaType } from '../../domain/mfa/mfa-type.ts'
import { mfaTypesAfter } from '../../domain/mfa/usable-mfa-types.ts'
import type { OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import { codeLength } from '../../domain/verification-codes/issue-code.ts'
import { askedOf } from '../asked-level.ts'
import type { HostedServices } from '../hosted-services.ts'
import { rememberDeviceField } from '../remembered-device.ts'
import { formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { resendOf } from '../resend.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'
import { cooldownOf, destinationOf } from './waiting-attempt.ts'

/** Where a code of a factor is typed: at a sign-in, or (`settingUp`) to show that a new one works. */
export function showMfaPage(
  services: HostedServices,
  step: Step,
  open: OpenAttempt,
  type: CodeMfaType,
  shown: { error?: string; settingUp?: boolean; hasRecoveryCodes?: boolean } = {},
): void {
  const { locale, tenant } = step
  const page = shown.settingUp === true ? 'mfaSetUp' : 'mfa'
  const seconds = cooldownOf(services, open)
  const destination = destinationOf(type, open.attempt.destination)
  const hasOthers = mfaTypesAfter(tenant.snapshot.userPool, open.user, open.attempt.amr, askedOf(step)).length > 1
  const another = shown.settingUp === true ? `${pageUrl(step, 'mfaSetUp')}&another=1` : pageUrl(step, 'selectMfa')
  showPage(
    services,
    pageRequest(step),
    'pages/mfa',
    'mfa',
    {
      form: formOf(services, step, page),
      intro: locale.text(`mfaTypes.${type}.intro`),
      hasRecoveryCodes: shown.hasRecoveryCodes === true,
      label: locale.text(`mfaTypes.${type}.code`),
      ...(destination === undefined ? {} : { destination }),
      ...(shown.settingUp === true ? {} : rememberDeviceField(step)),
      code: { length: codeLength, ...(shown.error === undefined ? {} : { error: shown.error }) },
      ...(isMessaged(type)
        ? { resend: resendOf(step, 'mfa.resendWait', seconds, resendTarget(step, page, type)) }
        : {}),
      links: {
        ...(hasOthers || shown.settingUp === true ? { another } : {}),
        login: pageUrl(step, 'login'),
      },
      alert: noticeOf(step, destination === undefined ? {} : { destination }),
    },
    { seconds },
  )
}

/** Asking again for the factor that is asked for already sends another code. */
const resendTarget = (step: Step, page: 'mfa' | 'mfaSetUp', type: CodeMfaType): string =>
  `${pageUrl(step, page === 'mfa' ? 'selectMfa' : 'mfaSetUp')}&type=${type}`
