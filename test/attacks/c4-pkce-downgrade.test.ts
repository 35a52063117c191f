import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callback, codeForm, configurationOf, createBrowser, password, secret, startPool } from '../conformance/pool.ts'
import type { ConformancePool } from '../conformance/pool.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import type { AuthorizationRequest } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'

/*
 * Threat row C4: PKCE that can be talked out of. authentik skipped the check when the request had no challenge, a library
 * took `plain`, another defaulted to none. Guards src/oidc/provider-configuration.ts (pkce.required), the engine's own S256
 * rule, and checkCodeVerifier in src/domain/tokens/redeem-code.ts.
 */

const s256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
const verifier = 'v'.repeat(43)

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        strict: { ClientSecret: secret, RequirePkce: true },
        lax: { RequirePkce: false },
        implicit: { AllowedOAuthFlows: ['code', 'implicit'] },
        partner: { ThirdParty: true },
      },
    }),
  })
})
afterAll(() => pool.stop())

type Change = Record<string, string | undefined>
const none: Change = { code_challenge: undefined, code_challenge_method: undefined }

describe('a challenge that is none', () => {
  const malformed: [string, Change][] = [
    ['without a method', { code_challenge_method: undefined }],
    ['with an empty method', { code_challenge_method: '' }],
    ['plain', { code_challenge: verifier, code_challenge_method: 'plain' }],
    ['Plain', { code_challenge: verifier, code_challenge_method: 'Plain' }],
    ['s256', { code_challenge_method: 's256' }],
    ['S256 with a blank', { code_challenge_method: 'S256 ' }],
    ['S512', { code_challenge_method: 'S512' }],
    ['none', { code_challenge_method: 'none' }],
    ['a method alone', { code_challenge: undefined }],
    ['an empty challenge', { code_challenge: '' }],
    ['a short challenge', { code_challenge: 'A'.repeat(42) }],
    ['a long challenge', { code_challenge: 'A'.repeat(129) }],
    ['another alphabet', { code_challenge: `${'A'.repeat(42)}+` }],
    ['with padding', { code_challenge: `${s256(verifier)}=` }],
    ['with a zero byte', { code_challenge: `${s256(verifier)}\0` }],
    ['with a blank before', { code_challenge: ` ${s256(verifier)}` }],
  ]
  test.each(malformed)('%s: is refused of every client, whether it needs one or not', async (_what, change) => {
    for (const client_id of ['app', 'backend', 'strict', 'lax']) {
      const request = authorizationRequest(pool.base, { client_id, redirect_uri: callback, ...change })
      const { url } = await createUserAgent(pool.base).visit(request.url)
      expect([client_id, url.origin + url.pathname, url.searchParams.get('error')]).toEqual([
        client_id,
        callback,
        'invalid_request',
      ])
      expect(url.searchParams.has('code')).toBe(false)
    }
  })
})

describe('a request without one', () => {
  test.each([
    ['app', true],
    ['partner', true],
    ['implicit', true],
    ['strict', true],
    ['backend', false],
    ['lax', false],
  ])('of %s is refused: %s, on every way to a code', async (client_id, refused) => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    for (const more of [{}, { response_mode: 'fragment' }, { prompt: 'none' }, { prompt: 'login' }] as Change[]) {
      const request = authorizationRequest(pool.base, { client_id, redirect_uri: callback, ...none, ...more })
      for (const address of [request.url, request.url.replace('/oauth2/authorize', '/login')]) {
        const { url } = await browser.agent.visit(address)
        const answer = url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1))
        expect([client_id, more, answer.get('error') === 'invalid_request']).toEqual([client_id, more, refused])
        if (refused) expect(answer.has('code')).toBe(false)
      }
    }
    const body = new URLSearchParams(new URL(authorizationRequest(pool.base, { client_id, ...none }).url).search)
    body.set('redirect_uri', callback)
    const posted = await browser.agent.visit('/oauth2/authorize', { method: 'POST', body })
    expect(posted.url.searchParams.get('error') === 'invalid_request').toBe(refused)
  })
})

