import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { Mail, TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'
import { attackedPool } from './support/attacked-pool.ts'

/*
 * Threat row E10: scanners of mail open every link before its reader does, by several programs and more than once, follow
 * where it leads and load what the page holds. None of that may use a link up, confirm anybody, send another mail or sign
 * anybody in; then the reader's own click works. Guards the GET of src/hosted/confirm/confirm-user.routes.ts, which changes
 * nothing, and views/pages/confirm-user.liquid, whose form nobody sends but a person.
 */

const linkPool = (more: object = {}): object =>
  attackedPool({ VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK', ...more } })
const own = { EmailSubjectByLink: 'Welcome', EmailMessageByLink: '<p><b>Hello</b> {##Click &amp; confirm##}</p>' }
const links = { Id: 'eu-west-1_own', PoolName: 'own', Default: false }

let server: TestServer
beforeAll(async () => {
  server = await startServer({
    configuration: JSON.stringify({ UserPools: [linkPool(), { ...linkPool(own), ...links }] }),
  })
})
afterAll(() => server.stop())

const scanners = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36',
  'BarracudaCentral/1.0',
  'Mozilla/5.0 (compatible; Microsoft Office Protocol Discovery)',
  'facebookexternalhit/1.1',
  '',
]
const methods = ['HEAD', 'OPTIONS', 'GET', 'GET', 'HEAD', 'PROPFIND']

/** Every address that a mail names, as text or as markup, also as scanners mistake them. */
function addressesIn({ html, text }: Mail): string[] {
  const $ = load(html)
  const marked = $('[href], [src]')
    .toArray()
    .flatMap((element) => [$(element).attr('href') ?? [], $(element).attr('src') ?? []].flat())
  const written = text.match(/https?:\/\/[^\s<>)]+/g) ?? []
  const found = [...new Set([...marked, ...written])].filter((address) => address.startsWith(server.publicUrl))
  return found.flatMap((address) => [
    address,
    address.replaceAll('&', '&amp;'),
    `${address}&utm_source=x`,
    `${address}#x`,
  ])
}

/** As a scanner does: with every method, without cookies and with those that it is given, and what the page refers to. */
async function scan(mail: Mail): Promise<number> {
  let opened = 0
  for (const agentName of scanners) {
    const agent = createUserAgent(server.publicUrl, {
      'user-agent': agentName,
      'sec-purpose': 'prefetch;prerender',
      'x-purpose': 'preview',
    })
    for (const address of addressesIn(mail)) {
      for (const method of methods) {
        const answer = await agent.request(address, { method })
        expect([method, answer.status < 500]).toEqual([method, true])
        const $ = load(await answer.text())
        const within = $('a[href], link[href], script[src], img[src]').toArray()
        const led = within.flatMap((element) => $(element).attr('href') ?? $(element).attr('src') ?? [])
        for (const next of [answer.headers.get('location') ?? [], led].flat()) {
          const url = new URL(next, address)
          if (url.origin === server.publicUrl) await (await agent.request(url.href)).text()
        }
        opened += 1
      }
    }
  }
  return opened
}

const bases = (): [string, string][] => [
  [server.publicUrl, 'eu-west-1_email'],
  [`${server.publicUrl}/eu-west-1_own`, 'eu-west-1_own'],
]
const statusOf = async (userPoolId: string, address: string): Promise<string | undefined> =>
  (await server.services.domain.store.users.findByIdentifier(userPoolId, address))?.status
const mailTo = async (address: string): Promise<readonly Mail[]> =>
  (await settledMail(server)).filter(({ to }) => to === address)
async function signsUp(base: string, username: string): Promise<Visitor> {
  const visitor = await visitorAt(base, 'email')
  const page = await (await visitor.login.follow('Create an account')).submit({ username, password: goodPassword })
  expect(page.heading).toBe('Check your messages')
  return visitor
}
const linkIn = (mail: Mail | undefined): string => /https?:\S+\/confirmUser\?[^\s)]+/.exec(mail?.text ?? '')?.[0] ?? ''

describe('scanners that open the link of a sign-up before its owner does', () => {
  test.each([0, 1])('use nothing up: the owner’s own click works, in the same browser (pool %i)', async (index) => {
    const [base, userPoolId] = bases()[index]!
    const address = `same-${index}@example.com`
    const visitor = await signsUp(base, address)
    const [mail, ...more] = await mailTo(address)
    expect(more).toEqual([])
    expect(await scan(mail!)).toBeGreaterThan(50)
    expect(await statusOf(userPoolId, address)).toBe('UNCONFIRMED')
    expect(await mailTo(address)).toHaveLength(1)
    const page = await visitor.visit(linkIn(mail))
    expect(page.heading).toBe('Confirm your account')
    expect(whereItIs(await page.submit({}))).toBe('the app')
    expect(await statusOf(userPoolId, address)).toBe('CONFIRMED')
    // Those who come late change nothing either.
    await scan(mail!)
    const app = await (await visitorAt(base, 'email')).login.submit({ username: address, password: goodPassword })
    expect(whereItIs(app)).toBe('the app')
  })

  test('nor in another browser, where the password is asked for, and was not by them', async () => {
    const [base, userPoolId] = bases()[0]!
    await signsUp(base, 'other@example.com')
    const [mail] = await mailTo('other@example.com')
    await scan(mail!)
    const page = await createUserAgent(server.publicUrl).visit(linkIn(mail))
    expect((await page.submit({ password: goodPassword })).heading).toBe('Your account is confirmed')
    expect(await statusOf(userPoolId, 'other@example.com')).toBe('CONFIRMED')
  })

  test('nor of another link that is asked for, and the one that it replaced stays what it was', async () => {
    const [base] = bases()[0]!
    const visitor = await signsUp(base, 'twice@example.com')
    const [first] = await mailTo('twice@example.com')
    await scan(first!)
    const [again] = await mailTo('twice@example.com')
    expect(again).toEqual(first)
    const page = await visitor.visit(linkIn(again))
    expect(whereItIs(await page.submit({}))).toBe('the app')
  })
})

describe('scanners that open the links of every other mail', () => {
  test('sign nobody in, spend no code and send no mail', async () => {
    const [base] = bases()[0]!
    const username = 'has@example.com'
    await haveAccount(server, { username, password: goodPassword })
    await signsUp(base, username) // tells the owner that there is an account
    const reset = await (
      await (await visitorAt(base, 'email')).login.follow('Forgot your password?')
    ).submit({ username })
    const mails = await mailTo(username)
    expect(mails).toHaveLength(2)
    for (const mail of mails) await scan(mail)
    expect(await mailTo(username)).toHaveLength(2)
    const code = mails.flatMap(({ text }) => /\b\d{6}\b/.exec(text)?.[0] ?? [])[0] ?? ''
    expect(whereItIs(await reset.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
  })
})
