import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { createSmtpSender } from '../../src/messaging/email/smtp-sender.ts'
import type { RenderedMessage } from '../../src/messaging/message-sender.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { startSmtpServer } from '../messaging/support/smtp-server.ts'
import type { ReceivedMail, TestSmtpServer } from '../messaging/support/smtp-server.ts'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { goodPassword, visitorAt } from '../support/visitor.ts'
import { attackedPool } from './support/attacked-pool.ts'

/*
 * Threat row E6: a line break in a value starts another header of the mail, or another command to the mail server
 * (Keycloak CVE-2025-8419; nodemailer CVE-2026-82853). Every text that gets into a mail comes with one, through a whole
 * server and a real mail server. Guards src/messaging/message-texts.ts, src/messaging/email/smtp-sender.ts and
 * src/domain/users/validate-attributes.ts.
 */

const breaks = ['\r\n', '\n', '\r', '\u2028', '\u2029', '\u0085', '\v', '\f', '\0', '\r\n\r\n', '\r\n.\r\n']
const injected = (before: string, lineBreak: string): string =>
  `${before}${lineBreak}Bcc: thief@evil.example${lineBreak}X-Evil: 1`
/** All of them in one text. */
const everyBreak = breaks.map((lineBreak) => injected('', lineBreak)).join('')

/** The pool of a careless operator, or of one who is another's tenant. */
const careless = (Id: string, template: object): object =>
  attackedPool({
    Id,
    PoolName: `${Id}${everyBreak}`.slice(0, 80),
    Default: Id.endsWith('code'),
    UsernameAttributes: [],
    AliasAttributes: ['email'],
    Schema: [{ Name: 'name', Required: true }],
    Branding: { Name: `Shop${everyBreak}`.slice(0, 80) },
    VerificationMessageTemplate: template,
  })
const configuration = JSON.stringify({
  UserPools: [
    careless('eu-west-1_code', {
      EmailSubject: `Hi {username}${everyBreak}`.slice(0, 140),
      EmailMessage: `{####}${everyBreak}`,
    }),
    careless('eu-west-1_link', {
      DefaultEmailOption: 'CONFIRM_WITH_LINK',
      EmailSubjectByLink: `Hi {username}${everyBreak}`.slice(0, 140),
      EmailMessageByLink: `{##go##}${everyBreak}`,
    }),
  ],
})

let smtp: TestSmtpServer
let server: TestServer
beforeAll(async () => {
  smtp = await startSmtpServer()
  server = await startServer({
    configuration,
    environment: { smtpUrl: smtp.url, mailFrom: 'no-reply@id.example' },
  })
})
afterAll(async () => {
  await server.stop()
  await smtp.stop()
})

/** What a mail has, and no more. */
const headerNames = [
  ...['auto-submitted', 'content-language', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'subject'],
  ...['to', 'x-auto-response-suppress'],
]

async function mails(): Promise<ReceivedMail[]> {
  await settledMail(server)
  return smtp.received.splice(0)
}

function isOneMailTo(mail: ReceivedMail, recipient: string): void {
  const head = mail.raw.split('\r\n\r\n', 1)[0] ?? ''
  const names = head.split('\r\n').flatMap((line) => /^([\w-]+):/.exec(line)?.[1]?.toLowerCase() ?? [])
  expect(names.toSorted()).toEqual(headerNames)
  expect(head.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0\v\f]/)
  expect([mail.from, mail.to]).toEqual(['no-reply@id.example', [recipient]])
  expect(mail.parsed.from).toMatchObject({ address: 'no-reply@id.example' })
  expect(mail.parsed.to).toEqual([{ name: '', address: recipient }])
  expect(mail.parsed.subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
}

const signUpForm = async (base: string) => (await visitorAt(base, 'email')).login.follow('Create an account')
const base = (pool: string): string => `${server.publicUrl}/eu-west-1_${pool}`

describe('a line break in what an operator has set', () => {
  test.each(['code', 'link'])('is none in a mail with a %s', async (pool) => {
    const form = await signUpForm(base(pool))
    const typed = { username: `ada-${pool}`, name: 'Ada', email: `${pool}@example.com`, password: goodPassword }
    expect((await form.submit(typed)).heading).toBe('Check your messages')
    const received = await mails()
    expect(received).toHaveLength(1)
    isOneMailTo(received[0]!, `${pool}@example.com`)
    expect(received[0]?.parsed.subject).toContain(`Hi ada-${pool} Bcc: thief@evil.example X-Evil: 1`)
    // The operator's own message may have lines; they stay in its body.
    expect(received[0]?.parsed.text).toContain('Bcc: thief@evil.example')
  })

  test('is none in mails with our own texts either', async () => {
    const account = { username: 'bea', password: goodPassword, userPoolId: 'eu-west-1_code' }
    await haveAccount(server, {
      ...account,
      attributes: { name: 'Bea', email: 'bea@example.com', email_verified: 'true' },
    })
    const form = await (await visitorAt(base('code'), 'email')).login.follow('Forgot your password?')
    await form.submit({ username: 'bea' })
    const again = { username: 'carl', name: 'Carl', email: 'bea@example.com', password: goodPassword }
    await (await signUpForm(base('code'))).submit(again)
    const received = await mails()
    expect(received.length).toBeGreaterThanOrEqual(1)
    for (const mail of received) isOneMailTo(mail, 'bea@example.com')
  })
})

