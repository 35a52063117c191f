import { attributeOf, isMessaged } from '../../domain/mfa/mfa-type.ts'
import type { MfaType } from '../../domain/mfa/mfa-type.ts'
import { mfaTypesAfter } from '../../domain/mfa/usable-mfa-types.ts'
import type { OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import type { User } from '../../domain/users/user.ts'
import type { ViewContexts } from '../../platform/views/page-contexts.ts'
import { askedOf } from '../asked-level.ts'
import type { HostedServices } from '../hosted-services.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'
import { destinationOf } from './waiting-attempt.ts'

/** Which of one's factors to go on with. */
export function showSelectMfaPage(
  services: HostedServices,
  step: Step,
  { user, attempt }: OpenAttempt,
  alert?: string,
): void {
  const usable = mfaTypesAfter(step.tenant.snapshot.userPool, user, attempt.amr, askedOf(step))
  showPage(services, pageRequest(step), 'pages/select-mfa', 'selectMfa', {
    form: formOf(services, step, 'selectMfa'),
    choices: mfaChoices(step, user, usable),
    links: { login: pageUrl(step, 'login') },
    alert: alert === undefined ? noticeOf(step) : errorAlert(step.locale.text(alert)),
  })
}

/** What may be chosen among, with the addresses that codes would go to. */
export const mfaChoices = (
  { locale }: Step,
  user: User,
  types: readonly MfaType[],
): ViewContexts['pages/select-mfa']['choices'] =>
  types.map((type) => {
    const address = isMessaged(type) ? user.attributes[attributeOf[type]] : undefined
    const destination = destinationOf(type, address)
    return { type, name: locale.text(`mfaTypes.${type}.name`), ...(destination === undefined ? {} : { destination }) }
  })
