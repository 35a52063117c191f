import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { formTarget } from '../../src/security/page-headers.ts'
import { rawRequest } from '../conformance/raw-request.ts'
import { haveAccount } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'

/*
 * Threat row C12: ZITADEL followed `post_logout_redirect_uri=javascript:…` and kept such a default redirect; Casdoor sent
 * people anywhere after signing out. Every place that makes a link, a form, an image or a redirect, asked to make a hostile
 * one. Guards src/hosted/logout/logout.routes.ts, src/domain/app-clients/{redirect-uri,app-home}.ts,
 * src/domain/user-pools/{user-pool-settings,terms}.ts and src/app/server-application.ts. (conformance/redirect-uris.test.ts
 * has the near misses of what is registered.)
 */

const callback = 'https://app.example/callback'
const home = 'https://app.example/home'
const terms = 'https://app.example/terms'
const logo = 'https://cdn.example/logo.svg'
const own = { CallbackURLs: [callback], LogoutURLs: [home], AllowedOAuthScopes: ['openid', 'email'] }
const configuration = JSON.stringify({
  UserPools: [
    {
      ...{ Id: 'eu-west-1_leads', PoolName: 'leads', Default: true, UsernameAttributes: ['email'] },
      ...{ AutoVerifiedAttributes: ['email'], Terms: { TermsOfUse: terms, PrivacyPolicy: terms } },
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
      Branding: { LogoUrl: logo },
      Clients: [
        { ClientId: 'web', ...own },
        { ClientId: 'partner', ThirdParty: true, ...own },
        { ClientId: 'native', CallbackURLs: ['myapp://callback'], LogoutURLs: ['myapp://out'] },
      ],
    },
  ],
})
const registered = new Set([callback, home, terms, logo, 'https://app.example/', 'myapp://callback', 'myapp://out'])

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

const hostile = [
  ...[
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    ' javascript:alert(1)',
    '\u0001javascript:x',
  ],
  ...[
    'javascript://app.example/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'blob:https://x/y',
  ],
  ...[
    'https://evil.example/',
    '//evil.example/',
    '\\\\evil.example\\',
    '/\\evil.example',
    '/\t/evil.example',
    '///evil.example',
  ],
  ...['https:evil.example', 'https://app.example@evil.example/', 'https://app.example.evil.example/', '.evil.example'],
  ...[
    '"><a href="https://evil.example/">',
    "'-alert(1)-'",
    '{{constructor}}',
    '%0d%0aLocation:%20https://evil.example/',
  ],
  ...['https://evil.example/\r\nSet-Cookie: x=y', 'file:///etc/passwd', 'myapp://out@evil', 'view-source:https://x/'],
]

/** Everything to which a browser could go, or be sent, from an answer of ours. */
function targets(html: string, headers: Headers): readonly string[] {
  const $ = load(html)
  const found = ['href', 'src', 'action', 'formaction', 'data', 'poster', 'srcset', 'xlink:href'].flatMap((name) =>
    $(`[${name.replace(':', '\\:')}]`)
      .toArray()
      .map((element) => $(element).attr(name) ?? ''),
  )
  const refresh = $('meta[http-equiv]')
    .toArray()
    .map((element) => $(element).attr('content') ?? 'meta')
  const scripts = $('script:not([src])')
    .toArray()
    .map((element) => $(element).text())
  const sent = ['location', 'refresh', 'link', 'content-location'].flatMap((name) => headers.get(name) ?? [])
  return [...found, ...refresh, ...scripts, ...sent]
}

/** Ours, or one that the operator has registered, to the letter. */
function leadsSomewhereKnown(target: string): boolean {
  if (registered.has(target)) return true
  // A path of our own: one slash, and nothing that a browser would read as two.
  if (/^\/(?![/\\\t\n\r])/.test(target)) return new URL(target, server.publicUrl).origin === server.publicUrl
  if (target.startsWith(`${server.publicUrl}/`) || target === '') return true
  return [callback, home].some(
    (uri) => target.startsWith(`${uri}?`) && new URL(target).origin === 'https://app.example',
  )
}

function expectKnown(what: unknown, html: string, headers: Headers): void {
  expect([what, targets(html, headers).filter((target) => !leadsSomewhereKnown(target))]).toEqual([what, []])
  expect([what, headers.get('set-cookie')?.includes('x=y') ?? false]).toEqual([what, false])
  const policy = headers.get('content-security-policy')?.replace(/'nonce-[^']+'/, '') ?? ''
  expect([what, /evil|javascript:|unsafe/.test(policy)]).toEqual([what, false])
}

const parameters = [
  ...[
    'redirect_uri',
    'logout_uri',
    'post_logout_redirect_uri',
    'state',
    'client_id',
    'flow',
    'lang',
    'notice',
    'cookie',
  ],
  ...[
    'returnTo',
    'return_to',
    'redirect',
    'next',
    'url',
    'continue',
    'target',
    'RelayState',
    'error',
    'choose',
    'user_name',
  ],
]

