import type { MailboxItem } from '../../src/platform/views/development-contexts.ts'
import type * as parts from '../../src/platform/views/page-parts.ts'
import { accountSamples } from './account-samples.ts'
import { factorSamples } from './factor-samples.ts'
import { linkOfMail, linkSamples, resetLinkOfMail } from './link-samples.ts'
import { kit, sample, type Sample, type SampleSurroundings } from './sample-kit.ts'
import { isolated } from '../../src/hosted/isolated.ts'

/** Every page and every mail in all states that look different. */
export function pageSamples(surroundings: SampleSurroundings): readonly Sample[] {
  const { page, foreign } = kit(surroundings)
  return [
    ...loginSamples(surroundings),
    sample('pages/select-account', 'one', {
      ...page('selectAccount', { name: foreign('ada.lovelace@example.com') }),
      form,
      account: { name: foreign('ada.lovelace@example.com') },
      links: { otherAccount: '/login' },
    }),
    ...signUpSamples(surroundings),
    ...codeSamples(surroundings),
    ...consentSamples(surroundings),
    ...linkSamples(surroundings),
    ...factorSamples(surroundings),
    ...accountSamples(surroundings),
    ...passwordSamples(surroundings),
    sample('pages/signed-out', 'with-link', { ...page('signedOut'), links: { login: '/login' } }),
    sample('pages/signed-out', 'bare', { ...page('signedOut'), links: {} }),
    sample('pages/form-post', 'answer', {
      ...page('formPost'),
      action: '/callback?tenant=a%26b',
      fields: [
        { name: 'code', value: 'fJ3k9sPq2LxW8vYt' },
        { name: 'state', value: foreign('s-1') },
      ],
    }),
    ...errorSamples(surroundings),
    ...mailboxSamples(surroundings),
    ...demoSamples(surroundings, foreign),
    ...mailSamples(surroundings),
  ]
}

const form: parts.Form = { action: '/login?client_id=1example&state=a%26b', csrf: 'csrf-token', flow: 'flow-id' }
function loginSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, alert, foreign, passkey } = kit(surroundings)
  const links = { signUp: '/signup', forgotPassword: '/forgotPassword' }
  const email = { label: locale.text('identifiers.email'), type: 'email', value: '', autocomplete: 'username' } as const
  const typed = { ...email, value: foreign('ada.lovelace@example.com') }
  const any = { ...email, type: 'text', label: locale.text('identifiers.any') } as const
  const login = { ...page('login'), form, links, local: true, providers: [] }
  const providers = ['Google', 'Acme-Okta'].map((name) => ({
    href: `/identityProvider?provider=${name}`,
    label: locale.text('login.providers.continueWith', { provider: isolated(foreign(name)) }),
  }))
  return [
    sample('pages/login', 'first', { ...login, username: email }),
    sample('pages/login', 'refused', { ...login, username: typed, ...alert('error', 'outcomes.incorrectCredentials') }),
    sample('pages/login', 'stay-signed-in', {
      ...login,
      username: email,
      staySignedIn: { label: locale.text('login.staySignedIn'), checked: true },
    }),
    sample('pages/login', 'passkey', {
      ...login,
      username: email,
      passkey: { ...passkey, signal: '{}' },
      codes: {
        action: '/requestSignInCode',
        factors: (['EMAIL_OTP', 'SMS_OTP'] as const).map((type) => ({
          type,
          label: locale.text(`login.codes.${type}`),
        })),
      },
    }),
    sample('pages/login', 'providers', { ...login, username: email, providers }),
    sample('pages/login', 'providers-alone', {
      ...login,
      ...{ username: email, providers, local: false, links: {} },
      ...alert('error', 'identityProviders.away', { provider: isolated(foreign('Google')) }),
    }),
    sample('pages/login', 'custom', { ...login, username: email, custom: { action: '/customSignIn' } }),
    sample('pages/login', 'changed', { ...login, username: typed, ...alert('success', 'outcomes.passwordsChanged') }),
    sample('pages/login', 'fields', {
      ...login,
      username: { ...any, error: locale.text('fieldErrors.required') },
      password: { error: locale.text('fieldErrors.password') },
      links: {},
    }),
  ]
}

function signUpSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, password, alert, field, foreign } = kit(surroundings)
  const signUp = { ...page('signUp'), form, links: { login: '/login' } }
  const email = { autocomplete: 'username', inputmode: 'email', maxlength: 254 }
  const hint = (name: string) => ({ hint: locale.text(`fieldHints.${name}`) })
  const username = { autocomplete: 'username', maxlength: 128, ...hint('username') }
  return [
    sample('pages/sign-up', 'short', { ...signUp, fields: [field('email', 'email', email)], password: password() }),
    sample('pages/sign-up', 'warned', {
      ...signUp,
      ...alert('error', 'outcomes.checkFields'),
      fields: [field('email', 'email', { ...email, value: foreign('ada@example.com') })],
      password: {
        ...password('fieldErrors.passwordBreachedWarning'),
        insist: { label: locale.text('passwordField.insist'), checked: false },
      },
    }),
    sample('pages/sign-up', 'terms', {
      ...signUp,
      fields: [field('email', 'email', email)],
      password: password(),
      terms: [
        { text: 'By signing up, you agree to our ' },
        {
          text: locale.text('terms.termsOfUse'),
          href: 'https://example.com/terms',
          newTab: locale.text('terms.newTab'),
        },
        { text: ' and ' },
        {
          text: locale.text('terms.privacyPolicy'),
          href: 'https://example.com/privacy',
          newTab: locale.text('terms.newTab'),
        },
        { text: '.' },
      ],
    }),
    sample('pages/sign-up', 'errors', {
      ...signUp,
      ...alert('error', 'outcomes.checkFields'),
      fields: [
        field('username', 'text', {
          ...username,
          value: foreign('ada@example'),
          error: locale.text('fieldErrors.usernameLooksLikeEmail'),
        }),
        field('given_name', 'text', { value: foreign('Ada'), autocomplete: 'given-name' }),
        field('email', 'email', { ...email, value: foreign('ada'), error: locale.text('fieldErrors.email') }),
        field('phone_number', 'tel', {
          autocomplete: 'tel',
          inputmode: 'tel',
          required: false,
          value: foreign('+44 20 7946 0958'),
          ...hint('phone_number'),
        }),
        field('birthdate', 'date', { autocomplete: 'bday' }),
      ],
      password: password('fieldErrors.passwordRules'),
    }),
  ]
}

function codeSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, password, alert, foreign } = kit(surroundings)
  const destination = foreign('a***@e***.com')
  const links = { startOver: '/signup', login: '/login' }
  const resend = (section: string, waitSeconds: number): parts.Resend => ({
    action: '/resend',
    waitSeconds,
    available: waitSeconds === 0,
    countdown: locale.countdown(`${section}.resendWait`, waitSeconds),
  })
  const confirm = (seconds: number) => ({
    ...page('confirm', { seconds }),
    form,
    destination,
    links,
    code: { length: 6 },
    resend: resend('confirm', seconds),
  })
  const reset = (seconds: number) => ({
    ...page('resetPassword', { seconds }),
    form,
    destination,
    links,
    code: { length: 6 },
    username: { value: foreign('ada') },
    password: password(),
    resend: resend('resetPassword', seconds),
  })
  const wrongCode = { code: { length: 6, error: locale.text('outcomes.codeMismatch') } }
  return [
    sample('pages/confirm', 'waiting', confirm(28)),
    sample('pages/confirm', 'last-second', { ...confirm(1), ...wrongCode }),
    sample('pages/confirm', 'resent', { ...confirm(0), ...alert('success', 'outcomes.codeResent', { destination }) }),
    sample('pages/confirm', 'limit', {
      ...confirm(0),
      ...alert('error', 'outcomes.limitExceeded'),
      resend: { action: '/resend', waitSeconds: 0, available: false },
    }),
    sample('pages/reset-password', 'waiting', reset(42)),
    sample('pages/reset-password', 'errors', {
      ...reset(0),
      ...alert('error', 'outcomes.checkFields'),
      ...wrongCode,
      password: password('outcomes.passwordPolicy'),
    }),
  ]
}

function consentSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, foreign } = kit(surroundings)
  const text = (name: string): parts.ConsentScope => ({ text: locale.text(`consent.scopes.${name}`) })
  const consent = {
    ...page('consent'),
    form,
    shown: 'digest',
    client: foreign('Photo Printing & More'),
    account: foreign('ada.lovelace@example.com'),
    destination: foreign('prints.example.org'),
    links: { otherAccount: '/login' },
  }
  const print = { text: foreign('Order prints of your pictures'), resourceServer: foreign('Pictures') }
  const long = { text: foreign('https://pictures.example.com/a-rather-long-identifier/albums.readonly') }
  return [
    sample('pages/consent', 'few', { ...consent, scopes: [text('openid')] }),
    sample('pages/consent', 'many', {
      ...consent,
      scopes: [
        { ...text('openid'), allowed: true },
        { ...text('email'), allowed: true },
        text('phone'),
        text('profile'),
        text('admin'),
        print,
        long,
      ],
    }),
  ]
}

function passwordSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, password, alert, field, foreign } = kit(surroundings)
  const username = { label: locale.text('identifiers.username_or_email'), type: 'text', value: '' } as const
  const forgot = { ...page('forgotPassword'), form, links: { login: '/login' } }
  const chosen = { ...page('newPassword'), form, username: { value: foreign('ada.lovelace') } }
  return [
    sample('pages/forgot-password', 'first', { ...forgot, username: { ...username, autocomplete: 'username' } }),
    sample('pages/forgot-password', 'error', {
      ...forgot,
      username: { ...username, autocomplete: 'username', error: locale.text('fieldErrors.required') },
    }),
    sample('pages/forgot-password', 'sent-here', {
      ...forgot,
      ...alert('info', 'outcomes.passwordResetRequired'),
      username: { ...username, autocomplete: 'username', value: foreign('ada') },
    }),
    sample('pages/new-password', 'password-only', { ...chosen, fields: [], password: password() }),
    sample('pages/new-password', 'with-attributes', {
      ...chosen,
      fields: [field('given_name', 'text'), field('family_name', 'text', { value: foreign('Lovelace') })],
      password: password('fieldErrors.passwordSame'),
    }),
  ]
}

const errorKeys =
  'invalidRequest unknownClient redirectMismatch expired cookies notFound tooMany server csrf method flowFinished awaitingApproval userDisabled wrongHost noSignInMethod notSignedInHere expiredHere otherBrowser notStarted accountGone linkWrong linkExpired linkSuperseded linkSignUpGone linkAddressTaken'

function errorSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page } = kit(surroundings)
  return errorKeys.split(' ').map((key, index) =>
    sample('pages/error', key, {
      ...page('error'),
      heading: locale.text(`error.${key}.heading`),
      text: locale.text(`error.${key}.text`),
      ...(index % 2 === 1 ? {} : { reference: '01JD4Y8Q6ZK2M9T3' }),
      ...(index % 3 === 2 ? {} : { action: { href: '/login', label: locale.text('error.actions.signIn') } }),
    }),
  )
}

function mailboxSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, foreign } = kit(surroundings)
  const brand = 'Rowan & Finch'
  const mail = (id: string, subject: string, to: string): MailboxItem => ({
    id,
    to: foreign(to),
    subject: foreign(locale.text(subject, { brand })),
    createdAt: '21 Nov 2026, 09:41',
    href: `/dev/mail/${id}`,
    preview: foreign(locale.text('emailVerification.body', { brand })),
  })
  const messages = [
    mail('1', 'emailVerification.subject', 'ada.lovelace@example.com'),
    mail('2', 'emailAccountExists.subject', 'grace@example.com'),
    mail('3', 'emailReset.subject', 'a-rather-long-address-of-somebody@a-rather-long-domain.example.com'),
  ]
  const { to, subject, createdAt } = messages[0]!
  const text = foreign(`${locale.text('emailVerification.heading')}\n\n    482913\n`)
  return [
    sample('pages/mailbox', 'empty', { ...page('mailbox'), messages: [] }),
    sample('pages/mailbox', 'some', { ...page('mailbox'), messages }),
    sample('pages/mailbox-message', 'code', {
      ...page('mailbox'),
      message: { to, subject, createdAt, text, code: '482913' },
      htmlSrc: '/dev/mail/1/html',
      links: { back: '/dev/mail' },
    }),
    sample('pages/mailbox-message', 'link', {
      ...page('mailbox'),
      message: { to, subject, createdAt, text: linkOfMail, link: linkOfMail },
      htmlSrc: '/dev/mail/1/html',
      links: { back: '/dev/mail' },
    }),
  ]
}

