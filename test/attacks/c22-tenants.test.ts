import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieName } from '../../src/security/cookies.ts'
import { rawRequest } from '../conformance/raw-request.ts'
import { haveAccount } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { reachLocalhostNames } from '../support/localhost-names.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { freePort } from '../support/server-process.ts'
import { settledMail } from '../support/settled-mail.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat row C22: ZITADEL's sign-in pages did not ask whose instance a request was for. Four user pools with the same app
 * clients, callback and people, two under one host and two with domains of their own: whatever one of them gave is brought
 * to each of the others. Guards the pool in every look-up (src/persistence), src/security/cookies.ts (a name a pool),
 * src/domain/tokens/verify-token.ts (keys and issuer of the pool), confirmation-link.ts and src/app/tenants.ts.
 * (stories/odd-paths/user-pools.test.ts has two pools under one host.)
 */

reachLocalhostNames()

const names = ['left', 'right', 'inn', 'out'] as const
type Name = (typeof names)[number]
const idOf = (name: Name): string => `eu-west-1_${name}`
const secretOf = (name: Name): string => `a-secret-of-the-pool-${name}`
const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const))
const account = { username: 'ada@example.com', password: goodPassword }

/** Who asks for reset codes: somebody of their own for each pool, and at every pool. */
const forgetful = (name: Name): string => `forgetful-${name}@example.com`

let server: TestServer
let bases: Record<Name, string>
beforeAll(async () => {
  const port = await freePort()
  bases = {
    left: `http://localhost:${port}`,
    right: `http://localhost:${port}/${idOf('right')}`,
    inn: `http://inn.localhost:${port}`,
    out: `http://out.localhost:${port}`,
  }
  const configuration = JSON.stringify({
    UserPools: names.map((name) => ({
      ...{ Id: idOf(name), PoolName: name, Default: name === 'left' },
      ...(name === 'inn' || name === 'out' ? { Domains: [bases[name]] } : {}),
      ...{ UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] },
      VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
      Clients: [
        { ClientId: 'web', CallbackURLs: [callback], LogoutURLs: ['https://app.example/'] },
        { ClientId: 'backend', CallbackURLs: [callback], ClientSecret: secretOf(name) },
      ].map((client) => ({ ...client, AllowedOAuthScopes: ['openid', 'email'] })),
    })),
  })
  server = await startServer({ configuration, environment: { port } })
  for (const name of names) {
    await haveAccount(server, { ...account, userPoolId: idOf(name) })
    for (const other of names) {
      await haveAccount(server, { ...account, username: forgetful(other), userPoolId: idOf(name) })
    }
  }
})
afterAll(() => server.stop())

const isApp = (page: VisitedPage): boolean => whereItIs(page) === 'the app'
const agentAt = (name: Name): UserAgent => createUserAgent(new URL(bases[name]).origin)

interface Scene {
  visitor: Visitor
  open: Visitor
  tokens: { access_token?: string; refresh_token?: string; id_token?: string }
  code: Record<string, string>
  link: URL
  resetCode: string
  held: { browser: Visitor; location: string }
}

/** Everything that somebody may hold at a pool. */
async function sceneAt(name: Name): Promise<Scene> {
  const at = (browser?: UserAgent) => visitorAt(bases[name], 'web', browser === undefined ? {} : { browser })
  const visitor = await at()
  const app = await visitor.login.submit(account)
  expect([name, whereItIs(app)]).toEqual([name, 'the app'])
  const { body: tokens } = await visitor.tokensFrom(app)
  const unspent = await at(visitor)
  const open = await at()
  const username = `new-${Math.floor(performance.now())}@example.com`
  const known = await settledMail(server)
  await (await (await at()).login.follow('Create an account')).submit({ username, password: goodPassword })
  const link = new URL(await linkFor(server, username, known))
  await (await (await at()).login.follow('Forgot your password?')).submit({ username: forgetful(name) })
  const resetCode = await server.codeFor(forgetful(name), known)
  const waiting = await at()
  const form = { _csrf: waiting.login.field('_csrf') ?? '', flow: waiting.login.field('flow') ?? '', ...account }
  const answer = await waiting.request(`${waiting.base}/login`, { method: 'POST', body: new URLSearchParams(form) })
  return {
    ...{ visitor, open, tokens, link, resetCode },
    code: {
      ...{ grant_type: 'authorization_code', client_id: 'web', redirect_uri: callback },
      ...{ code: unspent.login.url.searchParams.get('code') ?? '', code_verifier: unspent.authorization.codeVerifier },
    },
    held: { browser: waiting, location: answer.headers.get('location') ?? '' },
  }
}

