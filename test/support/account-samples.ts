import { softwareTokenUri } from '../../src/domain/mfa/software-token.ts'
import { momentText } from '../../src/hosted/account/account.page.ts'
import { isolated } from '../../src/hosted/isolated.ts'
import { qrCode } from '../../src/platform/views/qr-code.ts'
import { kit, sample, type Sample, type SampleSurroundings } from './sample-kit.ts'

const pages = [
  ...([
    'profile',
    'email',
    'phone',
    'password',
    'passkeys',
    'factors',
    'sessions',
    'apps',
    'activity',
    'data',
    'delete',
  ] as const),
]

/** The pages of an account. */
export function accountSamples(surroundings: SampleSurroundings): Sample[] {
  const { locale } = surroundings
  const { page, password, alert, field, foreign, passkey } = kit(surroundings)
  const address = foreign('ada.lovelace@example.com')
  const form = { action: '/account?client_id=1example', csrf: 'csrf-token' }
  const common = { form, links: { back: '/account' } }
  const plain = { ...common, hidden: [], username: { value: address }, fields: [], actions: [] }
  const button = (key: string, values?: Record<string, string>) => ({
    name: 'end',
    value: foreign('id'),
    label: locale.text(key, values),
  })
  const at = momentText({ locale }, new Date('2026-11-26T13:24:00Z'))
  const key = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  const uri = softwareTokenUri(key, { issuer: 'Rowan & Finch', account: 'ada.lovelace@example.com' })
  const type = (name: string): string => locale.text(`mfaTypes.${name}.name`)
  const list = { ...common, actions: [], buttons: [], more: [] }
  return [
    sample('pages/account', 'all', {
      ...page('account'),
      name: address,
      sections: pages.map((name) => ({
        href: `/account/${name}`,
        title: locale.text(`account.pages.${name}.title`),
        text: name === 'email' ? address : locale.text(`account.pages.${name}.text`),
      })),
      links: { signOut: '/logout', app: '/' },
      ...alert('success', 'accountNotices.saved'),
    }),
    sample('pages/account-form', 'profile', {
      ...page('accountProfile'),
      ...plain,
      fields: [
        field('given_name', 'text', { value: foreign('Ada'), required: false }),
        field('birthdate', 'date', { required: false, error: locale.text('fieldErrors.date') }),
      ],
      ...alert('error', 'outcomes.checkFields'),
    }),
    sample('pages/account-form', 'typed-before', {
      ...page('accountEmail'),
      ...plain,
      fields: [field('email', 'email', { value: foreign(address) })],
      ...alert('info', 'outcomes.typedBefore'),
    }),
    sample('pages/account-form', 'password', {
      ...page('accountPassword'),
      ...plain,
      currentPassword: { error: locale.text('fieldErrors.currentPassword') },
      newPassword: password(),
    }),
    sample('pages/account-form', 'code', {
      ...page('accountAddressCode', { destination: address }),
      ...plain,
      code: { length: 6, error: locale.text('outcomes.codeMismatch') },
      actions: [button('accountAddressCode.resend'), button('accountAddressCode.cancel')],
    }),
    sample('pages/account-form', 'data', { ...page('accountData'), ...plain }),
    sample('pages/account-form', 'delete', {
      ...page('accountDelete'),
      ...plain,
      danger: true,
      fields: [
        {
          ...field('name', 'text', { autocomplete: 'off', value: foreign('yes') }),
          label: locale.text('accountDelete.confirmation.label', { word: locale.text('accountDelete.word') }),
          error: locale.text('accountDelete.confirmation.error', { word: locale.text('accountDelete.word') }),
        },
      ],
    }),
    sample('pages/account-list', 'factors', {
      ...page('accountFactors'),
      ...list,
      items: [
        {
          title: type('SOFTWARE_TOKEN_MFA'),
          badge: locale.text('accountFactors.preferred'),
          lines: [
            locale.text('accountFactors.lines.addedAt', { at }),
            locale.text('accountFactors.lines.usedAt', { at }),
          ],
          actions: [button('accountFactors.remove')],
        },
        {
          title: type('EMAIL_OTP'),
          lines: [address],
          actions: [button('accountFactors.prefer'), button('accountFactors.remove')],
        },
      ],
      more: [
        { href: '/account/app', label: locale.text('accountFactors.addAnotherApp') },
        { href: '/account/phone', label: locale.text('accountFactors.provePhone') },
      ],
    }),
    sample('pages/account-list', 'none', {
      ...page('accountFactors'),
      ...list,
      items: [],
      none: locale.text('accountFactors.none'),
      actions: [button('accountFactors.enable.EMAIL_OTP')],
      more: [{ href: '/account/app', label: locale.text('accountFactors.addApp') }],
    }),
    sample('pages/account-list', 'devices', {
      ...page('accountDevices'),
      ...list,
      items: ['Firefox', 'Safari'].map((browser, index) => ({
        title: locale.text('accountSessions.lines.browser', {
          browser: isolated(foreign(browser)),
          system: isolated(foreign('macOS')),
        }),
        ...(index === 0 ? { badge: locale.text('accountDevices.thisOne') } : {}),
        lines: [
          locale.text('accountDevices.lines.rememberedAt', { at }),
          locale.text('accountDevices.lines.usedAt', { at }),
          locale.text('accountDevices.lines.from', { address: isolated('2001:db8:85a3::8a2e:370:7334') }),
          locale.text('accountDevices.lines.until', { at }),
        ],
        actions: [button('accountDevices.forget')],
      })),
      actions: [button('accountDevices.forgetAll')],
    }),
    sample('pages/account-list', 'identities', {
      ...page('accountIdentities'),
      ...list,
      items: [
        {
          title: foreign('Google'),
          lines: [locale.text('accountIdentities.lines.cameWith', { at })],
          actions: [button('accountIdentities.unlink')],
        },
        {
          title: foreign('Acme-Okta'),
          lines: [locale.text('accountIdentities.lines.linkedAt', { at }), locale.text('accountIdentities.lines.gone')],
          actions: [button('accountIdentities.unlink')],
        },
      ],
      buttons: [
        {
          href: '/account/identities',
          label: locale.text('accountIdentities.providers.link', { provider: isolated('Google') }),
        },
      ],
      ...alert('error', 'accountNotices.identityLastWayIn'),
    }),
    sample('pages/account-list', 'passkeys', {
      ...page('accountPasskeys'),
      ...list,
      passkey: { ...passkey, form },
      items: ['Google Password Manager', 'Key on my ring'].map((name) => ({
        title: foreign(name),
        lines: [
          locale.text('accountPasskeys.lines.addedAt', { at }),
          locale.text('accountPasskeys.lines.neverUsed'),
          locale.text('accountPasskeys.lines.elsewhere', { domain: isolated('login.example.com') }),
        ],
        field: { id: foreign('id'), value: foreign(name) },
        actions: [button('accountPasskeys.remove')],
      })),
    }),
    sample('pages/account-list', 'sessions', {
      ...page('accountSessions'),
      ...list,
      items: [
        {
          title: locale.text('accountSessions.lines.browser', {
            browser: isolated('Firefox'),
            system: isolated('Windows'),
          }),
          badge: locale.text('accountSessions.thisOne'),
          lines: [
            locale.text('accountSessions.lines.signedInAt', { at }),
            locale.text('accountSessions.lines.from', { address: isolated('2001:db8:85a3::8a2e:370:7334') }),
          ],
          actions: [],
        },
        {
          title: locale.text('accountSessions.unknownBrowser'),
          lines: [
            locale.text('accountSessions.lines.signedInAt', { at }),
            locale.text('accountSessions.lines.apps', { apps: isolated(foreign('Weather, Shop')) }),
          ],
          actions: [button('accountSessions.end')],
        },
      ],
      actions: [button('accountSessions.endOthers')],
    }),
    sample('pages/account-form', 'recovery-codes', { ...page('accountRecoveryCodes', { left: 7 }), ...plain }),
    sample('pages/recovery-codes', 'ten', {
      ...page('recoveryCodes'),
      codes: Array.from({ length: 10 }, (_, index) => `48215${index}-730${index}26`),
      download: { href: 'data:text/plain,codes', fileName: 'codes.txt' },
      links: { back: '/account/factors' },
    }),
    sample('pages/account-app', 'first', {
      ...page('accountApp'),
      ...common,
      hidden: [{ name: 'sealed', value: 'sealed' }],
      qr: qrCode(uri),
      key: key.replaceAll(/(.{4})(?=.)/g, '$1 '),
      uri,
      code: { length: 6 },
    }),
  ]
}
