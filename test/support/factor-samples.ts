import { softwareTokenUri } from '../../src/domain/mfa/software-token.ts'
import { qrCode } from '../../src/platform/views/qr-code.ts'
import { kit, sample, type Sample, type SampleSurroundings } from './sample-kit.ts'

/** The pages of second factors. */
export function factorSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, alert, foreign, passkey } = kit(surroundings)
  const form = { action: '/mfa', csrf: 'csrf-token', flow: 'flow-id' }
  const links = { another: '/selectMfa', login: '/login' }
  const type = (name: string, member: string): string => locale.text(`mfaTypes.${name}.${member}`)
  const app = {
    ...page('mfa', { seconds: 0 }),
    form,
    intro: type('SOFTWARE_TOKEN_MFA', 'intro'),
    label: type('SOFTWARE_TOKEN_MFA', 'code'),
    code: { length: 6 },
    hasRecoveryCodes: true,
    links: { login: '/login' },
  }
  const rememberDevice = { label: locale.text('devices.remember', { days: 30 }), checked: false }
  const destination = foreign('a***@e***.com')
  const sent = (seconds: number) => ({
    ...page('mfa', { seconds }),
    form,
    intro: type('EMAIL_OTP', 'intro'),
    label: type('EMAIL_OTP', 'code'),
    destination,
    hasRecoveryCodes: false,
    code: { length: 6 },
    resend: {
      action: '/selectMfa',
      waitSeconds: seconds,
      available: true,
      countdown: locale.countdown('mfa.resendWait', seconds),
    },
    links,
  })
  const choices = [
    { type: 'SOFTWARE_TOKEN_MFA', name: type('SOFTWARE_TOKEN_MFA', 'name') },
    { type: 'EMAIL_OTP', name: type('EMAIL_OTP', 'name'), destination },
    { type: 'SMS_MFA', name: type('SMS_MFA', 'name'), destination: foreign('+*******0958') },
  ]
  const phone = {
    name: 'phone_number',
    label: locale.text('identifiers.phone_number'),
    type: 'tel',
    value: '',
    required: true,
    autocomplete: 'tel',
    hint: locale.text('mfaSetUp.phoneHint'),
  }
  const key = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  const uri = softwareTokenUri(key, { issuer: 'Rowan & Finch', account: 'ada.lovelace@example.com' })
  const setUp = {
    ...page('softwareToken'),
    form,
    qr: qrCode(uri),
    key: key.replaceAll(/(.{4})(?=.)/g, '$1 '),
    uri,
    code: { length: 6 },
    links,
  }
  return [
    sample('pages/custom-challenge', 'question', {
      ...page('customChallenge'),
      form,
      question: 'question',
      prompt: foreign('Which letters do you see?'),
      image: {
        url: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='240' height='60'%3E%3Crect width='240' height='60' fill='%23dde'/%3E%3Cpath d='M20 45 60 15l30 30 40-30 30 30 50-30' stroke='%23335' stroke-width='6' fill='none'/%3E%3C/svg%3E",
        text: foreign('Five letters'),
      },
      field: {
        ...{ name: 'answer', label: foreign('The letters'), type: 'text', value: '', required: true },
        autocomplete: 'off',
      },
      links: { login: '/login' },
    }),
    sample('pages/custom-challenge', 'wrong', {
      ...page('customChallenge'),
      form,
      question: 'question',
      prompt: locale.text('customChallenge.intro'),
      field: {
        ...{ name: 'answer', label: locale.text('customChallenge.answer'), type: 'text', value: '', required: true },
        ...{ autocomplete: 'one-time-code', inputmode: 'numeric', error: locale.text('customChallenge.wrong') },
      },
      links: { login: '/login' },
    }),
    sample('pages/mfa', 'app', app),
    sample('pages/mfa', 'rememberable', { ...app, rememberDevice }),
    sample('pages/mfa', 'used', { ...app, links, code: { length: 6, error: locale.text('outcomes.codeAlreadyUsed') } }),
    sample('pages/mfa', 'sent', sent(28)),
    sample('pages/mfa', 'resent', { ...sent(30), ...alert('success', 'outcomes.codeResent', { destination }) }),
    sample('pages/mfa', 'in-place-of-a-password', {
      ...page('signInCode', { seconds: 12 }),
      form,
      intro: locale.text('signInCode.intro'),
      label: locale.text('signInCode.code'),
      destination,
      hasRecoveryCodes: false,
      code: { length: 6 },
      guide: locale.text('signInCode.orLink'),
      resend: {
        action: '/resendcode',
        waitSeconds: 12,
        available: true,
        countdown: locale.countdown('signInCode.resendWait', 12),
      },
      links: { login: '/login' },
    }),
    sample('pages/sign-in-link', 'first', {
      ...page('signInLink'),
      form: { action: '/signInLink', csrf: 'csrf-token' },
      hidden: [{ name: 'token', value: 'token' }],
      name: foreign('ada.lovelace@example.com'),
    }),
    sample('pages/not-me', 'first', {
      ...page('notMe'),
      form: { action: '/notMe', csrf: 'csrf-token' },
      hidden: [{ name: 'token', value: 'token' }],
      name: foreign('ada.lovelace@example.com'),
    }),
    sample('pages/confirmed-user', 'not-me', { ...page('notMeDone'), links: { login: '/' } }),
    sample('pages/passkey-offer', 'first', { ...page('passkeyOffer'), form, passkey }),
    sample('pages/passkey-factor', 'first', {
      ...page('passkeyFactor'),
      ...{ form, passkey, rememberDevice, code: { length: 6 }, links },
    }),
    sample('pages/passkey-factor', 'elsewhere', {
      ...page('passkeyFactor'),
      form,
      links,
      code: { length: 6, error: locale.text('outcomes.codeMismatch') },
      alert: { kind: 'error', text: locale.text('passkeyFactor.elsewhere') },
    }),
    sample('pages/select-mfa', 'three', { ...page('selectMfa'), form, choices, links: { login: '/login' } }),
    sample('pages/mfa-set-up', 'three', {
      ...page('mfaSetUp'),
      form,
      choices: choices.slice(0, 2),
      phone,
      links: { login: '/login' },
    }),
    sample('pages/mfa-set-up', 'passkey', {
      ...page('mfaSetUp'),
      ...{ form, passkey, choices: choices.slice(0, 1), links: { login: '/login' } },
    }),
    sample('pages/mfa-set-up', 'phone-refused', {
      ...page('mfaSetUp'),
      ...alert('error', 'outcomes.checkFields'),
      form,
      choices: [],
      phone: { ...phone, value: foreign('12345'), error: locale.text('fieldErrors.phoneInvalid') },
      links: { login: '/login' },
    }),
    sample('pages/software-token', 'first', setUp),
    sample('pages/software-token', 'wrong', {
      ...setUp,
      links: { login: '/login' },
      code: { length: 6, error: locale.text('outcomes.codeMismatch') },
    }),
  ]
}
