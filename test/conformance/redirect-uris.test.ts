import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { codeForm, configurationOf, createBrowser, password, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'

/*
 * Threat row C1: the exact registered string and nothing near it, for registered addresses of every kind, on every way on
 * which a redirect URI may come. (authorize.test.ts has the collection of what was tried on others.)
 */

const registered = {
  'with a path': 'https://app.example.com/callback',
  'with a slash at its end': 'https://app.example.com/callback/',
  'without path': 'https://bare.example.com',
  'with a port': 'https://app.example.com:8443/cb',
  'with a query': 'https://app.example.com/cb?tenant=a%20b&x=',
  'with an encoded path': 'https://app.example.com/a%2Fb/%C3%A9',
  'with capitals': 'https://App.example.com/CallBack',
  'of an international name': 'https://xn--mnchen-3ya.example/cb',
  'on localhost': 'http://localhost:4000/cb',
  'on localhost without port': 'http://localhost/cb',
  'on 127.0.0.1': 'http://127.0.0.1:4000/cb',
  'on [::1]': 'http://[::1]:4000/cb',
  'of an app': 'myapp://callback',
  'of an app, by its domain': 'com.example.app:/oauth2redirect',
} as const
const uris: readonly string[] = Object.values(registered)

const swapCase = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
const encodeFirst = (text: string): string => `%${text.charCodeAt(0).toString(16)}${text.slice(1)}`

/** Everything that a careless comparison would take for the same, or that begins or ends with it. */
function neighbours(uri: string): readonly string[] {
  const [, scheme = '', slashes = '', host = '', rest = ''] = /^([\w.]+:)(\/{0,2})([^/?]*)(.*)$/.exec(uri) ?? []
  const at = (other: string): string => `${scheme}${slashes}${other}${rest}`
  const path = (other: string): string => `${scheme}${slashes}${host}${other}`
  return [
    ...[swapCase(uri), uri.toUpperCase(), `${swapCase(scheme)}${uri.slice(scheme.length)}`, at(swapCase(host))],
    ...[`${uri}/`, uri.replace(/\/$/, ''), `${uri}/.`, `${uri}/..`, `${uri}//`, `${uri};x`, `${uri}.`, `${uri}*`],
    ...[`${uri}?`, `${uri}?x=1`, `${uri}&x=1`, `${uri}?code=evil&state=evil`, `${uri}#`, `${uri}#x`, `${uri}%23`],
    ...[`${uri} `, ` ${uri}`, `${uri}\t`, `\t${uri}`, `${uri}\n`, `\r\n${uri}`, `${uri}\0`, `${uri}%00`, `${uri}%20`],
    ...[`${uri},${uri}`, `${uri} ${uri}`, `${uri}|https://evil.example`, `<${uri}>`, `"${uri}"`, `${uri}\u200b`],
    ...[
      at(`${host}:443`),
      at(`${host}:80`),
      at(`${host}:`),
      at(`${host}:0`),
      at(`${host}:65536`),
      at(`${host}:4000@evil.example`),
    ],
    ...[
      at(`${host}@evil.example`),
      at(`evil.example@${host}`),
      at(`user:pass@${host}`),
      at(`@${host}`),
      at(`:@${host}`),
    ],
    ...[at(`${host}.`), at(`.${host}`), at(`evil.${host}`), at(`${host}.evil.example`), at(`${host}evil.example`)],
    ...[
      at(`${host}\\@evil.example`),
      at(`evil.example\\@${host}`),
      at(`${host}\\.evil.example`),
      at(`${host}%2eevil.example`),
    ],
    ...[
      at(`${host}%00.evil.example`),
      at(`${host}\u3002evil.example`),
      at(`${host}\uff0fevil.example`),
      at(encodeFirst(host)),
    ],
    ...[
      at(host.replace('a', '\u0430')),
      at(host.replace('l', '\uff4c')),
      at(host.replace('.', '\u3002')),
      at(`\u00ad${host}`),
    ],
    ...[path(`/.${rest}`), path(`/x/..${rest}`), path(`/%2e${rest}`), path(`/%2e%2e/x${rest}`), path(`/..;${rest}`)],
    ...[path(`/${rest}`), path(`\\${rest}`), path(`/x${rest}`), path(rest.replace(/[a-z]/i, encodeFirst))],
    ...[path(rest.replace('%2F', '/')), path(rest.replace('%20', '+')), path(rest.replace('%C3%A9', '%c3%a9'))],
    ...[`${scheme}/${host}${rest}`, `${scheme}///${host}${rest}`, `${scheme}${host}${rest}`, `//${host}${rest}`],
    ...[`${scheme}\\\\${host}${rest}`, `http:${uri.slice(scheme.length)}`, `https:${uri.slice(scheme.length)}`],
    ...[
      `javascript:${uri.slice(scheme.length)}`,
      `evil${uri}`,
      `${scheme}evil${uri.slice(scheme.length)}`,
      `view-source:${uri}`,
    ],
    ...[
      `https://evil.example/?${uri}`,
      `https://evil.example/#${uri}`,
      `https://evil.example/${uri}`,
      `https://evil.example`,
    ],
  ].filter((other) => !uris.includes(other))
}

/** Other spellings of the machine itself, which browsers take for the same one. */
const loopbacks = [
  ...['http://localhost:4001/cb', 'http://localhost:80/cb', 'http://localhost.:4000/cb', 'http://LOCALHOST:4000/cb'],
  ...['http://127.0.0.1/cb', 'http://127.0.0.1:4001/cb', 'http://127.1:4000/cb', 'http://2130706433:4000/cb'],
  ...['http://0x7f.0.0.1:4000/cb', 'http://0177.0.0.1:4000/cb', 'http://127.0.0.2:4000/cb', 'http://0.0.0.0:4000/cb'],
  ...[
    'http://[::1]/cb',
    'http://[::1]:4001/cb',
    'http://[0:0:0:0:0:0:0:1]:4000/cb',
    'http://[::ffff:127.0.0.1]:4000/cb',
  ],
  ...['https://localhost:4000/cb', 'http://sub.localhost:4000/cb', 'http://localhost:4000@evil.example/cb'],
  ...['http://xn--localhost-:4000/cb', 'https://münchen.example/cb', 'https://MÜNCHEN.example/cb', 'myapp:callback'],
  ...[
    'myapp:/callback',
    'myapp:///callback',
    'myapp://Callback',
    'MyApp://callback',
    'myapp2://callback',
    'my://callback',
  ],
]

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        many: { CallbackURLs: uris, LogoutURLs: uris, AllowedOAuthFlows: ['code', 'implicit'] },
        preferred: { CallbackURLs: uris, DefaultRedirectURI: registered['with a query'] },
        single: { CallbackURLs: [registered['of an app']] },
      },
    }),
  })
})
afterAll(() => pool.stop())

