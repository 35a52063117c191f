import { domainToASCII } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { createSmtpSender } from '../../src/messaging/email/smtp-sender.ts'
import { DeliveryError } from '../../src/messaging/message-sender.ts'
import { startSmtpServer } from '../messaging/support/smtp-server.ts'
import type { TestSmtpServer } from '../messaging/support/smtp-server.ts'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { goodPassword, visitorAt } from '../support/visitor.ts'
import { attackedPool, poolId } from './support/attacked-pool.ts'

/*
 * Threat row E5, mail that goes to the attacker's mailbox though the address names the victim's: nodemailer CVE-2025-13033
 * read `"e@attacker"@victim` as the address in the quotes, others decoded encoded words inside of addresses, followed the
 * routes of old mail, or folded one letter to another (Auth.js, GHSA-5jpx-9hw9-2fx4). Every such address comes to every door
 * that takes one, with a real mail server behind. Guards src/domain/messages/email-address.ts and
 * src/messaging/email/smtp-sender.ts. (test/messaging/addresses.test.ts has the grammar itself.)
 */

const hostile: Readonly<Record<string, string>> = {
  'a quoted local part with an address in it': '"e@attacker.example"@victim.example',
  'a quoted local part with a closing bracket': '"e@attacker.example>"@victim.example',
  'a quoted local part with spaces': '"e@attacker.example x"@victim.example',
  'a quoted local part': '"jo"@victim.example',
  'a quoted pair': '"a\\"@attacker.example"@victim.example',
  'a word half quoted': 'a."b@attacker.example".c@victim.example',
  'a comment with an address in it': 'jo(e@attacker.example)@victim.example',
  'a comment in front': '(x)e@attacker.example',
  'a comment behind': 'e@attacker.example(@victim.example)',
  'a comment in the domain': 'e@attacker.example(.victim.example',
  'a group': 'victims:e@attacker.example,jo@victim.example;',
  'an empty group': 'nobody:;@victim.example',
  'a list with commas': 'jo@victim.example,e@attacker.example',
  'a list with semicolons': 'jo@victim.example;e@attacker.example',
  'a list with a space': 'jo@victim.example e@attacker.example',
  'an encoded word with an at sign': '=?utf-8?q?e=40attacker.example?=@victim.example',
  'an encoded word that closes a bracket': '=?utf-8?q?e=40attacker.example=3e=00?=foo@victim.example',
  'an encoded word in base64': '=?utf-8?b?ZUBhdHRhY2tlci5leGFtcGxl?=@victim.example',
  'an encoded word in UTF-7': '=?utf-7?q?e&AEA-attacker.example?=@victim.example',
  'an encoded word that is not finished': '=?utf-8?q?e=40attacker.example=3e@victim.example',
  'an encoded word that has begun before': 'x?e=40attacker.example=3e?=@victim.example',
  'an encoded word for a domain': 'e@=?utf-8?q?attacker.example?=',
  'a Kelvin sign in the domain': 'e@\u212Aelvin.example',
  'an Ångström sign in the domain': 'e@\u212Bngstrom.example',
  'an Ohm sign in the domain': 'e@\u2126hm.example',
  'a dotted capital I in the domain': 'e@\u0130stanbul.example',
  'a Kelvin sign in the local part': '\u212A@victim.example',
  'a dotless i in the local part': 'v\u0131ctim@victim.example',
  'a long s in the local part': '\u017Fam@victim.example',
  'a long s in the domain': 'e@\u017Fam.example',
  'a sharp s, capital, in the domain': 'e@stra\u1E9Ee.example',
  'a ligature in the domain': 'e@o\uFB03ce.example',
  'full-width letters in the domain': 'e@ｖictim.example',
  'a full-width at sign': 'e＠attacker.example@victim.example',
  'a small at sign': 'e\uFE6Battacker.example@victim.example',
  'an ideographic full stop': 'e@victim。example',
  'a soft hyphen': 'e@vic\u00ADtim.example',
  'a zero-width joiner': 'e@vic\u200Dtim.example',
  'a right-to-left override': 'e@\u202Emitciv.example',
  'a letter with its mark apart': 'e@mu\u0308nchen.example',
  'punycode that is none': 'e@xn--a.example',
  'punycode of plain letters': 'e@xn--victim-.example',
  'a trailing dot': 'e@victim.example.',
  'an empty label': 'e@victim..example',
  'a percent route': 'e%attacker.example@victim.example',
  'a bang path': 'attacker.example!e@victim.example',
  'a source route': '@attacker.example:jo@victim.example',
  'two source routes': '@a.example,@b.example:jo@victim.example',
  'two at signs': 'e@attacker.example@victim.example',
  'a percent-encoded at sign': 'e@attacker.example%40victim.example',
  'a NUL before the rest': 'e@attacker.example\0@victim.example',
  'a NUL behind': 'jo@victim.example\0',
  'angle brackets': '<e@attacker.example>',
  'a display name': 'jo@victim.example <e@attacker.example>',
  'a bracket that closes early': 'e@attacker.example>@victim.example',
  'a recipient command': 'jo@victim.example>\r\nRCPT TO:<e@attacker.example',
  'a header': 'jo@victim.example\r\nBcc: e@attacker.example',
  'a bare line feed': 'jo@victim.example\ne@attacker.example',
  'a line separator': 'jo@victim.example\u2028e@attacker.example',
  'a backslash': 'jo\\@attacker.example@victim.example',
  'parameters of the command': 'jo@victim.example ORCPT=rfc822;e@attacker.example',
  'a mailto link': 'mailto:e@attacker.example',
  'an address literal': 'e@[127.0.0.1]',
  'an address literal, IPv6': 'e@[IPv6:::1]',
  'a number for a host': 'e@2130706433',
  'a local mailbox': 'root@localhost',
  'a port': 'e@victim.example:25',
}
const rows = Object.entries(hostile)

