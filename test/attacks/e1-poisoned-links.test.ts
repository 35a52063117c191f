import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { Mail, TestServer } from '../support/server.ts'
import { goodPassword } from '../support/visitor.ts'
import { attackedPool, callerAt } from './support/attacked-pool.ts'
import { bundles, forwardingHeaders, namesAttacker } from './support/hostile-headers.ts'
import { sendRequest } from './support/raw-socket.ts'
import type { RawAnswer } from './support/raw-socket.ts'

/*
 * E1, the reset link that leads to the attacker: ZITADEL CVE-2025-64101 built it from `Forwarded` and `X-Forwarded-Host`,
 * GHSA-93m4-mfpg-c3xf from `X-Forwarded-Proto`. The attacker asks for the victim's mail with such a header; the victim
 * clicks. Here every header by which a proxy could tell a host, and the Host header itself, comes with every request that
 * sends a mail (sign-up by code and by link, another code, a forgotten password, an address that has an account), and what
 * arrives is read for links. Guards src/hosted/confirm/confirmation-origin.ts, src/app/messaging.ts and src/app/tenants.ts.
 * What else such headers change, which is nothing: f8-trusted-hosts.
 */

/** The victim's inbox, as a mail reader sees it. */
const linksIn = ({ text, html }: Mail): string[] => {
  const $ = load(html)
  const attributes = $('[href], [src], [action], [background]')
    .toArray()
    .flatMap((element) => ['href', 'src', 'action', 'background'].flatMap((name) => $(element).attr(name) ?? []))
  return [...attributes, ...(text.match(/\b[a-z][a-z+.-]*:\/\/[^\s)>]+/gi) ?? [])]
}

