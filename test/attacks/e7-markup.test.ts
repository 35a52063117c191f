import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLatchkey } from '../cli/latchkey.ts'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'
import { attackedPool } from './support/attacked-pool.ts'

/*
 * Threat row E7: a name with markup in it, which the mails of ZITADEL (CVE-2024-41953) showed as such to whoever read them.
 * Whatever people, apps and operators call themselves comes with markup through every page, every mail, the development
 * mailbox and the command line. Guards src/platform/views/view-engine.ts, src/messaging/email/render-email.ts,
 * src/app/development-routes.ts and src/cli/printable.ts. (test/domain/views.test.ts renders every view by itself.)
 */

/** Without blanks, so that it may be a user name; out of an attribute, a title and a text. */
const hostile = `"'></title></textarea><evil-tag>x</evil-tag><script>alert(1)</script><img/src=x/onerror=alert(1)>&lt;`
/** As much of it as the shortest place takes. */
const short = hostile.slice(0, 80)

const configuration = JSON.stringify({
  UserPools: [
    attackedPool({
      PoolName: short,
      UsernameAttributes: [],
      AliasAttributes: ['email'],
      Schema: [
        { Name: 'email', Required: true },
        { Name: 'name', Required: true },
      ],
      Branding: { Name: short },
      VerificationMessageTemplate: {
        EmailSubject: 'For {username}',
        EmailMessage: '<p id="own">Dear <b>{username}</b>: {####}</p>',
      },
      ResourceServers: [
        { Identifier: 'api', Name: hostile, Scopes: [{ ScopeName: 'read', ScopeDescription: hostile }] },
      ],
      Clients: ['email', 'partner'].map((ClientId) => ({
        ClientId,
        ClientName: short,
        ThirdParty: ClientId === 'partner',
        CallbackURLs: [callback],
        LogoutURLs: ['https://app.example/'],
        AllowedOAuthScopes: ['openid', 'email', 'profile', 'api/read'],
      })),
    }),
    // Our own texts, with nothing of the pool's but its name.
    attackedPool({ Id: 'eu-west-1_ours', PoolName: 'ours', Default: false, Branding: { Name: short } }),
    attackedPool({
      Id: 'eu-west-1_links',
      PoolName: 'links',
      Default: false,
      Branding: { Name: short },
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
    }),
  ],
})

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

/** As a browser takes it: it has none of the markup. @returns all that it shows or holds, with entities resolved */
function heldBy(html: string, where: string): string {
  const $ = load(html)
  expect([where, $('evil-tag, img[src="x"], [onerror], script:not([src])').length]).toEqual([where, 0])
  const values = $('*')
    .toArray()
    .flatMap((element) => Object.values($(element).attr() ?? {}))
  return [$.root().text(), ...values].join('\n')
}
/** It is there, as text. */
function shows(html: string, what: string, where: string): void {
  expect([where, heldBy(html, where).includes(what)]).toEqual([where, true])
}

const at = (pool = '', more: Record<string, string> = {}, clientId = 'email', browser?: Visitor): Promise<Visitor> =>
  visitorAt(pool === '' ? server.publicUrl : `${server.publicUrl}/eu-west-1_${pool}`, clientId, {
    parameters: { scope: 'openid email profile api/read', ...more },
    ...(browser === undefined ? {} : { browser }),
  })

