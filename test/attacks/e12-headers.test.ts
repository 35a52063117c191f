import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../../src/app/http-server.ts'
import { createLog } from '../../src/platform/log.ts'
import { haveAccount } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { freePort } from '../support/server-process.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { startTlsFront } from '../support/tls-front.ts'
import type { TlsFront } from '../support/tls-front.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword } from '../support/visitor.ts'
import {
  attackedPool,
  callerAt,
  home,
  machineSecret,
  redeem,
  signIn,
  startAttackedServer,
} from './support/attacked-pool.ts'
import { exchange } from './support/raw-socket.ts'

/*
 * E12, clickjacking, injected scripts and caches: the answer without the header is the one that is framed, sniffed or kept.
 * So every kind of answer that the server can give is asked for, once over http and once over https, and held against one
 * table. Guards src/security/page-headers.ts, and src/app/http-server.ts, which gives the headers to whatever sets none.
 * The policy of one page, directive by directive: test/security/page-headers.test.ts. Frames in a browser: e12-frames.
 */

interface Answer {
  status: number
  headers: Headers
  text: string
}

interface Site {
  server: TestServer
  origin: string
  agent(): UserAgent
  raw(lines: readonly string[], body?: string): Promise<Answer>
}

type Kind = 'page' | 'step' | 'redirect' | 'data' | 'public' | 'asset' | 'mail'

const read = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: response.headers,
  text: await response.text(),
})
const shown = ({ status, headers, html }: VisitedPage): Answer => ({ status, headers, text: html })
const ada = 'ada@example.com'
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const get = async (site: Site, path: string, init: RequestInit = {}): Promise<Answer> =>
  read(await site.agent().request(`${site.origin}${path}`, init))
const post = (site: Site, path: string, body: Record<string, string> | string, headers = {}): Promise<Answer> =>
  get(site, path, { method: 'POST', body: new URLSearchParams(body).toString(), headers: { ...form, ...headers } })
const loginPage = async (site: Site, parameters: Record<string, string> = {}): Promise<VisitedPage> =>
  (await callerAt(site.origin, parameters, site.agent())).page
const signedIn = async (site: Site, parameters: Record<string, string> = {}) => {
  const caller = await callerAt(site.origin, parameters, site.agent())
  return { ...caller, app: await signIn(caller.page, ada) }
}
const followed = async (site: Site, parameters: Record<string, string>): Promise<Answer> => {
  const { agent } = await signedIn(site)
  const { request } = await callerAt(site.origin, parameters, agent)
  return read(await agent.request(request.url))
}
const signUp = async (site: Site, email: string, origin = site.origin): Promise<VisitedPage> => {
  const { page } = await callerAt(origin, {}, site.agent())
  return (await page.follow('Create an account')).submit({ username: email, password: goodPassword })
}
/** The server's own part of a request fails. */
const failing = async (site: Site, ask: () => Promise<Answer>): Promise<Answer> => {
  const { flows, grants } = site.server.services.domain.store
  const [find, findRefreshToken] = [flows.find, grants.findRefreshToken]
  flows.find = () => Promise.reject(new Error('out of order'))
  grants.findRefreshToken = () => Promise.reject(new Error('out of order'))
  try {
    return await ask()
  } finally {
    Object.assign(flows, { find })
    Object.assign(grants, { findRefreshToken })
  }
}