describe.each([
  ['on PUBLIC_URL', undefined],
  ['on a domain of the pool’s own', 'https://login.shop.test'],
])('mail that is asked for with a host of the attacker’s, %s', (_where, domain) => {
  let server: TestServer
  let origin: string
  let made = 0
  beforeAll(async () => {
    const pool = attackedPool(domain === undefined ? {} : { Domains: [domain] })
    const links = attackedPool({
      Id: 'eu-west-1_links',
      PoolName: 'links',
      Default: false,
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
    })
    server = await startServer({
      configuration: JSON.stringify({ UserPools: [pool, links] }),
    })
    origin = domain ?? server.publicUrl
    await haveAccount(server, { username: 'victim@example.com', password: goodPassword })
  })
  afterAll(() => server.stop())

  const next = (): string => `victim-${(made += 1)}@example.com`
  const cookies = new Map<string, string>()
  /** As a proxy on the pool's domain passes it on, and with the attacker's lines. */
  async function ask(url: string, lines: readonly string[], body?: Record<string, string>): Promise<RawAnswer> {
    const { host, pathname, search } = new URL(url, origin)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const options = body === undefined ? {} : { method: 'POST', body: new URLSearchParams(body).toString() }
    const head = [`Host: ${host}`, `Cookie: ${cookie}`, ...lines]
    const answer = await sendRequest(server.port, `${pathname}${search}`, head, options)
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    expect(namesAttacker(answer.text), lines.join(' | ')).toBe(false)
    return answer
  }
  /** Follows redirects of ours with the same lines. */
  async function open(url: string, lines: readonly string[]): Promise<{ url: string; answer: RawAnswer }> {
    let [at, answer] = [url, await ask(url, lines)]
    for (let location = answer.headers.get('location'); location !== null; location = answer.headers.get('location')) {
      expect(new URL(location, origin).origin).toBe(origin)
      at = location
      answer = await ask(at, lines)
    }
    return { url: at, answer }
  }
  async function fillIn(url: string, lines: readonly string[], fields: Record<string, string>, button?: string) {
    const { answer } = await open(url, lines)
    const $ = load(answer.text.slice(answer.text.indexOf('\r\n\r\n')))
    const form = $('form')
      .toArray()
      .find((one) => button === undefined || $(one).find('button').text().includes(button))
    const hidden = $(form)
      .find('input[type=hidden]')
      .toArray()
      .map((input): [string, string] => [$(input).attr('name') ?? '', $(input).attr('value') ?? ''])
    const posted = await ask($(form).attr('action') ?? url, lines, { ...Object.fromEntries(hidden), ...fields })
    expect(posted.status, posted.text).toBe(303)
    return posted.headers.get('location') ?? ''
  }
  const requestAt = async (base = ''): Promise<string> => {
    const { request } = await callerAt(server.publicUrl)
    return `${base}/oauth2/authorize?${new URL(request.url).searchParams.toString()}`
  }
  const mailTo = async (address: string, number = 1): Promise<readonly Mail[]> => {
    const arrived = async () => (await server.mail()).filter(({ to }) => to === address)
    await expect.poll(async () => (await arrived()).length, { timeout: 15_000 }).toBeGreaterThanOrEqual(number)
    return arrived()
  }
  const leadHome = (mails: readonly Mail[], allowed: readonly string[]): void => {
    for (const mail of mails) {
      expect(namesAttacker(mail.text + mail.html + mail.subject)).toBe(false)
      for (const link of linksIn(mail)) expect(allowed).toContain(new URL(link).origin)
    }
  }
  const app = 'https://app.example'
  const attacks = bundles(forwardingHeaders)

  test('there is something to poison, and the attacker’s headers are there', () => {
    expect(attacks.flat().length).toBeGreaterThan(50)
    expect(attacks.flat().filter(namesAttacker).length).toBeGreaterThan(20)
  })

  test('a forgotten password', async () => {
    for (const lines of attacks) {
      const before = (await server.mail()).length
      const { url } = await open(await requestAt(), lines)
      await fillIn(url.replace('/login?', '/forgotPassword?'), lines, { username: 'victim@example.com' })
      // Within the cool-down it is the first mail that counts.
      const mails = await mailTo('victim@example.com')
      leadHome(mails, [origin, app])
      expect(mails.at(-1)?.text).toContain(`${origin}/resetLink?`)
      expect((await server.mail()).length).toBeGreaterThanOrEqual(before)
    }
  })

  test('a sign-up by code, and another code', async () => {
    for (const lines of attacks) {
      const address = next()
      const { url } = await open(await requestAt(), lines)
      const typed = { username: address, password: goodPassword }
      const waiting = await fillIn(url.replace('/login?', '/signup?'), lines, typed)
      leadHome(await mailTo(address), [origin, app])
      await fillIn(waiting, lines, {}, 'new code')
    }
  })

  test('a sign-up with an address that has an account', async () => {
    const lines = attacks[0] ?? []
    const before = (await mailTo('victim@example.com')).length
    const { url } = await open(await requestAt(), lines)
    await fillIn(url.replace('/login?', '/signup?'), lines, { username: 'victim@example.com', password: goodPassword })
    leadHome(await mailTo('victim@example.com', before + 1), [origin, app])
  })

  if (domain === undefined) {
    test('a sign-up by link: the link itself', async () => {
      for (const lines of attacks) {
        const address = next()
        const { url } = await open(await requestAt('/eu-west-1_links'), lines)
        await fillIn(url.replace('/login?', '/signup?'), lines, { username: address, password: goodPassword })
        const mails = await mailTo(address)
        leadHome(mails, [origin, app])
        const link = new URL(linksIn(mails[0]!).find((one) => one.includes('/confirmUser')) ?? '')
        expect(`${link.origin}${link.pathname}`).toBe(`${server.publicUrl}/eu-west-1_links/confirmUser`)
      }
    })
  }

  test.each([
    'evil.example',
    'evil.example:443',
    'localhost.evil.example',
    'localhost@evil.example',
    'evil.example@localhost',
    'localhost:80@evil.example',
    'localhost%00.evil.example',
    'localhost#evil.example',
    'localhost/evil.example',
    'localhost\\evil.example',
    'localhost, evil.example',
    'localhost evil.example',
  ])('a Host header of %s sends no mail at all', async (host) => {
    const before = await server.mail()
    const { url } = await open(await requestAt(), [])
    const body = new URLSearchParams({ username: 'victim@example.com' }).toString()
    const target = url.replace('/login?', '/forgotPassword?')
    for (const lines of [[`Host: ${host}`], [`Host: ${new URL(origin).host}`, `Host: ${host}`]]) {
      const { status, headers, text } = await sendRequest(server.port, target, lines, { method: 'POST', body })
      expect([400, 421]).toContain(status)
      expect(headers.get('location')).toBeNull()
      expect(namesAttacker(text)).toBe(false)
    }
    expect(await server.mail()).toEqual(before)
  })
})