describe('an address with a hostile parameter', () => {
  const pages = [
    ...[
      '/',
      '/login',
      '/signup',
      '/forgotPassword',
      '/resetPassword',
      '/confirm',
      '/confirmUser',
      '/consent',
      '/logout',
    ],
    ...[
      '/selectAccount',
      '/changePassword',
      '/error',
      '/nowhere',
      '/oauth2/authorize',
      '/oauth2/authorize/x',
      '/resendcode',
    ],
    ...['/.well-known/openid-configuration', '/oauth2/userInfo', '/dev/mail', '/assets/x'],
  ]
  test.each(pages)('%s leads nowhere but home', async (path) => {
    const agent = createUserAgent(server.publicUrl)
    // Four of the words for each parameter, others at every page.
    for (const [index, name] of parameters.entries()) {
      const words = hostile.filter((_word, at) => (at + index + path.length) % Math.floor(hostile.length / 4) === 0)
      for (const value of words) {
        const query = new URLSearchParams({ client_id: 'web', [name]: value })
        const response = await agent.request(`${server.publicUrl}${path}?${query.toString()}`)
        expectKnown([name, value], await response.text(), response.headers)
      }
    }
  })
})

describe('signing out', () => {
  test('goes to a hostile address in no way, and does not sign out on the way there', async () => {
    const agent = createUserAgent(server.publicUrl)
    const account = { username: 'ana@example.com', password: goodPassword }
    await haveAccount(server, account)
    const { url } = authorizationRequest(server.publicUrl, { client_id: 'web', redirect_uri: callback })
    await (await agent.visit(url)).submit(account)
    for (const value of hostile) {
      for (const name of ['logout_uri', 'post_logout_redirect_uri', 'redirect_uri']) {
        for (const more of [{}, { client_id: 'web' }, { client_id: 'native' }, { client_id: 'web', state: 'x' }]) {
          const query = new URLSearchParams({ ...more, [name]: value })
          for (const init of [undefined, { method: 'POST', body: query }]) {
            const address = init === undefined ? `/logout?${query.toString()}` : '/logout'
            const page = await agent.request(`${server.publicUrl}${address}`, init)
            expect([name, value, page.status]).toEqual([name, value, 400])
            expectKnown([name, value], await page.text(), page.headers)
          }
        }
      }
    }
    expect(whereItIs(await agent.visit(url)).startsWith('the app')).toBe(true)
  })

  test('carries a hostile state, and nothing more comes of it', async () => {
    for (const state of hostile) {
      const query = new URLSearchParams({ client_id: 'web', logout_uri: home, state })
      const response = await fetch(`${server.publicUrl}/logout?${query.toString()}`, { redirect: 'manual' })
      const target = new URL(response.headers.get('location') ?? '')
      expect([target.origin + target.pathname, target.searchParams.get('state')]).toEqual([home, state])
      expect([...target.searchParams.keys(), target.hash]).toEqual(['state', ''])
    }
  })
})

describe('every page of a sign-in that was asked for with hostile words', () => {
  async function walk(agent: UserAgent, word: string): Promise<void> {
    const seen = async (what: string, path: string, init?: RequestInit) => {
      const response = await agent.request(new URL(path, server.publicUrl).href, init)
      expectKnown([what, word], await response.text(), response.headers)
    }
    const request = authorizationRequest(server.publicUrl, {
      ...{ client_id: 'web', redirect_uri: callback, state: word, nonce: word, login_hint: word, ui_locales: word },
      ...{ lang: word, acr_values: word, display: word, screen_hint: word },
    })
    const login = await agent.visit(request.url)
    expect(login.heading).toBe('Sign in')
    const { search } = login.url
    for (const path of ['/login', '/signup', '/forgotPassword']) {
      await seen(path, `${path}${search}`)
      const form = { _csrf: login.field('_csrf') ?? '', flow: login.field('flow') ?? '' }
      const body = new URLSearchParams({ ...form, username: word, password: word, code: word })
      await seen(`POST ${path}`, `${path}?client_id=web`, { method: 'POST', body })
    }
    await seen('resetPassword', `/resetPassword${search}`)
  }

  test.each(hostile)('%j', async (word) => {
    await walk(createUserAgent(server.publicUrl), word)
  })

  test('and its answer by form posts to the registered address, with the words in fields alone', async () => {
    const agent = createUserAgent(server.publicUrl)
    for (const state of hostile) {
      const parameters = { client_id: 'web', redirect_uri: callback, response_mode: 'form_post', prompt: 'none', state }
      const response = await agent.request(authorizationRequest(server.publicUrl, parameters).url)
      const html = await response.text()
      expectKnown(state, html, response.headers)
      expect(load(html)('form').attr('action')).toBe(callback)
    }
  })
})

