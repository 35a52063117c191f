import { describe, expect, it } from 'vitest'
import type { OutgoingMessage } from '../../src/domain/messages/message.ts'
import {
  messageTemplatesOf,
  messageTemplatesSchema,
  readSender,
  senderIdentityOf,
  unusableSender,
} from '../../src/domain/user-pools/message-template-settings.ts'
import { createMessageRenderer } from '../../src/messaging/render-message.ts'
import { acme, catalogue, engine, verification } from './support/sample-messages.ts'

/* An operator's own words for every kind of message, in each language. */

const templatesOf = (written: object) => messageTemplatesOf(messageTemplatesSchema.parse(written))
const render = (change: Partial<OutgoingMessage>, written: object, more: object = {}) =>
  createMessageRenderer({
    views: engine,
    catalogue,
    brandOf: () => ({ ...acme, templates: templatesOf(written), ...more }),
  })('id-1', verification(change))

const code = '493817'

describe('a template', () => {
  it.each([
    ['Verification', { kind: 'verification' }],
    ['ForgotPassword', { kind: 'reset' }],
    ['SignInCode', { kind: 'signInCode' }],
    ['Authentication', { kind: 'mfaCode' }],
    ['AttributeVerification', { kind: 'addressVerification' }],
    ['Invitation', { kind: 'invitation' }],
  ] as const)('%s has a place for the code, and says it in its own words', async (name, change) => {
    const words = {
      EmailSubject: 'For {username} at {brand}',
      EmailMessage: '<p>Dear {username}, <b>{####}</b> is good for {duration}.</p>',
      SmsMessage: '{####} from {brand}',
    }
    const mail = await render({ ...change, username: '<b>jo</b>' }, { [name]: words })
    expect(mail.subject).toBe('For <b>jo</b> at Acme')
    expect(mail.html).toContain(`<p>Dear &lt;b&gt;jo&lt;/b&gt;, <b>${code}</b> is good for 24 hours.</p>`)
    expect(mail.text).toBe(`Dear <b>jo</b>, ${code} is good for 24 hours.`)
    const sms = await render({ ...change, medium: 'SMS', recipient: '+442079460958' }, { [name]: words })
    expect(sms.text).toBe(`${code} from Acme`)
    for (const member of ['EmailMessage', 'SmsMessage']) {
      const read = messageTemplatesSchema.safeParse({ [name]: { [member]: 'no place' } })
      expect(read.error?.message).toContain('{####}')
    }
  })

  it.each([
    ['VerificationLink', { kind: 'verificationLink', link: 'https://a.example/confirm?x=1&y=2' }],
    [
      'Notice',
      {
        kind: 'notice',
        about: 'passwordChanged',
        happenedAt: '2026-01-31T12:00:00.000Z',
        link: 'https://a.example/confirm?x=1&y=2',
        from: '192.0.2.1',
      },
    ],
  ] as const)('%s has a place for the link', async (name, change) => {
    const EmailMessage = '<p>{event} {when} {from}</p>{##Look <i>here</i>##}'
    const mail = await render(change, { [name]: { EmailMessage } })
    expect(mail.html).toContain('<a href="https://a.example/confirm?x=1&amp;y=2">Look <i>here</i></a>')
    if (name === 'Notice')
      expect(mail.html).toContain('Your password was changed January 31, 2026 at 12:00 PM UTC 192.0.2.1')
    expect(messageTemplatesSchema.safeParse({ [name]: { EmailMessage: 'none' } }).error?.message).toContain('{##…##}')
  })

  it.each([
    ['AccountExists', 'accountExists'],
    ['AddressChanging', 'addressChanging'],
    ['AddressChanged', 'addressChanged'],
  ] as const)('%s may lead to where one signs in', async (name, kind) => {
    const mail = await render({ kind }, { [name]: { EmailMessage: 'Hello. {##Sign in##}' } })
    expect(mail.html).toContain('<a href="https://login.acme.example/login">Sign in</a>')
    expect(mail.text).toBe('Hello. Sign in (https://login.acme.example/login)')
    expect((await render({ kind }, { [name]: { EmailMessage: 'Hello.' } })).text).toBe('Hello.')
  })

  it('is in the best language that it has, also one that the pages do not have', async () => {
    const written = {
      Verification: {
        EmailSubject: { 'de-AT': 'Servus', de: 'Hallo', fr: 'Bonjour', he: 'שלום', '*': 'Hi' },
        EmailMessage: {
          'de-AT': 'Servus {####}',
          de: 'Hallo {####}',
          fr: 'Bonjour {####}',
          he: 'שלום {####}',
          '*': 'Hi {####}',
        },
      },
    }
    const inLanguages = async (...languages: string[]) => {
      const { subject, html } = await render({ languages }, written)
      return [
        subject,
        /<html lang="([^"]*)" dir="(\w+)">/
          .exec(html ?? '')
          ?.slice(1)
          .join(' '),
      ]
    }
    expect(await inLanguages('de-AT', 'de')).toEqual(['Servus', 'de-at ltr'])
    expect(await inLanguages('de-CH')).toEqual(['Hallo', 'de ltr'])
    expect(await inLanguages('ja', 'FR-ca')).toEqual(['Bonjour', 'fr ltr'])
    expect(await inLanguages('he')).toEqual(['שלום', 'he rtl'])
    expect(await inLanguages('ja')).toEqual(['Hi', 'en ltr'])
    expect(await inLanguages()).toEqual(['Hi', 'en ltr'])
  })

  it('stands above Cognito’s members and below CustomMessage; a subject alone leaves the rest', async () => {
    const overrides = { verificationSubject: 'Cognito’s', verificationMessage: 'Cognito’s {####}' }
    const written = { Verification: { EmailSubject: 'Ours' } }
    const mail = await render({}, written, { overrides })
    expect([mail.subject, mail.text]).toEqual(['Ours', `Cognito’s ${code}`])
    const custom = await createMessageRenderer({
      views: engine,
      catalogue,
      brandOf: () => ({ ...acme, overrides, templates: templatesOf(written) }),
      customise: async () => ({ subject: 'The trigger’s' }),
    })('id', verification({}))
    expect([custom.subject, custom.text]).toEqual(['The trigger’s', `Cognito’s ${code}`])
  })

  it.each([
    ['an unknown kind', { Welcome: {} }],
    ['an unknown member', { Verification: { Subject: 'x' } }],
    ['a language that is none', { Verification: { EmailSubject: { 'German!': 'x' } } }],
    ['a subject that is too long', { Verification: { EmailSubject: 'x'.repeat(141) } }],
    ['an SMS that is too long', { Verification: { SmsMessage: `{####}${'x'.repeat(140)}` } }],
  ])('is refused: %s', (_what, written) => {
    expect(messageTemplatesSchema.safeParse(written).success).toBe(false)
  })

  it('fills in nothing twice, and no header gets a second line (threat rows E6, E9)', async () => {
    const mail = await render(
      { username: '{####}\r\nBcc: x@example.com' },
      {
        Verification: {
          EmailSubject: '{username} {constructor} {__proto__}',
          EmailMessage: '{username}{{brand}} {####}',
        },
      },
    )
    expect(mail.subject).toBe('{####} Bcc: x@example.com {constructor} {__proto__}')
    expect(mail.html).toContain('{Acme}')
  })
})