/** What was given at one pool, brought to where another one takes such a thing. */
const attempts: [string, (scene: Scene, from: Name, to: Name) => Promise<boolean>][] = [
  [
    'a session',
    async ({ visitor }, from, to) => {
      const agent = agentAt(to)
      const value = visitor.cookies.get(cookieName('session', idOf(from), false)) ?? ''
      for (const name of [from, to]) agent.cookies.set(cookieName('session', idOf(name), false), value)
      const request = authorizationRequest(bases[to], { client_id: 'web', redirect_uri: callback, prompt: 'none' })
      return isApp(await agent.visit(request.url))
    },
  ],
  [
    'a form’s csrf token',
    async ({ open }, from, to) => {
      const theirs = from === to ? open : await visitorAt(bases[to], 'web')
      const value = open.cookies.get(cookieName('browser', idOf(from), false)) ?? ''
      theirs.cookies.set(cookieName('browser', idOf(from), false), value)
      const form = { _csrf: open.login.field('_csrf') ?? '', flow: theirs.login.field('flow') ?? '' }
      const body = new URLSearchParams({ ...form, username: account.username })
      return (await theirs.visit(`${bases[to]}/login`, { method: 'POST', body })).status === 200
    },
  ],
  [
    'a flow, with the browser that it is bound to',
    async ({ open }, from, to) => {
      const agent = agentAt(to)
      const value = open.cookies.get(cookieName('browser', idOf(from), false)) ?? ''
      for (const name of [from, to]) agent.cookies.set(cookieName('browser', idOf(name), false), value)
      const { search } = open.login.url
      const form = { _csrf: open.login.field('_csrf') ?? '', flow: open.login.field('flow') ?? '', ...account }
      const body = new URLSearchParams(form)
      const pages = [
        await agent.visit(`${bases[to]}/login${search}`),
        await agent.visit(`${bases[to]}/login${search}`, { method: 'POST', body }),
      ]
      return pages.some((page) => page.heading === 'Sign in' || isApp(page))
    },
  ],
  [
    'a sign-in that waits for its last redirect',
    async ({ held }, from, to) => {
      const agent = agentAt(to)
      const value = held.browser.cookies.get(cookieName('resume', idOf(from), false)) ?? ''
      for (const name of [from, to]) agent.cookies.set(cookieName('resume', idOf(name), false), value)
      return isApp(await agent.visit(`${bases[to]}/oauth2/authorize/${held.location.split('/').at(-1)}`))
    },
  ],
  ['a code', async ({ code }, _from, to) => (await requestTokens(bases[to], code)).status === 200],
  [
    'a refresh token',
    async ({ tokens }, _from, to) => {
      const form = { grant_type: 'refresh_token', client_id: 'web', refresh_token: tokens.refresh_token ?? '' }
      return (await requestTokens(bases[to], form)).status === 200
    },
  ],
  [
    'an access token',
    async ({ tokens }, _from, to) => {
      const headers = { authorization: `Bearer ${tokens.access_token}` }
      return (await fetch(`${bases[to]}/oauth2/userInfo`, { headers })).status === 200
    },
  ],
  [
    'a hint to sign out',
    async ({ tokens }, _from, to) => {
      const query = new URLSearchParams({
        id_token_hint: tokens.id_token ?? '',
        post_logout_redirect_uri: 'https://app.example/',
      })
      const response = await fetch(`${bases[to]}/logout?${query.toString()}`, { redirect: 'manual' })
      return response.headers.get('location') !== null
    },
  ],
  [
    'a hint to sign in',
    async ({ tokens }, _from, to) => {
      const agent = agentAt(to)
      const usual = { client_id: 'web', redirect_uri: callback }
      await (await agent.visit(authorizationRequest(bases[to], usual).url)).submit(account)
      const asked = { ...usual, prompt: 'none', id_token_hint: tokens.id_token ?? '' }
      return isApp(await agent.visit(authorizationRequest(bases[to], asked).url))
    },
  ],
  [
    'a client’s secret',
    async (_scene, from, to) => {
      const form = {
        grant_type: 'refresh_token',
        client_id: 'backend',
        client_secret: secretOf(from),
        refresh_token: 'x',
      }
      return (await requestTokens(bases[to], form)).body.error !== 'invalid_client'
    },
  ],
  [
    'a link',
    async ({ link }, _from, to) =>
      (await agentAt(to).visit(`${bases[to]}/confirmUser${link.search}`)).heading !== 'This link isn’t complete',
  ],
  [
    'a reset code',
    async ({ resetCode }, from, to) => {
      const { login } = await visitorAt(bases[to], 'web')
      const reset = await (await login.follow('Forgot your password?')).submit({ username: forgetful(from) })
      return isApp(await reset.submit({ code: resetCode, password: 'Trajectory-1962' }))
    },
  ],
]

