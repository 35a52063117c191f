import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { callback, codeForm, configurationOf, createBrowser, password, startPool } from '../conformance/pool.ts'
import type { ConformancePool } from '../conformance/pool.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'

/*
 * Threat row C1: authentik took a dot for any letter, Keycloak `http://localhost:80@evil`, Pocket ID user names. What may be
 * registered at all, at both places where that is done, and whatever else may be brought to a door that redirects. Guards
 * src/domain/app-clients/redirect-uri.ts, src/oidc/engine-internals.ts (matchRedirectUrisExactly) and
 * src/oidc/authorization-request.ts. (conformance/redirect-uris.test.ts is the table of near misses of every registered
 * address, on every way.)
 */

/** What nobody may register, by what it tries. */
const hostile: Readonly<Record<string, readonly string[]>> = {
  'another site behind a user name': [
    ...[
      'http://localhost:80@evil.example/',
      'https://app.example.com@evil.example/',
      'https://app.example.com:x@evil/',
    ],
    ...['https://@evil.example/', 'https://:@evil.example/', 'https://app.example.com%40@evil.example/'],
  ],
  'backslashes, blanks and control characters': [
    ...[
      'https://app.example.com\\@evil.example/',
      'https:\\\\evil.example/',
      'https://evil.example\\.app.example.com/',
    ],
    ...[
      'https://app.example.com/\tx',
      'https://app.example.com/\r\nLocation: https://evil.example',
      ' https://app.example/',
    ],
    ...[
      'https://app.example.com/ x',
      'https://app.example.com/\0',
      'https://app.example.com/\u0085',
      'https://a\u00ADpp.example/',
    ],
    ...[
      'https://app.example.com/\u2028',
      'java\nscript:alert(1)',
      'https://app.example.com/\u00A0',
      '\uFEFFhttps://app.example/',
    ],
  ],
  wildcards: [
    ...['*', 'https://*', 'https://*.example.com/', 'https://app.example.com/*', 'https://app*.example.com/'],
    ...[
      'https://app.example.com/{path}',
      '^https://app.example.com/.*$',
      'https://app.example.com/[^/]*',
      'https://.*/',
    ],
  ],
  'names that look like others': [
    ...[
      'https://\u0430pp.example.com/',
      'https://app.example.c\u043Em/',
      'https://app\u3002example.com/',
      'https://münchen.example/',
    ],
    ...[
      'https://app.example.com\uFF0F.evil.example/',
      'https://\u24D0pp.example.com/',
      'https://app.example.com/\u00FC',
    ],
  ],
  'no absolute address': [
    ...['', '/', '/callback', '//evil.example/', '///evil.example/', 'evil.example', 'https:', 'https:/', 'https://'],
    ...[
      'https:evil.example',
      'https:/evil.example',
      'https:///evil.example',
      'https://?x',
      'http:evil.example',
      '.',
      '?x=1',
    ],
  ],
  fragments: [
    'https://app.example.com/#',
    'https://app.example.com/#x',
    'myapp://callback#x',
    'https://app.example.com#@evil/',
  ],
  'http elsewhere than on this machine': [
    ...[
      'http://app.example.com/',
      'http://localhost.evil.example/',
      'http://127.0.0.1.evil.example/',
      'http://0.0.0.0/',
    ],
    ...[
      'http://localhost./',
      'http://[::]/',
      'http://[::ffff:127.0.0.1]/',
      'http://10.0.0.1/',
      'http://169.254.169.254/',
    ],
    ...['http://127.0.0.2/', 'http://evil.localhost/', 'HTTP://app.example.com/', 'http://localhost.example.com:3000/'],
  ],
  'schemes that run, open or hand on': [
    ...['javascript:alert(1)', 'JAVASCRIPT:alert(1)', 'javascript://app.example.com/%0aalert(1)', 'vbscript:msgbox(1)'],
    ...['data:text/html,<script>alert(1)</script>', 'data:text/html;base64,PHN2Zz4=', 'blob:https://app.example.com/x'],
    ...[
      'file:///etc/passwd',
      'filesystem:https://app.example.com/x',
      'about:blank',
      'view-source:https://app.example.com/',
    ],
    ...['jar:https://app.example.com!/', 'feed:javascript:alert(1)', 'ftp://app.example.com/', 'ws://app.example.com/'],
    ...['mailto:victim@example.com', 'tel:+15555550100', 'sms:+15555550100', 'intent://x', 'chrome://settings/'],
  ],
}
const all = Object.values(hostile).flat()