let smtp: TestSmtpServer
let server: TestServer
beforeAll(async () => {
  smtp = await startSmtpServer()
  const named = { Id: 'eu-west-1_named', PoolName: 'named', Default: false, UsernameAttributes: [] }
  server = await startServer({
    configuration: JSON.stringify({
      UserPools: [attackedPool(), attackedPool({ ...named, AliasAttributes: ['email'] })],
    }),
    environment: { smtpUrl: smtp.url, mailFrom: 'no-reply@id.example' },
  })
})
afterAll(async () => {
  await server.stop()
  await smtp.stop()
})
afterEach(() => void smtp.received.splice(0))

/** The mail server of the tests shows domains in Unicode and in small letters; they came in ASCII. */
const inAscii = (text: string): string =>
  text.replace(/@(.*)$/, (_, domain: string) => `@${domainToASCII(domain.toLowerCase())}`)

/** To whom the mail server was told to deliver, once nothing is on its way any more. */
async function delivered(): Promise<readonly string[]> {
  await settledMail(server)
  // The envelope and the header must name the same one: readers show the one, servers follow the other.
  for (const { to, raw, parsed } of smtp.received) {
    const headers = raw.split('\r\n\r\n', 1)[0]?.match(/^(?:to|cc|bcc):.*$/gim)
    expect(headers?.map(inAscii)).toEqual([`To: ${inAscii(to[0] ?? '')}`])
    expect([parsed.to?.length, parsed.cc, parsed.bcc, to.length]).toEqual([1, undefined, undefined, 1])
  }
  return smtp.received.flatMap(({ to }) => to.map(inAscii))
}
const command = (name: string, input: object) =>
  runCommand({ ...server.services, publicUrl: server.publicUrl, region: 'eu-west-1' }, name, input)
const count = async (): Promise<number> =>
  (
    await Promise.all(
      [poolId, 'eu-west-1_named'].map((userPoolId) =>
        server.services.domain.store.users.page({ userPoolId, limit: 1000 }),
      ),
    )
  ).flat().length

