import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createViewEngine } from '../../src/platform/views/view-engine.ts'
import { haveAccount } from '../support/accounts.ts'
import { startServer, withoutLinks } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import { attackedPool, poolId } from './support/attacked-pool.ts'

/*
 * Threat row E9: a value that the server's own templates would run (the class of server-side template injection). What a
 * person or a tenant wrote is printed, never parsed; and should a template be a tenant's, it reaches no prototype, no file
 * and no endless loop. Guards src/messaging/email/cognito-template.ts, src/platform/views/view-engine.ts and
 * src/platform/views/message-catalogue.ts.
 */

/** Whatever is evaluated shows 49, source text, a file, or is not there any more. */
const expressions = [
  '{{constructor.constructor("return(7*7)")()}}',
  '{{7|times:7}}',
  '{{__proto__.toString}}',
  "{%include'/etc/passwd'%}",
  "{%render'layouts/page'%}",
  '{%raw%}{{7|times:7}}',
  '{%comment%}',
  '{{-t.body-}}',
  '{####}',
  '{##a##}',
  '{username}',
  '{brand}',
  '{duration,plural,other{49}}',
  "'{'quoted'}'",
  '${7*7}#{7*7}<%=7*7%>',
  '$&$1$`',
]
const everything = expressions.join('')
const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf']

const clients = (ClientName: string): object[] =>
  ['email', 'partner'].map((ClientId) => ({
    ClientId,
    ClientName: ClientName.slice(0, 100),
    ThirdParty: ClientId === 'partner',
    CallbackURLs: [callback],
    AllowedOAuthScopes: ['openid', 'email', 'profile', 'api/read'],
  }))
const ResourceServers = [
  {
    Identifier: 'api',
    Name: everything.slice(0, 256),
    Scopes: [{ ScopeName: 'read', ScopeDescription: everything.slice(0, 250) }],
  },
]
const configuration = JSON.stringify({
  UserPools: [
    attackedPool({
      UsernameAttributes: [],
      AliasAttributes: ['email'],
      Branding: { Name: everything.slice(0, 80) },
      VerificationMessageTemplate: {
        EmailSubject: `{{7|times:7}} {username} ${'{{brand.name}}'} {%assign x=49%}{{x}} {constructor}`,
        EmailMessage: `<p>${expressions.filter((text) => !text.includes('{##') && !text.includes('{u')).join('')}</p><p>{username}: {####}</p>`,
      },
      ResourceServers,
      Clients: clients(everything),
    }),
    attackedPool({
      ...{ Id: 'eu-west-1_ours', PoolName: 'ours', Default: false, Branding: { Name: everything.slice(80, 160) } },
      ResourceServers,
      Clients: clients('{{7|times:7}}'),
    }),
  ],
})

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

/** Without what holds a 49 by itself: the pattern that was written, what a link has sealed, an error page's reference. */
const output = (text: string): string =>
  withoutLinks(text).replaceAll(/other\{49\}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '')