let pool: ConformancePool
const dotted = 'https://foo.example.com/cb'
const shared = 'https://second.example.com/cb'
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        dotted: { CallbackURLs: [dotted, `${dotted}/two`] },
        second: { CallbackURLs: [shared], LogoutURLs: ['https://second.example.com/out'] },
      },
    }),
  })
})
afterAll(() => pool.stop())

test('there is enough to refuse', () => {
  expect(new Set(all).size).toBeGreaterThanOrEqual(80)
})

describe.each(Object.entries(hostile))('registering %s', (_what, uris) => {
  test.each(['CallbackURLs', 'LogoutURLs', 'DefaultRedirectURI'])('is refused in the configuration (%s)', (member) => {
    for (const uri of uris) {
      const value = member === 'DefaultRedirectURI' ? uri : [callback, uri]
      const client = { ClientId: 'evil', CallbackURLs: [callback], [member]: value }
      const file = JSON.stringify({ UserPools: [{ PoolName: 'x', Clients: [client] }] })
      expect(() => parseConfiguration(file, 'latchkey.yaml', {}), JSON.stringify(uri)).toThrow(member)
    }
  })

  test('is refused by command, and nothing is stored', async () => {
    const administration = { ...pool.services, publicUrl: pool.base, region: 'eu-west-1' }
    for (const uri of uris) {
      for (const members of [{ CallbackURLs: [uri] }, { CallbackURLs: [callback], LogoutURLs: [callback, uri] }]) {
        const settings = { ClientId: 'evil', ...members }
        const answer = await runCommand(administration, 'client.create', { settings })
        expect([uri, answer.ok]).toEqual([uri, false])
      }
    }
    await pool.services.directory.refresh()
    expect((await pool.snapshot()).appClients.has('evil')).toBe(false)
  })
})

/** Not one answer of the server leads there, by header, link, form, script or policy. */
function expectHere(page: VisitedPage, what: string): void {
  expect([what, page.status, page.url.origin]).toEqual([what, 400, pool.base])
  const policy = page.headers.get('content-security-policy') ?? ''
  expect([what, /evil|fooaexample/i.test(page.html + policy)]).toEqual([what, false])
}