describe('names with markup in them', () => {
  test('are text on the pages of a sign-up, a sign-in and a reset', async () => {
    const visitor = await at()
    shows(visitor.login.html, short, 'the sign-in page')
    const form = await visitor.login.follow('Create an account')
    const wrong = await form.submit({ username: hostile, name: hostile, email: hostile, password: hostile })
    shows(wrong.html, hostile, 'the sign-up page again')
    const typed = { username: hostile, name: hostile, email: 'eve@example.com', password: goodPassword }
    const waiting = await form.submit(typed)
    expect(waiting.heading).toBe('Check your messages')
    shows(waiting.html, short, 'the page for a code')
    shows((await waiting.submit({ code: hostile })).html, short, 'the page for a code, with a wrong one')
    expect(whereItIs(await waiting.submit({ code: await server.codeFor('eve@example.com') }))).toBe('the app')
    const chosen = await at('', { prompt: 'select_account' }, 'email', visitor)
    shows(chosen.login.html, hostile, 'the account to choose')
    const hinted = await at('', { login_hint: hostile, prompt: 'login' })
    shows(hinted.login.html, hostile, 'a hint')
    const refused = await hinted.login.submit({ username: hostile, password: 'Wrong-password-1' })
    shows(refused.html, hostile, 'a wrong password')
    const reset = await (await hinted.login.follow('Forgot your password?')).submit({ username: hostile })
    shows(reset.html, hostile, 'the reset')
  })

  test('are text where an app asks for consent, and where it is answered by form', async () => {
    const account = { username: `${hostile}2`, password: goodPassword }
    await haveAccount(server, {
      ...account,
      attributes: { name: hostile, email: 'con@example.com', email_verified: 'true' },
    })
    const consent = await (await at('', {}, 'partner')).login.submit(account)
    for (const what of [short, hostile, account.username]) shows(consent.html, what, 'the consent')
    const answered = await (await at('', { response_mode: 'form_post', state: hostile })).login.submit(account)
    shows(answered.html, hostile, 'the answer by form')
    const silent = await at('', { response_mode: 'form_post', prompt: 'none', state: hostile })
    shows(silent.login.html, hostile, 'the error by form')
  })

  test('are text on error pages, whatever the address holds', async () => {
    const query = new URLSearchParams({ client_id: hostile, error: hostile, error_description: hostile, lang: hostile })
    const agent = createUserAgent(server.publicUrl)
    for (const path of ['/oauth2/authorize', '/login', '/logout', '/confirmUser', '/nowhere', '/error']) {
      heldBy((await agent.visit(`${path}?${query.toString()}`)).html, path)
      heldBy((await agent.visit(`${path}/${encodeURIComponent(hostile)}`)).html, path)
      const posted = await agent.visit(path, {
        method: 'POST',
        body: new URLSearchParams({ flow: hostile, _csrf: hostile }),
      })
      heldBy(posted.html, path)
    }
  })

  test('are text in every mail and in the development mailbox', async () => {
    for (const pool of ['ours', 'links']) {
      const visitor = await at(pool, { scope: 'openid' })
      const form = await visitor.login.follow('Create an account')
      await form.submit({ username: `${pool}@example.com`, password: goodPassword })
      await haveAccount(server, {
        ...{ username: `has-${pool}@example.com`, password: goodPassword, userPoolId: `eu-west-1_${pool}` },
        attributes: { name: hostile },
      })
      await form.submit({ username: `has-${pool}@example.com`, password: goodPassword })
      await (await visitor.login.follow('Forgot your password?')).submit({ username: `has-${pool}@example.com` })
    }
    const mails = await settledMail(server)
    const subjects = mails.map(({ subject }) => subject)
    expect(subjects.length).toBeGreaterThanOrEqual(7)
    const agent = createUserAgent(server.publicUrl)
    const mailbox = await agent.visit('/dev/mail')
    for (const subject of subjects) shows(mailbox.html, subject, 'the mailbox')
    for (const { id, subject, html, text } of mails) {
      heldBy(html, subject)
      shows((await agent.visit(`/dev/mail/${id}`)).html, subject, `the mailbox’s ${subject}`)
      const part = await agent.visit(`/dev/mail/${id}/html`)
      heldBy(part.html, subject)
      expect(part.headers.get('content-security-policy')).toMatch(/default-src 'none'.*; sandbox;/)
      // What people read as text is what it says, not how it would be written in HTML.
      expect(text).not.toMatch(/&(gt|quot|#39);/)
    }
    const own = mails.find(({ to, subject }) => to === 'eve@example.com' && subject.startsWith('For '))
    expect(load(own?.html ?? '')('#own b').text()).toBe(hostile)
    expect(own?.subject).toBe(`For ${hostile}`)
    expect(own?.text).toContain(`Dear ${hostile}: `)
  })
})

test('what would move the cursor, or turn the writing round, is shown as what it is on the command line', async () => {
  const latchkey = await createLatchkey({ LATCHKEY_DEV: '0' })
  try {
    await writeFile(join(latchkey.folder, 'latchkey.yaml'), 'UserPools: [{ PoolName: named }]')
    await latchkey.serve()
    const disguised = 'ada\u202Enimda\u2066\u200B\u{E0041}'
    const create = ['user', 'create', 'ada', '--generate-password', '--attribute', `name=${disguised}`]
    const outcomes = [
      await latchkey.run([...create, '--attribute', 'nickname=\u009B2J']),
      await latchkey.run(create),
      await latchkey.run(['user', 'show', 'ada']),
      await latchkey.run(['user', 'show', `${disguised}\u001B[2J`]),
    ]
    const said = outcomes.map(({ stdout, stderr }) => stdout + stderr)
    for (const text of said) expect(text).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}\u0000-\u0009\u000B-\u001F\u007F-\u009F]/u)
    expect(said[2]).toContain('\\u202enimda\\u2066')
    expect(outcomes.map(({ status }) => status)).toEqual([4, 0, 0, 3])
  } finally {
    await latchkey.remove()
  }
}, 180_000)