const ways: Record<string, (uri: string) => string> = {
  'a request': (uri) => `/oauth2/authorize?${query({ response_type: 'code', redirect_uri: uri })}`,
  'an implicit one': (uri) => `/oauth2/authorize?${query({ response_type: 'token', redirect_uri: uri })}`,
  'one with a fault': (uri) => `/oauth2/authorize?${query({ scope: 'nonsense', redirect_uri: uri })}`,
  'one by form': (uri) =>
    `/oauth2/authorize?${query({ response_type: 'code', response_mode: 'form_post', prompt: 'none', redirect_uri: uri })}`,
  'a deep link': (uri) => `/login?${query({ response_type: 'code', redirect_uri: uri })}`,
  'a sign-out': (uri) => `/logout?${query({ logout_uri: uri })}`,
  'a sign-out by OIDC': (uri) => `/logout?${query({ post_logout_redirect_uri: uri, state: 's' })}`,
  'a sign-out that signs in': (uri) => `/logout?${query({ response_type: 'code', redirect_uri: uri })}`,
}
const query = (parameters: Record<string, string>): string =>
  new URLSearchParams({ client_id: 'many', ...parameters }).toString()

/** Follows redirects on our own origin; the status and where it ended. */
async function endOf(path: string): Promise<{ status: number; url: string; html: string }> {
  const page = await createUserAgent(pool.base).visit(path)
  return { status: page.status, url: page.url.href, html: page.html }
}