const answers: Record<string, [kind: Kind, status: number, ask: (site: Site) => Promise<Answer>]> = {
  'the sign-in page': ['step', 200, async (site) => shown(await loginPage(site))],
  'the sign-in page with an error': ['step', 200, async (site) => shown(await signIn(await loginPage(site), ada, ''))],
  'the sign-up page': ['step', 200, async (site) => shown(await (await loginPage(site)).follow('Create an account'))],
  'the page for a code': ['step', 200, async (site) => shown(await signUp(site, 'grace@example.com'))],
  'the forgotten password': ['step', 200, async (site) => shown(await (await loginPage(site)).follow('Forgot your'))],
  'the reset': [
    'step',
    200,
    async (site) => shown(await (await (await loginPage(site)).follow('Forgot your')).submit({ username: ada })),
  ],
  'the new password': ['step', 200, async (site) => shown(await signIn(await loginPage(site), 'temp@example.com'))],
  'the consent': [
    'step',
    200,
    async (site) => shown(await signIn(await loginPage(site, { client_id: 'partner' }), ada)),
  ],
  'the account to choose': [
    'step',
    200,
    async (site) => {
      const { agent } = await signedIn(site)
      return shown((await callerAt(site.origin, { prompt: 'select_account' }, agent)).page)
    },
  ],
  'the page of a link': [
    'page',
    200,
    async (site) => {
      await signUp(site, 'link@example.com', `${site.origin}/eu-west-1_links`)
      return shown(await site.agent().visit(await linkFor(site.server, 'link@example.com')))
    },
  ],
  'the answer by form': ['step', 200, (site) => followed(site, { response_mode: 'form_post', prompt: 'none' })],
  'an error by form': [
    'step',
    200,
    async (site) => shown(await loginPage(site, { response_mode: 'form_post', prompt: 'none' })),
  ],
  'the sign-in for the account': [
    'page',
    200,
    async (site) => shown(await site.agent().visit(`${site.origin}/account`)),
  ],
  'signed out': ['page', 200, (site) => get(site, '/logout?client_id=email')],
  'no sign-in': ['page', 400, (site) => get(site, '/login')],
  'an unknown app': ['page', 400, (site) => get(site, '/oauth2/authorize?client_id=nobody')],
  'a redirect URI that is not registered': [
    'page',
    400,
    async (site) => shown(await loginPage(site, { redirect_uri: 'https://evil.example/' })),
  ],
  'a link of a stranger’s': ['page', 400, (site) => get(site, '/confirmUser?client_id=email&confirmation_code=1')],
  'a form without token': [
    'page',
    403,
    async (site) => {
      const { agent, page } = await callerAt(site.origin, {}, site.agent())
      const body = new URLSearchParams({ flow: page.field('flow') ?? '' })
      return read(await agent.request(`${site.origin}/login`, { method: 'POST', body }))
    },
  ],
  'a form that is too big': ['page', 413, (site) => post(site, '/login', { username: 'x'.repeat(70_000) })],
  'no such page': ['page', 404, (site) => get(site, '/nowhere')],
  'the wrong method': ['page', 405, (site) => get(site, '/login', { method: 'DELETE' })],
  'a resumed sign-in of nobody’s': ['page', 400, (site) => get(site, '/oauth2/authorize/abc')],
  'a fault of ours': [
    'page',
    500,
    async (site) => {
      const { agent, page } = await callerAt(site.origin, {}, site.agent())
      return failing(site, async () => read(await agent.request(page.url.href)))
    },
  ],
  'the demo': ['page', 200, (site) => get(site, '/demo')],
  'the demo, signed in': [
    'page',
    200,
    async (site) => {
      const login = await site.agent().visit(`${site.origin}/demo/sign-in`)
      return shown(await signIn(login, ada))
    },
  ],
  'the mailbox': ['page', 200, (site) => get(site, '/dev/mail')],
  'a message': ['page', 200, async (site) => get(site, `/dev/mail/${(await site.server.mail())[0]?.id}`)],
  'a message’s own markup': [
    'mail',
    200,
    async (site) => get(site, `/dev/mail/${(await site.server.mail()).find(({ html }) => html !== '')?.id}/html`),
  ],
  'no such message': ['page', 404, (site) => get(site, '/dev/mail/x%00/html')],

  'the way to the sign-in page': [
    'redirect',
    303,
    async (site) => {
      const { request } = await callerAt(site.origin, {}, site.agent())
      return read(await site.agent().request(request.url))
    },
  ],
  'a request by POST, sent round': ['redirect', 303, (site) => post(site, '/oauth2/authorize', authorization())],
  'a deep link': ['redirect', 303, (site) => get(site, `/login?${new URLSearchParams(authorization()).toString()}`)],
  'the way back to the app': [
    'redirect',
    303,
    async (site) => {
      const { agent, page } = await callerAt(site.origin, {}, site.agent())
      const resumed = await agent.request(`${site.origin}/login`, {
        method: 'POST',
        body: new URLSearchParams({
          flow: page.field('flow') ?? '',
          _csrf: page.field('_csrf') ?? '',
          username: ada,
          password: goodPassword,
        }),
      })
      return read(await agent.request(new URL(resumed.headers.get('location') ?? '', site.origin).href))
    },
  ],
  'an answer without a page': ['redirect', 303, (site) => followed(site, { prompt: 'none' })],
  'tokens in the address': [
    'redirect',
    303,
    (site) => followed(site, { client_id: 'implicit', response_type: 'token', prompt: 'none' }),
  ],
  'an error without a page': [
    'redirect',
    303,
    (site) => get(site, `/oauth2/authorize?${new URLSearchParams({ ...authorization(), prompt: 'none' }).toString()}`),
  ],
  'signed out, back to the app': [
    'redirect',
    303,
    (site) => get(site, `/logout?${new URLSearchParams({ client_id: 'email', logout_uri: home }).toString()}`),
  ],
  'the front door while developing': ['redirect', 303, (site) => get(site, '/')],
  'another host while developing': ['redirect', 307, (site) => site.raw(['GET /login HTTP/1.1', 'Host: evil.example'])],

  tokens: ['data', 200, (site) => post(site, '/oauth2/token', machineForm)],
  'no tokens': [
    'data',
    400,
    (site) => post(site, '/oauth2/token', { grant_type: 'refresh_token', client_id: 'email' }),
  ],
  'a wrong secret': [
    'data',
    401,
    (site) => post(site, '/oauth2/token', { grant_type: 'client_credentials' }, { authorization: 'Basic eDp5' }),
  ],
  'who the user is': [
    'data',
    200,
    async (site) => {
      const { app, ...caller } = await signedIn(site)
      const { body } = await redeem(site.origin, caller, app)
      return get(site, '/oauth2/userInfo', { headers: { authorization: `Bearer ${body.access_token}` } })
    },
  ],
  'a token that is none': [
    'data',
    401,
    (site) => get(site, '/oauth2/userInfo', { headers: { authorization: 'Bearer x.y.z' } }),
  ],
  'no token': ['data', 400, (site) => get(site, '/oauth2/userInfo')],
  'a revocation': ['data', 200, (site) => post(site, '/oauth2/revoke', { client_id: 'email', token: 'x' })],
  'a revocation of nobody’s': ['data', 401, (site) => post(site, '/oauth2/revoke', { client_id: 'nobody' })],
  'a fault of ours, for a program': [
    'data',
    500,
    (site) => failing(site, () => post(site, '/oauth2/revoke', { client_id: 'email', token: 'x' })),
  ],
  'an endpoint asked the wrong way': ['data', 405, (site) => get(site, '/oauth2/token')],
  'a preflight': [
    'data',
    204,
    (site) => get(site, '/oauth2/token', { method: 'OPTIONS', headers: { origin: 'https://app.example' } }),
  ],
  'a preflight of a stranger’s': [
    'data',
    204,
    (site) => get(site, '/oauth2/userInfo', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
  ],
  'the mailbox for programs': [
    'data',
    200,
    (site) => get(site, '/dev/mail', { headers: { accept: 'application/json' } }),
  ],
  alive: ['data', 200, (site) => get(site, '/healthz')],
  ready: ['data', 200, (site) => get(site, '/readyz')],
  'a whole address for a path': ['data', 400, (site) => site.raw(['GET http://evil.example/ HTTP/1.1', hostOf(site)])],
  'no host': ['data', 400, (site) => site.raw(['GET /login HTTP/1.1'])],
  'what is no request': ['data', 400, (site) => site.raw(['nonsense'])],
  'a head that is too long': ['data', 431, (site) => site.raw(['GET / HTTP/1.1', `X: ${'x'.repeat(40_000)}`])],
  'an expectation of nobody’s': ['data', 417, (site) => site.raw(['GET / HTTP/1.1', hostOf(site), 'Expect: tea'])],
  'a tunnel': ['data', 405, (site) => site.raw(['CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example'])],

  discovery: ['public', 200, (site) => get(site, '/eu-west-1_email/.well-known/openid-configuration')],
  keys: ['public', 200, (site) => get(site, '/eu-west-1_email/.well-known/jwks.json')],
  'keys that are known': [
    'public',
    304,
    (site) => get(site, '/eu-west-1_email/.well-known/jwks.json', { headers: { 'if-none-match': '*' } }),
  ],
  'discovery where there is none': ['data', 404, (site) => get(site, '/.well-known/openid-configuration')],
  'a style sheet': ['asset', 200, async (site) => get(site, await assetOf(site, 'link[rel=stylesheet]', 'href'))],
  'a script': ['asset', 200, async (site) => get(site, await assetOf(site, 'script[src]', 'src'))],
  'a picture': ['asset', 200, async (site) => get(site, await assetOf(site, 'link[rel=icon]', 'href'))],
  'a picture that is known': [
    'asset',
    304,
    async (site) => get(site, await assetOf(site, 'link[rel=icon]', 'href'), { headers: { 'if-none-match': '*' } }),
  ],
  'no such asset': ['data', 404, (site) => get(site, '/assets/nothing.css')],
}

const machineForm = { grant_type: 'client_credentials', client_id: 'machine', client_secret: machineSecret }
const authorization = (): Record<string, string> => ({
  client_id: 'email',
  redirect_uri: callback,
  response_type: 'code',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
})
const hostOf = ({ origin }: Site): string => `Host: ${new URL(origin).host}`

async function assetOf(site: Site, selector: string, attribute: string): Promise<string> {
  return load((await loginPage(site)).html)(selector).attr(attribute) ?? 'none'
}

const page = {
  'content-security-policy': /(^|; )default-src 'none'; .*frame-ancestors 'none'; base-uri 'none'$/,
  'permissions-policy': /camera=\(\), microphone=\(\)/,
  'content-type': 'text/html; charset=utf-8',
  etag: null,
}
/** What has to be there, by kind; `null`: must not. */
const expected: Record<Kind, Record<string, RegExp | string | null>> = {
  page: { ...page, 'cross-origin-opener-policy': 'same-origin' },
  /** Of an app's sign-in, which may go on in a window that the app has opened. */
  step: { ...page, 'cross-origin-opener-policy': 'unsafe-none' },
  redirect: { location: /^(\/|https?:\/\/)/, 'cross-origin-opener-policy': null },
  data: {},
  public: { 'cache-control': /^public, max-age=300$/, 'cross-origin-resource-policy': 'cross-origin' },
  asset: { 'cache-control': /^public, max-age=31536000, immutable$/ },
  mail: {
    'content-security-policy': /^default-src 'none'; .*; sandbox; frame-ancestors 'self'$/,
    'x-frame-options': 'SAMEORIGIN',
  },
}
const always: Record<string, RegExp | string | null> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': /^(same|cross)-origin$/,
  'cache-control': 'no-store',
  'x-powered-by': null,
  server: null,
  via: null,
  refresh: null,
}