describe('at a door that redirects', () => {
  const ask = (agent: UserAgent, clientId: string, uri: string, more: Record<string, string> = {}) =>
    agent.visit(authorizationRequest(pool.base, { client_id: clientId, redirect_uri: uri, ...more }).url)

  test('a dot is a dot, and whatever else means something to a pattern means nothing', async () => {
    const agent = createUserAgent(pool.base)
    for (const uri of [
      ...[
        'https://fooaexample.com/cb',
        'https://foo-example.com/cb',
        'https://foo.exampleXcom/cb',
        `^${dotted}$`,
        '.*',
      ],
      ...['https://foo%2eexample.com/cb', 'https://foo.example.com/c.', 'https://foo.example.com/..b', `(${dotted})`],
      ...[`${dotted}|https://evil.example`, `${dotted}\nhttps://evil.example`, `https://evil.example/\n${dotted}`],
    ]) {
      expectHere(await ask(agent, 'dotted', uri), uri)
    }
  })

  test('an address of another client, or for signing out, is none', async () => {
    const agent = createUserAgent(pool.base)
    for (const [clientId, uri] of [
      ['app', shared],
      ['second', callback],
      ['second', 'https://second.example.com/out'],
      ['dotted', 'https://app.example.com/'],
    ] as const) {
      for (const more of [{}, { response_type: 'token' }, { prompt: 'none' }, { response_mode: 'form_post' }]) {
        expectHere(await ask(agent, clientId, uri, more), `${clientId} ${uri}`)
      }
    }
    for (const query of [
      `client_id=app&logout_uri=${callback}`,
      `client_id=second&logout_uri=${shared}`,
      `client_id=app&logout_uri=https://second.example.com/out`,
      `client_id=second&redirect_uri=https://second.example.com/out&response_type=code`,
      `logout_uri=https://second.example.com/out`,
    ]) {
      expectHere(await agent.visit(`/logout?${query}`), query)
    }
  })

  test('sent twice, as a list, or in two places, it is refused', async () => {
    const agent = createUserAgent(pool.base)
    const good = new URL(authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback }).url).search
    const evil = 'redirect_uri=https%3A%2F%2Fevil.example%2F'
    for (const query of [`${good}&${evil}`, `?${evil}&${good.slice(1)}`]) {
      expectHere(await agent.visit(`/oauth2/authorize${query}`), query)
      const body = new URLSearchParams(query.slice(1))
      expectHere(await agent.visit('/oauth2/authorize', { method: 'POST', body }), `POST ${query}`)
      expectHere(await agent.visit(`/login${query}`), `/login${query}`)
    }
    const half = await agent.visit(`/oauth2/authorize?${evil}`, { method: 'POST', body: new URLSearchParams(good) })
    expectHere(half, 'half and half')
    // Other names for it are other parameters.
    for (const name of [
      'redirect_uri[]',
      'redirect_uri[0]',
      'Redirect_Uri',
      'redirecturi',
      'redirect_url',
      'returnTo',
    ]) {
      const page = await agent.visit(`/oauth2/authorize${good}&${encodeURIComponent(name)}=https://evil.example/`)
      expect([name, page.heading]).toEqual([name, 'Sign in'])
      const app = await page.submit({ username: 'ana', password })
      expect([name, app.url.href.startsWith(`${callback}?code=`)]).toEqual([name, true])
      agent.cookies.clear()
    }
  })

  test('once a sign-in has begun, no page of it can be told another one', async () => {
    const agent = createUserAgent(pool.base)
    const evil = {
      redirect_uri: 'https://evil.example/',
      post_logout_redirect_uri: 'https://evil.example/',
      client_id: 'app',
    }
    const login = await ask(agent, 'app', callback)
    const again = await agent.visit(
      `${login.url.href}&${new URLSearchParams(evil).toString().replace('client_id=app', '')}`,
    )
    expect(again.headers.get('content-security-policy')).toContain(`form-action 'self' https://app.example.com;`)
    const body = {
      _csrf: again.field('_csrf') ?? '',
      flow: again.field('flow') ?? '',
      username: 'ana',
      password,
      ...evil,
    }
    const answer = await agent.request(`${pool.base}/login?${new URLSearchParams(evil).toString()}`, {
      method: 'POST',
      body: new URLSearchParams(body),
    })
    const resume = new URL(answer.headers.get('location') ?? '')
    for (const [name, value] of Object.entries(evil)) resume.searchParams.set(name, value)
    const app = await agent.visit(resume.href)
    expect(app.url.href.startsWith(`${callback}?code=`)).toBe(true)
  })

  test('the token endpoint takes the very one that the code was sent to', async () => {
    const browser = createBrowser(pool.base)
    const { answer, request } = await browser.authorize({ client_id: 'dotted', redirect_uri: dotted })
    const form = codeForm(answer, request)
    for (const redirect_uri of [
      `${dotted}/two`,
      'https://fooaexample.com/cb',
      dotted.toUpperCase(),
      `${dotted}/`,
      '',
    ]) {
      const { body } = await requestTokens(pool.base, { ...form, redirect_uri })
      expect([redirect_uri, body.error]).toEqual([redirect_uri, 'unauthorized_client'])
    }
    expect((await requestTokens(pool.base, form)).status).toBe(200)
  })
})