describe('addresses that two readers read as two mailboxes', () => {
  test('sign nobody up', async () => {
    const before = await count()
    const byAddress = await (await visitorAt(server.publicUrl, 'email')).login.follow('Create an account')
    const named = await visitorAt(`${server.publicUrl}/eu-west-1_named`, 'email')
    const byName = await named.login.follow('Create an account')
    for (const [index, [what, address]] of rows.entries()) {
      const pages = [
        await byAddress.submit({ username: address, password: goodPassword }),
        await byName.submit({ username: `mallory${index}`, email: address, password: goodPassword }),
      ]
      expect([what, ...pages.map(({ heading }) => heading)]).toEqual([
        what,
        'Create your account',
        'Create your account',
      ])
    }
    expect(await count()).toBe(before)
    expect(await delivered()).toEqual([])
  })

  test('become nobody’s by an operator’s hand either', async () => {
    const { sub } = await haveAccount(server, { username: 'set@example.com', password: goodPassword })
    for (const [what, address] of rows) {
      const user = { userPool: poolId, password: { value: goodPassword }, permanent: true }
      const made = await command('user.create', { ...user, username: address })
      const target = { userPool: 'eu-west-1_named', username: `made-${what.length}`, password: user.password }
      const withAttribute = await command('user.create', { ...target, attributes: { email: address } })
      const set = await command('user.set-attributes', {
        userPool: poolId,
        username: sub,
        attributes: { email: address },
      })
      expect([what, made.ok, withAttribute.ok, set.ok]).toEqual([what, false, false, false])
    }
    const shown = await server.services.domain.store.users.findBySub(poolId, sub)
    expect(shown?.attributes['email']).toBe('set@example.com')
    expect(await delivered()).toEqual([])
  })

  test('get nobody’s code: one that is taken for an account’s goes to the address of the account', async () => {
    const owned = ['e@kelvin.example', 'e@victim.example', 'e@xn--mnchen-3ya.example']
    for (const username of [...owned, 'jo@victim.example', 'e@attacker.example']) {
      await haveAccount(server, { username, password: goodPassword })
    }
    const form = await (await visitorAt(server.publicUrl, 'email')).login.follow('Forgot your password?')
    for (const [what, address] of rows) {
      expect([what, (await form.submit({ username: address })).status]).toEqual([what, 200])
    }
    // Spellings of the owner's own address are the owner's (threat row A8); what was typed is never mailed to.
    expect((await delivered()).toSorted()).toEqual(owned.toSorted())
  })

  test.each(rows)('are not said to a mail server, had one been stored: %s', async (_what, recipient) => {
    const sender = createSmtpSender({ url: smtp.url, from: 'no-reply@id.example' })
    const message = { id: '1', medium: 'EMAIL', brandName: 'Shop', lang: 'en', subject: 'Code', text: '1' } as const
    const sending = sender.send({ ...message, recipient }, new AbortController().signal)
    const error: unknown = await sending.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    sender.close()
    expect(error).toBeInstanceOf(DeliveryError)
    expect((error as DeliveryError).permanent).toBe(true)
    expect(smtp.received).toEqual([])
  })
})

test.each([
  ["o’neil is not, o'neil is", "o'neil+x=y@victim.example", "o'neil+x=y@victim.example"],
  ['an international domain in its ASCII form', 'jo@MÜNCHEN.example', 'jo@xn--mnchen-3ya.example'],
  ['capitals as they were typed', 'Jo@Example.ORG', 'Jo@example.org'],
])('what is one mailbox for everybody gets its mail: %s', async (_what, typed, recipient) => {
  const form = await (await visitorAt(server.publicUrl, 'email')).login.follow('Create an account')
  const page = await form.submit({ username: typed, password: goodPassword })
  expect(page.heading).toBe('Check your messages')
  expect(await delivered()).toEqual([recipient])
})