describe('a line break in what a visitor sends', () => {
  test.each(breaks.map((lineBreak) => [JSON.stringify(lineBreak), lineBreak]))(
    'is refused in names and addresses: %s',
    async (_shown, lineBreak) => {
      const form = await signUpForm(base('code'))
      const right = { username: 'mallory', name: 'Mallory', email: 'mallory@example.com', password: goodPassword }
      for (const field of ['username', 'name', 'email'] as const) {
        const page = await form.submit({ ...right, [field]: injected(right[field], lineBreak) })
        // PostgreSQL takes no zero byte, and such a request is nobody's who fills in a form.
        expect([field, page.heading]).not.toEqual([field, 'Check your messages'])
      }
      expect(await mails()).toEqual([])
    },
  )

  test('changes nothing where it comes with the language, the link’s origin or the name to look up', async () => {
    const visitor = await visitorAt(base('link'), 'email', { parameters: { lang: injected('de', '\r\n') } })
    const form = await visitor.login.follow('Create an account')
    const typed = { username: 'dora', name: 'Dora', email: 'dora@example.com', password: goodPassword }
    await form.submit({ ...typed, lang: injected('de', '\r\n'), 'accept-language': injected('de', '\n') })
    const forgotten = await (await visitorAt(base('code'), 'email')).login.follow('Forgot your password?')
    for (const lineBreak of breaks) await forgotten.submit({ username: injected('bea@example.com', lineBreak) })
    const received = await mails()
    expect(received).toHaveLength(1)
    isOneMailTo(received[0]!, 'dora@example.com')
    expect(received[0]?.raw).toMatch(/^Content-Language: en\r$/m)
  })

  test('that only a reader of mail would make of it stays in its line', async () => {
    const username = '=?utf-8?q?x=0D=0ABcc:_thief@evil.example?='
    const form = await signUpForm(base('code'))
    // In a pool whose names may not look like addresses it is none; without the at sign it is a name like any other.
    await form.submit({ username, name: 'Eve', email: 'eve@example.com', password: goodPassword })
    const name = username.replace('@', '=40')
    const page = await form.submit({ username: name, name: 'Eve', email: 'eve@example.com', password: goodPassword })
    expect(page.heading).toBe('Check your messages')
    const received = await mails()
    expect(received).toHaveLength(1)
    isOneMailTo(received[0]!, 'eve@example.com')
  })
})

describe('the last door, before the mail server', () => {
  const message: RenderedMessage = {
    ...{ id: '1', medium: 'EMAIL', recipient: 'jo@example.com', brandName: 'Shop', lang: 'en', subject: 'Code' },
    text: '1',
  }
  test.each(breaks.map((lineBreak) => [JSON.stringify(lineBreak), lineBreak]))(
    'lets none through: %s',
    async (_, lineBreak) => {
      const sender = createSmtpSender({ url: smtp.url, from: 'no-reply@id.example' })
      for (const name of ['id', 'recipient', 'brandName', 'lang', 'subject'] as const) {
        const sending = sender.send(
          { ...message, [name]: injected(message[name], lineBreak) },
          new AbortController().signal,
        )
        await expect(sending, name).rejects.toMatchObject({ name: 'DeliveryError', permanent: true })
      }
      sender.close()
      expect(smtp.received).toEqual([])
    },
  )

  test.each(breaks)('opens to no sender and no server’s address with %j', (lineBreak) => {
    const from = injected('no-reply@id.example', lineBreak)
    expect(() => createSmtpSender({ url: smtp.url, from })).toThrow('plain e-mail address')
    for (const name of [`Shop <no-reply@id.example>`, `no-reply@id.example, thief@evil.example`, from]) {
      expect(() => readEnvironment({ MAIL_FROM: name }), name).toThrow('MAIL_FROM')
    }
  })

  test('a server with such a sender does not start', async () => {
    const environment = { smtpUrl: smtp.url, mailFrom: injected('no-reply@id.example', '\r\n') }
    await expect(startServer({ configuration, environment })).rejects.toThrow('MAIL_FROM')
  })
})

test('the configuration above is one that the server takes', () => {
  expect(() => parseConfiguration(configuration, 'latchkey.yaml', {})).not.toThrow()
})