function demoSamples(surroundings: SampleSurroundings, foreign: (value: string) => string): Sample[] {
  const { page } = kit(surroundings)
  const demo = page('demo')
  const header = JSON.stringify({ kid: 'pJ2w1n8Tt0', alg: 'RS256' }, null, 2)
  const claims = { sub: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', email: foreign('ada@example.com'), token_use: 'id' }
  const payload = JSON.stringify(
    { ...claims, iss: 'https://id.example.com/us-east-1_example', exp: 1767229200 },
    null,
    2,
  )
  const raw = `eyJraWQiOiJwSjJ3MW44VHQwIiwiYWxnIjoiUlMyNTYifQ.${'eyJzdWIiOiJhYWFhYWFhYS1iYmJi'.repeat(12)}.c2ln`
  const post = { action: '/demo/action', csrf: 'csrf-token' }
  const expiresText = 'Expires in 59 minutes'
  return [
    sample('pages/demo-home', 'both', {
      ...demo,
      text: 'A small relying party of this server. It signs you in with a code and PKCE, as your own app would.',
      signIn: { href: '/demo/sign-in' },
      otherSignIn: { href: '/demo/other', label: 'Sign in to the second app' },
    }),
    sample('pages/demo-tokens', 'signed-in', {
      ...demo,
      user: { name: foreign('Ada Lovelace'), email: foreign('ada@example.com') },
      tokens: [
        { title: 'ID token', header, payload, raw, expiresText },
        { title: 'Access token', header, payload, raw, expiresText },
        { title: 'Refresh token', raw: 'fJ3k9sPq2LxW8vYt', expiresText: 'Expires in 30 days' },
      ],
      actions: { refresh: post, signOut: post, userInfo: JSON.stringify(claims, null, 2) },
      links: { account: '/account' },
    }),
  ]
}

function mailSamples({ locale, foreign = (value) => value }: SampleSurroundings): Sample[] {
  const brand = foreign('Rowan & Finch')
  const mail = (section: string) => ({
    lang: locale.lang,
    dir: locale.dir,
    brand: { name: brand },
    t: locale.section(section, { brand, duration: locale.duration(86_400) }),
  })
  const link = 'https://login.example.com/login?client_id=1example'
  const verification = { ...mail('emailVerification'), code: '482913' }
  const byLink = { ...mail('emailVerificationLink'), link: linkOfMail }
  const reset = { ...mail('emailReset'), code: '730154' }
  const exists = { ...mail('emailAccountExists'), link }
  const invitation = {
    ...mail('emailInvitation'),
    link,
    username: foreign('ada.lovelace'),
    temporaryPassword: foreign('v7#Kq<2mZt&9'),
  }
  return [
    sample('emails/verification.html', 'mail', verification),
    sample('emails/verification.text', 'mail', verification),
    sample('emails/verification-link.html', 'mail', byLink),
    sample('emails/verification-link.text', 'mail', byLink),
    ...(['html', 'text'] as const).map((form) =>
      sample(`emails/notice.${form}`, 'new-browser', {
        ...mail('emailNotice'),
        t: {
          ...mail('emailNotice').t,
          ...mail('emailNotices.newBrowser').t,
          detail: locale.text('noticeDetail.whenAndFrom', { when: '26 November 2026, 13:24 UTC', from: '192.0.2.7' }),
        },
        link: resetLinkOfMail,
      }),
    ),
    sample('emails/reset.html', 'with-link', { ...reset, link: resetLinkOfMail }),
    sample('emails/reset.text', 'with-link', { ...reset, link: resetLinkOfMail }),
    sample('emails/reset.html', 'mail', { ...mail('emailAddressVerification'), code: '604417' }),
    sample('emails/account-exists.html', 'mail', { ...mail('emailAddressChanging'), link }),
    sample('emails/account-exists.text', 'mail', { ...mail('emailAddressChanged'), link }),
    sample('emails/account-exists.html', 'mail', exists),
    sample('emails/account-exists.text', 'mail', exists),
    sample('emails/invitation.html', 'mail', invitation),
    sample('emails/invitation.text', 'mail', invitation),
  ]
}