describe.each(Object.entries(registered))('a registered address %s', (_kind, uri) => {
  test('has many neighbours', () => {
    expect(new Set(neighbours(uri)).size).toBeGreaterThan(65)
  })

  test.each(Object.entries(ways))('%s: none of them is taken for it', async (_way, pathOf) => {
    for (const other of new Set(neighbours(uri))) {
      const { status, url, html } = await endOf(pathOf(other))
      expect([other, status, new URL(url).origin]).toEqual([other, 400, pool.base])
      // Nor is it offered as a link or a form.
      expect([other, /(?:href|action)="[^"]*evil/i.test(html)]).toEqual([other, false])
    }
  })

  test('is taken as it stands, and gets its code there', async () => {
    const browser = createBrowser(pool.base)
    const { answer, request } = await browser.authorize({ client_id: 'many', redirect_uri: uri })
    const expected = new URL(uri)
    expect([answer.protocol, answer.host, answer.pathname]).toEqual([
      expected.protocol,
      expected.host,
      expected.pathname,
    ])
    for (const [name, value] of expected.searchParams) expect(answer.searchParams.get(name)).toBe(value)
    expect((await requestTokens(pool.base, codeForm(answer, request))).status).toBe(200)
    // To the letter at the token endpoint too.
    const again = await browser.authorize({ client_id: 'many', redirect_uri: uri })
    const form = { ...codeForm(again.answer, again.request), redirect_uri: `${uri}/` }
    expect((await requestTokens(pool.base, form)).body.error).toBe('unauthorized_client')
  })

  test('is where an implicit answer and a sign-out end as well', async () => {
    const { answer } = await createBrowser(pool.base).authorize({
      client_id: 'many',
      redirect_uri: uri,
      response_type: 'token',
    })
    const token = new URLSearchParams(answer.hash.slice(1)).get('access_token') ?? ''
    expect(decode(token)).toMatchObject({ client_id: 'many' })
    const response = await fetch(pool.base + ways['a sign-out']!(uri), { redirect: 'manual' })
    expect(response.headers.get('location')).toBe(uri)
  })
})

test.each(loopbacks)('%s is none of them', async (uri) => {
  for (const [way, pathOf] of Object.entries(ways)) {
    const { status, url } = await endOf(pathOf(uri))
    expect([way, status, new URL(url).origin]).toEqual([way, 400, pool.base])
  }
})

describe('a redirect URI that is left out', () => {
  const uri = registered['with a query']

  test.each([undefined, ''])('(%j) is the default one, for codes and for errors', async (redirect_uri) => {
    const { answer } = await createBrowser(pool.base).authorize({ client_id: 'preferred', redirect_uri })
    expect(answer.href.startsWith('https://app.example.com/cb?tenant=a+b&x=&code=')).toBe(true)
    const { answer: refused } = await createBrowser(pool.base).authorize({
      client_id: 'preferred',
      redirect_uri,
      scope: 'nonsense',
    })
    expect(refused.host + refused.pathname).toBe(new URL(uri).host + new URL(uri).pathname)
    expect(refused.searchParams.get('error')).toBe('invalid_scope')
  })

  test('is the only one of a client that has no other, an app’s own scheme too', async () => {
    const page = await createUserAgent(pool.base).visit(
      `/oauth2/authorize?${new URLSearchParams({ client_id: 'single', response_type: 'code', scope: 'openid' }).toString()}`,
    )
    // PKCE is missing: the app is told so.
    expect(page.url.href.startsWith('myapp://callback?error=invalid_request')).toBe(true)
    const { answer } = await createBrowser(pool.base).authorize({ client_id: 'single', redirect_uri: undefined })
    expect(answer.href.startsWith('myapp://callback?code=')).toBe(true)
  })

  test('does not open the door to one that is sent: the default is no fallback', async () => {
    for (const clientId of ['preferred', 'single']) {
      const { answer } = {
        answer: await endOf(`/oauth2/authorize?client_id=${clientId}&redirect_uri=https://evil.example/`),
      }
      expect(answer.status).toBe(400)
    }
  })

  test('is nobody’s where there are several and no default', async () => {
    expect((await endOf(`/oauth2/authorize?${query({ response_type: 'code' })}`)).status).toBe(400)
  })
})

test('a login page sends its form to the registered address alone', async () => {
  for (const [kind, uri] of Object.entries(registered)) {
    const page = await createUserAgent(pool.base).visit(
      `/oauth2/authorize?${new URLSearchParams(new URL((await createBrowser(pool.base).authorize({ client_id: 'many', redirect_uri: uri })).request.url).searchParams).toString()}`,
    )
    const policy = page.headers.get('content-security-policy') ?? ''
    const { origin, protocol, hostname } = new URL(uri)
    // The policy knows no IPv6 addresses.
    const target = origin === 'null' || hostname === '[::1]' ? protocol : origin
    expect([kind, /form-action ([^;]*)/.exec(policy)?.[1]]).toEqual([kind, `'self' ${target}`])
    const answer = await page.submit({ username: 'ana', password })
    expect([kind, answer.url.protocol]).toEqual([kind, new URL(uri).protocol])
  }
})