describe('what one pool has given opens nothing at another one', () => {
  test.each(names)('of the pool %s', async (from) => {
    const scene = await sceneAt(from)
    for (const to of names) {
      if (to === from) continue
      for (const [what, opens] of attempts) {
        expect([what, from, to, await opens(scene, from, to)]).toEqual([what, from, to, false])
      }
    }
    // All of it was good, and still is, at home.
    for (const [what, opens] of attempts)
      expect([what, from, await opens(scene, from, from)]).toEqual([what, from, true])
  })
})

describe('revoking and signing out at one pool', () => {
  test.each(pairs)('of %s end nothing at %s', async (from, to) => {
    const agent = agentAt(to)
    const request = authorizationRequest(bases[to], { client_id: 'web', redirect_uri: callback })
    const app = await (await agent.visit(request.url)).submit(account)
    const form = { grant_type: 'authorization_code', client_id: 'web', redirect_uri: callback }
    const code = app.url.searchParams.get('code') ?? ''
    const { body } = await requestTokens(bases[to], { ...form, code, code_verifier: request.codeVerifier })
    const token = body.refresh_token ?? ''
    const revoked = await fetch(`${bases[from]}/oauth2/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'web', token }),
    })
    expect(revoked.status).toBe(200)
    const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    await fetch(`${bases[from]}/logout?client_id=web`, { headers: { cookie } })
    const everywhere = `id_token_hint=${body.id_token}&global_sign_out=true`
    await fetch(`${bases[from]}/logout?${everywhere}`, { headers: { cookie } })
    expect(
      (await requestTokens(bases[to], { grant_type: 'refresh_token', client_id: 'web', refresh_token: token })).status,
    ).toBe(200)
    expect(isApp(await agent.visit(request.url))).toBe(true)
  })
})

describe('each pool has its own', () => {
  test('issuer, keys and endpoints, and names no other’s', async () => {
    const seen = new Set<string>()
    for (const name of names) {
      const issuer = `${server.publicUrl}/${idOf(name)}`
      const document = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<
        string,
        string
      >
      expect(document).toMatchObject({ issuer, token_endpoint: `${bases[name]}/oauth2/token` })
      const jwks = (await (await fetch(document['jwks_uri'] ?? '')).json()) as { keys: { kid: string; n: string }[] }
      expect(jwks.keys).toHaveLength(2)
      for (const { kid, n } of jwks.keys) {
        expect([kid, seen.has(kid), seen.has(n)]).toEqual([kid, false, false])
        seen.add(kid).add(n)
      }
      for (const other of names) {
        if (other !== name) expect(JSON.stringify(document)).not.toContain(idOf(other))
        // Nor is it found at the other's address.
        if (other === name) continue
        const origin = new URL(bases[other]).origin
        const elsewhere = `${origin}${origin === server.publicUrl ? `/${idOf(other)}` : ''}/${idOf(name)}/.well-known/jwks.json`
        expect([elsewhere, (await fetch(elsewhere)).status]).toEqual([elsewhere, 404])
      }
    }
  })

  test('cookies, of this host alone, by names that no other pool reads', async () => {
    const all = new Map<string, Name>()
    for (const name of names) {
      const agent = agentAt(name)
      const request = authorizationRequest(bases[name], { client_id: 'web', redirect_uri: callback })
      const response = await agent.request(request.url)
      const lines = response.headers.getSetCookie()
      expect(lines.length).toBeGreaterThan(1)
      for (const line of lines) {
        expect([line, /domain=/i.test(line)]).toEqual([line, false])
        const cookie = line.split('=', 1)[0] ?? ''
        expect([cookie, cookie.endsWith(`_${idOf(name)}`), all.get(cookie) ?? name]).toEqual([cookie, true, name])
        all.set(cookie, name)
      }
    }
  })
})

describe('whose request it is', () => {
  const ask = (host: string, path: string, headers: Record<string, string> = {}) =>
    rawRequest(server.port, path, { headers: { host, ...headers } })
  const query = new URL(authorizationRequest('http://localhost', { client_id: 'web', redirect_uri: callback }).url)
    .search

  test('the host says, and nothing that a client may add', async () => {
    const inn = new URL(bases.inn).host
    const out = new URL(bases.out).host
    for (const headers of [
      ...[{ 'x-forwarded-host': out }, { forwarded: `host=${out}` }, { 'x-host': out }, { 'x-original-host': out }],
      ...[
        { 'x-forwarded-server': out },
        { 'x-forwarded-prefix': `/${idOf('right')}` },
        { 'x-original-url': `/${idOf('right')}/login` },
      ],
      ...[
        { origin: bases.out, referer: `${bases.out}/login` },
        { 'x-rewrite-url': '/', 'x-tenant': 'out', 'x-zitadel-instance-host': out },
      ],
    ] as Record<string, string>[]) {
      const { headers: answer } = await ask(inn, `/oauth2/authorize${query}`, headers)
      const cookies = [answer['set-cookie'] ?? []].flat().join(' ')
      expect([headers, cookies.includes(idOf('inn')), /out|right/.test(cookies + (answer.location ?? ''))]).toEqual([
        headers,
        true,
        false,
      ])
    }
  })

  test('a host in other letters is the same, any other host is nobody’s', async () => {
    const { host, port } = new URL(bases.inn)
    const same = await ask(host.toUpperCase(), `/oauth2/authorize${query}`)
    expect([same.headers['set-cookie'] ?? []].flat().join()).toContain(idOf('inn'))
    for (const other of [
      ...[
        `inn.localhost.:${port}`,
        'inn.localhost',
        `inn.localhost:1`,
        `evil.inn.localhost:${port}`,
        `xinn.localhost:${port}`,
      ],
      ...[
        `out.localhost:${port}@${host}`,
        `${host}@out.localhost`,
        `${host},out.localhost:${port}`,
        `${host} `,
        `${host}/`,
        '',
      ],
    ]) {
      const answer = await ask(other, `/oauth2/authorize${query}`).catch(() => ({ status: 400, headers: {} }))
      const told = JSON.stringify(answer.headers)
      // While developing, unknown hosts are led to the known one.
      expect([other, [307, 400, 421].includes(answer.status), /lk_\w+_eu/.test(told)]).toEqual([
        other,
        other.trim() !== host,
        other.trim() === host,
      ])
    }
  })

  test('a pool with a domain of its own is not reached by its path, nor another pool at its domain', async () => {
    for (const [host, path] of [
      [new URL(bases.left).host, `/${idOf('inn')}`],
      [new URL(bases.inn).host, `/${idOf('out')}`],
      [new URL(bases.inn).host, `/${idOf('right')}`],
      [new URL(bases.inn).host, `/${idOf('inn')}`],
      [new URL(bases.left).host, `/${idOf('right').toUpperCase()}`],
      [new URL(bases.left).host, `/${idOf('right')}%2f..`],
      [new URL(bases.left).host, `/${idOf('right')}/../${idOf('inn')}`],
      [new URL(bases.left).host, `//${idOf('right')}`],
    ] as const) {
      const { status, headers } = await ask(host, `${path}/oauth2/authorize${query}`)
      expect([host, path, status, headers['set-cookie']]).toEqual([host, path, 404, undefined])
    }
  })

  test('a request that names its host in its target is refused', async () => {
    for (const target of [`${bases.out}/login`, `http://${new URL(bases.out).host}`, '*', 'out.localhost:80']) {
      const answer = await ask(new URL(bases.inn).host, target)
      expect([target, answer.status]).toEqual([target, 400])
    }
  })
})