describe('a mail', () => {
  test('leads to us or to the app, whatever the sign-up said', async () => {
    const agent = createUserAgent(server.publicUrl)
    const hints = new URLSearchParams({
      lang: 'https://evil.example/',
      client_id: 'web',
      redirect_uri: 'https://evil.example/',
    })
    const request = authorizationRequest(server.publicUrl, {
      client_id: 'web',
      redirect_uri: callback,
      state: '//evil',
    })
    const form = await (await agent.visit(request.url)).follow('Create an account')
    const body = new URLSearchParams({
      ...{ _csrf: form.field('_csrf') ?? '', flow: form.field('flow') ?? '' },
      ...{ username: 'mailed@example.com', password: goodPassword, returnTo: 'javascript:alert(1)' },
    })
    await agent.visit(`/signup?${hints.toString()}`, { method: 'POST', body })
    await linkFor(server, 'mailed@example.com')
    for (const { html, text } of await server.mail()) {
      expectKnown('mail', html, new Headers())
      const addresses = text.match(/\b[a-z]+:\/\/\S+|javascript:\S+/gi) ?? []
      expect(addresses.filter((address) => !leadsSomewhereKnown(address))).toEqual([])
    }
  })
})

describe('what an operator may write down', () => {
  const members: [string, (value: string) => object][] = [
    ['Branding.LogoUrl', (value) => ({ Branding: { LogoUrl: value } })],
    ['Terms.TermsOfUse', (value) => ({ Terms: { TermsOfUse: value, PrivacyPolicy: terms } })],
    [
      'Terms.PrivacyPolicy',
      (value) => ({ Terms: { TermsOfUse: terms, PrivacyPolicy: { 'cognito:default': terms, de: value } } }),
    ],
    ['Issuer', (value) => ({ Issuer: value })],
    ['Domains', (value) => ({ Domains: [value] })],
    [
      'Clients[0].Branding',
      (value) => ({ Clients: [{ ClientId: 'x', CallbackURLs: [callback], Branding: { LogoUrl: value } }] }),
    ],
    [
      'Clients[0].LogoutURLs',
      (value) => ({ Clients: [{ ClientId: 'x', CallbackURLs: [callback], LogoutURLs: [value] }] }),
    ],
    ['Clients[0].CallbackURLs', (value) => ({ Clients: [{ ClientId: 'x', CallbackURLs: [value] }] })],
  ]
  const running = hostile.filter((value) =>
    /^\s*(java\tscript|javascript|data|vbscript|blob|file|view-source):/i.test(value),
  )
  test.each(members)('%s is never a target that runs', (place, settings) => {
    for (const value of running) {
      const file = JSON.stringify({ UserPools: [{ PoolName: 'x', ...settings(value) }] })
      expect(() => parseConfiguration(file, 'latchkey.yaml', {}), `${place} ${value}`).toThrow(place.split('[')[0])
    }
  })

  test('and what got into the database by another way is not shown: the pool refuses to serve', async () => {
    const { settings } = server.services.domain.store
    const record = (await settings.appClients('eu-west-1_leads')).find(({ id }) => id === 'native')!
    const bad = { ...record, settings: { ...record.settings, LogoutURLs: ['javascript:alert(1)'] } }
    await settings.saveAppClient(bad, new Date())
    await server.services.directory.refresh()
    try {
      for (const path of [
        '/logout?client_id=native',
        '/login?client_id=native',
        '/oauth2/authorize?client_id=native',
      ]) {
        const response = await fetch(`${server.publicUrl}${path}`, { redirect: 'manual' })
        expect([path, response.status]).toEqual([path, 500])
        expectKnown(path, await response.text(), response.headers)
      }
    } finally {
      await settings.saveAppClient(record, new Date())
      await server.services.directory.refresh()
    }
    expect((await fetch(`${server.publicUrl}/logout?client_id=native`)).status).toBe(200)
  })

  test('a page’s policy names an origin or a scheme, and nothing that could end its directive', () => {
    for (const value of hostile) {
      const target = formTarget(value)
      if (target !== undefined) expect([value, /[\s;,'"]/.test(target)]).toEqual([value, false])
    }
  })
})

describe('a request whose target is another site', () => {
  test.each([
    ...['//evil.example/', '///evil.example/', '/\\evil.example/', '//evil.example/%2e%2e', '/.//evil.example/login'],
    ...[
      '//evil.example/login',
      '/%2f%2fevil.example',
      '/eu-west-1_leads//evil.example/',
      '/eu-west-1_leads/\\evil.example',
    ],
    ...[
      '/@evil.example/',
      '/%09/evil.example',
      '/;//evil.example/',
      '/login//evil.example',
      '//evil.example/oauth2/authorize',
    ],
  ])('%s is a path of ours that is not there', async (target) => {
    for (const host of [new URL(server.publicUrl).host, 'evil.example', `127.0.0.1:${server.port}`]) {
      const answer = await rawRequest(server.port, target, { headers: { host } })
      const location = answer.headers.location ?? ''
      // While developing an unknown host is led to the known one, path and all.
      if (location !== '')
        expect([host, target, new URL(location, server.publicUrl).origin]).toEqual([host, target, server.publicUrl])
      expect(answer.body).not.toMatch(/(href|action)="(https?:)?[/\\]{2}evil/)
    }
  })
})