describe('a challenge that was sent binds', () => {
  const credentials: Record<string, Record<string, string>> = {
    backend: { client_secret: secret },
    strict: { client_secret: secret },
  }
  async function codeOf(client_id: string, change: Change = {}): Promise<Record<string, string>> {
    const { answer, request } = await createBrowser(pool.base).authorize({ client_id, ...change })
    return { ...codeForm(answer, request), ...credentials[client_id] }
  }

  test.each(['app', 'lax', 'backend', 'strict'])('%s: no verifier but its own redeems the code', async (client_id) => {
    const form = await codeOf(client_id)
    const { code_verifier: own = '', ...without } = form
    const challenge = s256(own)
    const wrong: [string, Record<string, string>][] = [
      ['none', without],
      ['an empty one', { ...form, code_verifier: '' }],
      // What `plain` would take.
      ['the challenge itself', { ...form, code_verifier: challenge }],
      ['the hash of the challenge', { ...form, code_verifier: s256(challenge) }],
      ['one cut short', { ...form, code_verifier: own.slice(0, -1) }],
      ['one with more behind it', { ...form, code_verifier: `${own}A` }],
      ['one in other letters', { ...form, code_verifier: own.toUpperCase() }],
      ['one with padding', { ...form, code_verifier: `${own}=` }],
      ['one with a blank', { ...form, code_verifier: ` ${own}` }],
      ['one with a zero byte', { ...form, code_verifier: `${own}\0` }],
      ['another challenge beside it', { ...without, code_challenge: s256(verifier), code_verifier: verifier }],
      ['another method beside it', { ...form, code_verifier: challenge, code_challenge_method: 'plain' }],
      ['a list', Object.fromEntries([...Object.entries(without), ['code_verifier[]', own]])],
    ]
    for (const [what, fields] of wrong) {
      const { status, body } = await requestTokens(pool.base, fields)
      expect([what, status, body.error]).toEqual([what, 400, 'invalid_grant'])
    }
    const twice = new URLSearchParams([...Object.entries(form), ['code_verifier', verifier]])
    const response = await fetch(`${pool.base}/oauth2/token`, { method: 'POST', body: twice })
    expect(response.status).toBe(400)
    expect((await requestTokens(pool.base, form)).status).toBe(200)
  })

  test.each(['lax', 'backend'])(
    '%s: a verifier where no challenge was sent is refused, whatever it is',
    async (client_id) => {
      const form = await codeOf(client_id, none)
      for (const code_verifier of [verifier, s256(''), 'x', 'undefined', 'null', ' ', '\0']) {
        const { status } = await requestTokens(pool.base, { ...form, code_verifier })
        expect([code_verifier, status]).toEqual([code_verifier, 400])
      }
      expect((await requestTokens(pool.base, form)).status).toBe(200)
    },
  )

  test('a code that was injected into another request does not pass for its own', async () => {
    // The attacker's code, in the victim's browser, with the victim's verifier.
    const attackers = await codeOf('app')
    const victims = await codeOf('app')
    const injected = { ...victims, code: attackers['code'] ?? '' }
    expect((await requestTokens(pool.base, injected)).body.error).toBe('invalid_grant')
    expect((await requestTokens(pool.base, victims)).status).toBe(200)
  })
})

describe('a challenge stays with its request on the whole way', () => {
  const ours = authorizationRequest.bind(undefined)
  const attackers = { code_challenge: s256(verifier), code_challenge_method: 'S256' }
  const planted = new URLSearchParams(attackers).toString()

  async function expectBound(answer: URL, request: AuthorizationRequest): Promise<void> {
    const form = codeForm(answer, request)
    const { code_verifier: _own, ...without } = form
    expect((await requestTokens(pool.base, { ...form, code_verifier: verifier })).status).toBe(400)
    expect((await requestTokens(pool.base, without)).status).toBe(400)
    expect((await requestTokens(pool.base, form)).status).toBe(200)
  }

  test('through the sign-in page, its form and the redirect after it', async () => {
    const agent = createUserAgent(pool.base)
    const request = ours(pool.base, { client_id: 'app', redirect_uri: callback })
    const login = await agent.visit(request.url)
    const again = await agent.visit(`${login.url.href}&${planted}`)
    const fields = { username: 'ana', password, ...attackers }
    const body = new URLSearchParams({ _csrf: again.field('_csrf') ?? '', flow: again.field('flow') ?? '', ...fields })
    const answer = await agent.request(`${pool.base}/login?${planted}`, { method: 'POST', body })
    const app = await agent.visit(`${answer.headers.get('location')}&${planted}`)
    await expectBound(app.url, request)
  })

  test('through the consent page', async () => {
    const agent = createUserAgent(pool.base)
    const request = ours(pool.base, { client_id: 'partner', redirect_uri: callback, scope: 'openid email' })
    const consent = await (await agent.visit(request.url)).submit({ username: 'ana', password })
    expect(consent.heading).toBe('Allow access to your account?')
    const app = await consent.submit({ answer: 'allow', ...attackers })
    await expectBound(app.url, request)
  })

  test('over an expired page that begins the request anew', async () => {
    const agent = createUserAgent(pool.base)
    const request = ours(pool.base, { client_id: 'app', redirect_uri: callback })
    const login = await agent.visit(request.url)
    try {
      pool.clock.ahead = 3700
      const expired = await login.submit({ username: 'ana', password })
      const again = await expired.follow('Start again')
      expect(again.heading).toBe('Sign in')
      await expectBound((await again.submit({ username: 'ana', password })).url, request)
    } finally {
      pool.clock.ahead = 0
    }
  })

  test('and a request object or its address changes nothing', async () => {
    const agent = createUserAgent(pool.base)
    const claims = Buffer.from(JSON.stringify({ client_id: 'app', redirect_uri: callback, response_type: 'code' }))
    const header = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const more of [
      { request: `${header}.${claims.toString('base64url')}.` },
      { request_uri: 'https://evil.example/request' },
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
    ] as Change[]) {
      const request = ours(pool.base, { client_id: 'app', redirect_uri: callback, ...none, ...more })
      const { url } = await agent.visit(request.url)
      expect([url.origin + url.pathname, url.searchParams.has('code')]).toEqual([callback, false])
      expect(url.searchParams.get('error')).toMatch(
        /^(request_not_supported|request_uri_not_supported|invalid_request)$/,
      )
    }
  })
})
