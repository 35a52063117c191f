import { softwareTokenDigits, softwareTokenSecret, softwareTokenUri } from '../../domain/mfa/software-token.ts'
import { canReceive, mfaTypesToSetUp } from '../../domain/mfa/usable-mfa-types.ts'
import type { Ceremony } from '../../domain/passkeys/ceremony.ts'
import type { OpenAttempt } from '../../domain/sign-in/open-attempt.ts'
import { qrCode } from '../../platform/views/qr-code.ts'
import type { HostedServices } from '../hosted-services.ts'
import { passkeyCreation, setUpCeremony } from '../passkey/passkey-parts.ts'
import { errorAlert, formOf, noticeOf, pageRequest, showPage } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'
import { mfaChoices } from './select-mfa.page.ts'
import { tellExpired } from './waiting-attempt.ts'

/** Which factor to set up; for SMS the number that codes are to go to, where none is proved. */
export async function showMfaSetUpPage(
  services: HostedServices,
  step: Step,
  { user }: OpenAttempt,
  shown: { phone?: string; problem?: 'phoneNeeded' | 'phoneInvalid'; error?: string } = {},
): Promise<void> {
  const { locale, tenant } = step
  const types = mfaTypesToSetUp(tenant.snapshot.userPool, user)
  const asksPhone = types.includes('SMS_MFA') && !canReceive(user, 'SMS_MFA')
  const proved = types.filter((type) => type !== 'SMS_MFA' || !asksPhone)
  const form = formOf(services, step, 'mfaSetUp')
  const ceremony = offeredSetUp(step)
  const passkey = ceremony && (await passkeyCreation(services, step, user, [], form, ceremony))
  const problem = shown.problem === undefined ? shown.error : locale.text('outcomes.checkFields')
  showPage(services, pageRequest(step), 'pages/mfa-set-up', 'mfaSetUp', {
    form,
    ...(passkey === undefined ? {} : { passkey }),
    choices: mfaChoices(step, user, proved),
    ...(asksPhone
      ? {
          phone: {
            name: 'phone_number',
            label: locale.text('identifiers.phone_number'),
            type: 'tel',
            value: shown.phone ?? user.attributes['phone_number'] ?? '',
            required: true,
            autocomplete: 'tel',
            inputmode: 'tel',
            hint: locale.text('mfaSetUp.phoneHint'),
            ...(shown.problem === undefined ? {} : { error: locale.text(`fieldErrors.${shown.problem}`) }),
          },
        }
      : {}),
    links: { login: pageUrl(step, 'login') },
    alert: problem === undefined ? noticeOf(step) : errorAlert(problem),
  })
}

/** Where a passkey counts as a second factor, and a browser would let this domain have one. */
export const offeredSetUp = (step: Step): Ceremony | undefined =>
  step.tenant.snapshot.userPool.mfaTypes.includes('WEB_AUTHN') ? setUpCeremony(step) : undefined

/** The secret of an authenticator app, to be scanned, opened or typed, and the first code of it. */
export function showSoftwareTokenPage(
  services: HostedServices,
  step: Step,
  { attempt, user }: OpenAttempt,
  shown: { error?: string },
): void {
  const { userPool } = step.tenant.snapshot
  if (attempt.sealedSecret === undefined) return tellExpired(services, step)
  const secret = softwareTokenSecret(services.domain.sealedBox, attempt.sealedSecret)
  const issuer = userPool.branding.name ?? userPool.name
  const account = step.flow.state.username ?? user.attributes['email'] ?? user.username
  const uri = softwareTokenUri(secret, { issuer, account })
  const isOnly = mfaTypesToSetUp(userPool, user).length === 1 && offeredSetUp(step) === undefined
  showPage(services, pageRequest(step), 'pages/software-token', 'softwareToken', {
    form: formOf(services, step, 'mfaSetUp'),
    qr: qrCode(uri),
    key: secret.replaceAll(/(.{4})(?=.)/g, '$1 '),
    uri,
    code: { length: softwareTokenDigits, ...(shown.error === undefined ? {} : { error: shown.error }) },
    links: {
      ...(isOnly ? {} : { another: `${pageUrl(step, 'mfaSetUp')}&another=1` }),
      login: pageUrl(step, 'login'),
    },
    alert: noticeOf(step),
  })
}