describe.each(['http', 'https'])('every answer over %s', (scheme) => {
  let front: TlsFront | undefined
  let site: Site
  beforeAll(async () => {
    const port = await freePort()
    if (scheme === 'https') front = await startTlsFront()
    const origin = front?.origin ?? `http://localhost:${port}`
    const demo = (ClientId: string): object => ({
      ClientId,
      CallbackURLs: [`${origin}/demo/callback`],
      LogoutURLs: [`${origin}/demo`],
    })
    const pool = attackedPool() as { Clients: object[] }
    const links = attackedPool({
      Id: 'eu-west-1_links',
      PoolName: 'links',
      Default: false,
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
    })
    const Clients = [...pool.Clients, demo('demo'), demo('demo-two')]
    const server = await startServer({
      configuration: JSON.stringify({ UserPools: [{ ...pool, Clients }, links] }),
      environment: { port, publicUrl: origin },
    })
    front?.forwardTo(server.port)
    await haveAccount(server, { username: ada, password: goodPassword })
    await haveAccount(server, { username: 'temp@example.com', password: goodPassword, temporary: true })
    site = {
      server,
      origin,
      agent: () => createUserAgent(origin),
      raw: (lines, body = '') =>
        exchange(server.port, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`),
    }
  })
  afterAll(async () => {
    await front?.stop()
    await site.server.stop()
  })

  test.each(Object.keys(answers))('%s', async (name) => {
    const [kind, status, ask] = answers[name]!
    const answer = await ask(site)
    expect(answer.status, answer.text).toBe(status)
    const wanted = { ...always, ...expected[kind] }
    for (const [header, value] of Object.entries(wanted)) {
      if (value instanceof RegExp) expect(answer.headers.get(header), header).toMatch(value)
      else expect(answer.headers.get(header), header).toBe(value)
    }
    expect(answer.headers.get('strict-transport-security')).toBe(scheme === 'https' ? 'max-age=31536000' : null)
    if (kind === 'page' || kind === 'step') expectOnlyOwnCode(answer)
  })

  test('no page has the nonce of another', async () => {
    const pages = await Promise.all([1, 2, 3].map(() => get(site, '/nowhere')))
    const nonces = pages.map(nonceOf)
    expect(new Set(nonces).size).toBe(3)
    for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{43}$/)
  })
})

const nonceOf = ({ headers }: Answer): string =>
  /script-src 'nonce-([^']+)'/.exec(headers.get('content-security-policy') ?? '')?.[1] ?? 'none'

/** Nothing but what the policy lets run: a page that needs an exception would get one, some day. */
function expectOnlyOwnCode(answer: Answer): void {
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).not.toMatch(/unsafe|\*|strict-dynamic|http:(?!\/\/)|https:(?!\/\/)|blob:|wasm/)
  expect(policy).not.toMatch(/(script|style|default|connect|object|frame)-src[^;]*data:/)
  const $ = load(answer.text)
  for (const script of $('script').toArray()) {
    expect($(script).attr('nonce')).toBe(nonceOf(answer))
    expect($(script).attr('src')).toMatch(/^\/assets\/[\w.-]+$/)
    expect($(script).text()).toBe('')
  }
  expect($('style, [style], base, object, embed, applet, meta[http-equiv], iframe[srcdoc]')).toHaveLength(0)
  const handlers = $('*')
    .toArray()
    .flatMap((element) => Object.keys('attribs' in element ? element.attribs : {}))
    .filter((name) => name.startsWith('on'))
  expect(handlers).toEqual([])
  for (const form of $('form').toArray()) expect($(form).attr('method')).toBe('post')
}

test('a server that is still starting, or has broken, says it with the same headers', async () => {
  const log = createLog({ level: 'silent', pretty: false })
  const http = await listen({ host: '127.0.0.1', port: 0, log, secure: true, isReady: () => Promise.resolve(false) })
  try {
    const ask = async (path: string): Promise<Answer> => read(await fetch(`http://127.0.0.1:${http.port}${path}`))
    const starting = [await ask('/login'), await ask('/readyz'), await ask('/healthz')]
    expect(starting.map(({ status }) => status)).toEqual([503, 503, 200])
    expect(starting[0]?.headers.get('retry-after')).toBe('1')
    http.ready(() => Promise.reject(new Error('broken')))
    const broken = await ask('/login')
    expect([broken.status, broken.text]).toEqual([500, 'Internal server error\n'])
    for (const { headers } of [...starting, broken]) {
      for (const [header, value] of Object.entries(always)) {
        if (value instanceof RegExp) expect(headers.get(header), header).toMatch(value)
        else expect(headers.get(header), header).toBe(value)
      }
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
    }
  } finally {
    await http.stop(0)
  }
})

test('in production, a host that is not ours gets the headers, and https', async () => {
  const publicUrl = 'https://id.example.com'
  const server = await startAttackedServer({ environment: { publicUrl, development: false, production: true } })
  try {
    const answer = await exchange(server.port, 'GET /login HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    expect(answer.status).toBe(421)
    for (const [header, value] of Object.entries({ ...always, ...expected.page })) {
      if (value instanceof RegExp) expect(answer.headers.get(header), header).toMatch(value)
      else expect(answer.headers.get(header), header).toBe(value)
    }
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000')
  } finally {
    await server.stop()
  }
})
