import { mfaTypesAfter } from '../../domain/mfa/usable-mfa-types.ts'
import { requestOptions } from '../../domain/passkeys/ceremony.ts'
import type { OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import { codeLength } from '../../domain/verification-codes/issue-code.ts'
import type { PasskeyPart } from '../../platform/views/page-parts.ts'
import { askedOf } from '../asked-level.ts'
import type { HostedServices } from '../hosted-services.ts'
import { factorCeremony } from '../passkey/passkey-parts.ts'
import { rememberDeviceField } from '../remembered-device.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'

/** A passkey as the second step. Where none of the person's works at this domain, the other ways are left. */
export async function showPasskeyFactorPage(
  services: HostedServices,
  step: Step,
  open: OpenAttempt,
  shown: { error?: string; hasRecoveryCodes: boolean },
): Promise<void> {
  const { userPool } = step.tenant.snapshot
  const passkey = await passkeyFor(services, step, open)
  const isCode =
    shown.error !== undefined && 'form' in step && !(step.form as ReadonlyMap<string, string>).has('credential')
  const hasOthers = mfaTypesAfter(userPool, open.user, open.attempt.amr, askedOf(step)).length > 1
  const error = shown.error ?? (passkey === undefined ? step.locale.text('passkeyFactor.elsewhere') : undefined)
  showPage(services, pageRequest(step), 'pages/passkey-factor', 'passkeyFactor', {
    form: formOf(services, step, 'mfa'),
    ...(passkey === undefined ? {} : { passkey, ...rememberDeviceField(step) }),
    ...(shown.hasRecoveryCodes
      ? { code: { length: codeLength, ...(isCode && shown.error !== undefined ? { error: shown.error } : {}) } }
      : {}),
    links: { ...(hasOthers ? { another: pageUrl(step, 'selectMfa') } : {}), login: pageUrl(step, 'login') },
    alert: error === undefined || isCode ? noticeOf(step) : errorAlert(error),
  })
}

async function passkeyFor(
  services: HostedServices,
  step: Step,
  { user }: OpenAttempt,
): Promise<PasskeyPart | undefined> {
  const ceremony = factorCeremony(step)
  if (ceremony === undefined) return undefined
  const owned = await step.domain.store.passkeys.ofUser(user.userPoolId, user.sub)
  const here = owned.filter(({ rpId }) => rpId === ceremony.rp.id)
  if (here.length === 0) return undefined
  const options = await requestOptions(services.domain, step.tenant.snapshot.userPool, ceremony, here)
  return { form: formOf(services, step, 'mfa'), options: JSON.stringify(options) }
}