const ran = /(?<![\d*])49(?!\d)|\[native code\]|function \w*\(|\[object|root:x?:|process\b/

describe('a value that is written like a template', () => {
  test.each([...expressions, ...names])('is a user’s name, and text: %s', async (username) => {
    const form = await (await visitorAt(server.publicUrl, 'email')).login.follow('Create an account')
    const email = `user-${[...expressions, ...names].indexOf(username)}@example.com`
    const waiting = await form.submit({ username, email, password: goodPassword })
    expect(waiting.heading).toBe('Check your messages')
    const code = await server.codeFor(email)
    const mail = (await server.mail()).find(({ to }) => to === email)
    expect(mail?.text).toContain(`${username}: ${code}`)
    expect(mail?.subject).toBe(
      `{{7|times:7}} ${username} {{brand.name}} {%assign x=49%}{{x}} {constructor}`.replaceAll(/\s+/g, ' '),
    )
    expect(mail?.text).toContain('{{7|times:7}}')
    expect(output(mail?.text ?? '')).not.toMatch(ran)
    expect(whereItIs(await waiting.submit({ code }))).toBe('the app')
    const again = await visitorAt(server.publicUrl, 'email')
    const refused = await again.login.submit({ username, password: 'Wrong-password-1' })
    expect(refused.field('username')).toBe(username)
  })

  test('is an attribute, a client’s, a scope’s and a pool’s name, and text on the pages', async () => {
    const account = { username: 'plain', password: goodPassword }
    await haveAccount(server, {
      ...{ ...account, userPoolId: poolId },
      attributes: { name: everything, email: 'plain@example.com', email_verified: 'true' },
    })
    const parameters = { scope: 'openid profile api/read', state: everything }
    const visitor = await visitorAt(server.publicUrl, 'partner', { parameters })
    const consent = await visitor.login.submit(account)
    expect(consent.text).toContain(everything.slice(0, 100))
    expect(consent.text).toContain(everything.slice(0, 250))
    expect(output(`${visitor.login.text}${consent.text}`)).not.toMatch(ran)
    const app = await consent.submit({ answer: 'allow' })
    expect(app.url.searchParams.get('state')).toBe(everything)
  })

  test('is a brand’s name in our own texts, and text in every mail', async () => {
    const base = `${server.publicUrl}/eu-west-1_ours`
    const { login } = await visitorAt(base, 'email')
    const form = await login.follow('Create an account')
    await form.submit({ username: 'ours@example.com', password: goodPassword })
    await haveAccount(server, { username: 'has@example.com', password: goodPassword, userPoolId: 'eu-west-1_ours' })
    await form.submit({ username: 'has@example.com', password: goodPassword })
    await (await login.follow('Forgot your password?')).submit({ username: 'has@example.com' })
    const mails = (await settledMail(server)).filter(({ to }) => /^(ours|has)@/.test(to))
    expect(mails).toHaveLength(3)
    for (const { text, subject } of mails) {
      expect(`${subject}\n${text}`).toContain(everything.slice(80, 160))
      expect(output(text)).not.toMatch(ran)
    }
  })

  test('is a language, a parameter or a path, and chooses no view', async () => {
    const { visit } = await visitorAt(server.publicUrl, 'email')
    for (const value of [...expressions, ...names, '../../package', 'pages/login', '/etc/passwd']) {
      const query = new URLSearchParams({ client_id: 'email', lang: value, error: value, flow: value, choose: value })
      for (const path of ['/login', '/signup', '/confirmUser', `/assets/${encodeURIComponent(value)}`, '/error']) {
        const page = await visit(`${path}?${query.toString()}`)
        expect([path, value, page.status < 500]).toEqual([path, value, true])
        expect(output(page.text)).not.toMatch(ran)
      }
    }
  })
})

describe('a template that a tenant might write', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'templates-'))
  })
  afterEach(() => rm(join(folder, 'views'), { recursive: true, force: true }))
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function shown(template: string, context: object): Promise<string> {
    const views = join(folder, 'views')
    for (const [name, text] of Object.entries({ 'pages/own.liquid': template, 'pages/part.liquid': 'part' })) {
      await mkdir(dirname(join(views, name)), { recursive: true })
      await writeFile(join(views, name), text)
    }
    await writeFile(join(folder, 'outside.liquid'), 'outside of the views')
    // Not one of ours: its name and what it is given are the tenant's.
    return createViewEngine(views).render('pages/own' as 'pages/login', context as never)
  }
  class Session {
    own = 'own'
    get secret(): string {
      return 'a getter of the class'
    }
    method(): string {
      return 'a method of the class'
    }
  }

  test('reads own members of what it is given, and nothing behind them', async () => {
    const context = { session: new Session(), list: ['a'], text: 'b', call: () => 'called' }
    const template = ['session.own', 'session.secret', 'session.method', 'session.constructor', 'session.__proto__']
      .concat(
        'constructor',
        'text.constructor',
        'list.constructor.constructor',
        'call.constructor',
        '__proto__.toString',
      )
      .map((path) => `[{{ ${path} }}]`)
      .join('')
    const [first, ...rest] = (await shown(template, context)).split(/(?<=\])/)
    expect(first).toBe('[own]')
    expect(rest.join('')).not.toMatch(/class|function|native|Object|Session/)
  })

  test.each([
    "{% include '../outside' %}",
    "{% include '/etc/passwd' %}",
    "{% render '../outside' %}",
    "{% layout '../outside' %}",
    '{% include file %}',
    '{% render constructor %}',
    "{% include 'constructor' %}",
    "{% include '__proto__' %}",
  ])('includes no file: %s', async (template) => {
    const file = join(folder, 'outside')
    await expect(shown(template, { file, text: 'x' })).rejects.toThrow()
  })

  test('includes what is a view, so that the above fails for the right reason', async () => {
    expect(await shown("{% include 'pages/part' %}", {})).toBe('part')
  })

  test.each([
    ['a loop', '{% for i in (1..100000000) %}{{ i }}{% endfor %}'],
    ['loops in loops', `${'{% for i in (1..1000) %}'.repeat(4)}x${'{% endfor %}'.repeat(4)}`],
    ['a text that doubles', '{% assign x = "x" %}{% for i in (1..100) %}{% assign x = x | append: x %}{% endfor %}'],
    ['itself', "{% include 'pages/own' %}"],
    ['more than can be parsed', '{{ x }}'.repeat(40_000)],
  ])('cannot hold the server with %s', async (_what, template) => {
    await expect(shown(template, {})).rejects.toThrow()
  })
})