describe('the sender', () => {
  it.each([
    ['Acme <no-reply@acme.example>', { name: 'Acme', address: 'no-reply@acme.example' }],
    ['"Acme, Inc." <no-reply@acme.example>', { name: 'Acme, Inc.', address: 'no-reply@acme.example' }],
    ['no-reply@acme.example', { address: 'no-reply@acme.example' }],
    ['<no-reply@acme.example>', { address: 'no-reply@acme.example' }],
    ['Acme <a@x.example>, <b@y.example>', undefined],
    ['Acme\r\nBcc: x <a@x.example>', undefined],
    ['Acme', undefined],
    ['"a@evil.example"@acme.example', undefined],
  ])('%j', (from, expected) => {
    expect(readSender(from)).toEqual(expected)
    expect(unusableSender({ From: from })).toEqual(expected === undefined ? ['EmailConfiguration.From'] : [])
  })

  it('goes with the message; what is unusable is told, and not used', async () => {
    const sender = senderIdentityOf({ From: 'Acme Shop <shop@acme.example>', ReplyToEmailAddress: 'help@acme.example' })
    const mail = await render({}, {}, { sender })
    expect([mail.brandName, mail.sender]).toEqual([
      'Acme Shop',
      { address: 'shop@acme.example', replyTo: 'help@acme.example' },
    ])
    expect(senderIdentityOf({ From: 7, ReplyToEmailAddress: 'nobody' })).toEqual({})
    expect(unusableSender({ From: 7, ReplyToEmailAddress: 'nobody' })).toEqual([
      'EmailConfiguration.From',
      'EmailConfiguration.ReplyToEmailAddress',
    ])
    expect(unusableSender(undefined)).toEqual([])
  })

  it.each([
    ['Acme', 'Acme'],
    ['Acme Shop', 'Acme Shop'],
    ['+447700900123', '+447700900123'],
    ['TwelveLetter', undefined],
    ['12345', undefined],
    ['Acme\r\nTo: x', undefined],
    ['+0', undefined],
    [7, undefined],
  ])('of SMS: %j', async (written, expected) => {
    const sender = senderIdentityOf(undefined, { SenderId: written })
    expect(sender).toEqual(expected === undefined ? {} : { smsId: expected })
    expect(unusableSender(undefined, { SenderId: written })).toEqual(
      expected === undefined ? ['SmsConfiguration.SenderId'] : [],
    )
    const sms = await render({ medium: 'SMS', recipient: '+15550100' }, {}, { sender })
    expect(sms.sender).toEqual(sender)
  })
})
