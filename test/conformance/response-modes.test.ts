import { createHash } from 'node:crypto'
import { load } from 'cheerio'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode, requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, codeForm, configurationOf, createBrowser, password, poolId, startPool, userInfo } from './pool.ts'
import type { ConformancePool } from './pool.ts'

/* How an answer travels: in the query, in the fragment, by a form; and the implicit flow, whose answer is the tokens. */

const app = 'com.example.app:/callback'
const local = 'http://localhost:4000/callback'

const configuration = configurationOf({
  clients: {
    implicit: { AllowedOAuthFlows: ['implicit'], CallbackURLs: [callback, app, local] },
    both: { AllowedOAuthFlows: ['code', 'implicit'] },
    several: { CallbackURLs: [callback, app, local] },
  },
})

const single = (parameters: URLSearchParams): Record<string, string> => {
  expect(new Set(parameters.keys()).size).toBe(parameters.size)
  return Object.fromEntries(parameters)
}
const fragmentOf = (url: URL): Record<string, string> => single(new URLSearchParams(url.hash.slice(1)))

/** The page that posts the answer to the app: where, and what. */
function postOf(page: VisitedPage): { action: string; fields: Record<string, string> } {
  const $ = load(page.html)
  const inputs = $('form input')
    .toArray()
    .map((input): [string, string] => [$(input).attr('name') ?? '', $(input).attr('value') ?? ''])
  expect($('form').length).toBe(1)
  expect($('form').attr('method')).toBe('post')
  expect($('form button').text()).toBe('Continue')
  return {
    action: $('form').attr('action') ?? '',
    fields: single(new URLSearchParams(inputs)),
  }
}

/** Without PKCE, which an implicit answer does not need. */
const implicit = {
  client_id: 'implicit',
  response_type: 'token',
  code_challenge: undefined,
  code_challenge_method: undefined,
}

describe.each(databaseKinds)('on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    pool = await startPool({ database, configuration })
  })
  afterAll(() => pool.stop())

  /** Signs in where the login page comes, and stays on the page that posts the answer. */
  async function postedAnswer(parameters: Record<string, string | undefined>) {
    const agent = createUserAgent(pool.base)
    const browser = createBrowser(pool.base)
    const request = new URL((await browser.authorize()).request.url)
    const all = { ...Object.fromEntries(request.searchParams), response_mode: 'form_post', ...parameters }
    const pairs = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined)
    const page = await agent.visit(`${pool.base}/oauth2/authorize?${new URLSearchParams(pairs).toString()}`)
    return page.url.pathname === '/login' ? page.submit({ username: 'ana', password }) : page
  }

  describe('the implicit flow', () => {
    test('answers with the tokens in the fragment, and with no refresh token', async () => {
      const { answer, request } = await createBrowser(pool.base).authorize(implicit)
      expect(answer.search).toBe('')
      const fragment = fragmentOf(answer)
      expect(fragment).toEqual({
        access_token: expect.any(String) as string,
        id_token: expect.any(String) as string,
        token_type: 'Bearer',
        expires_in: '3600',
        state: request.state,
        iss: pool.issuer,
      })
      const keys = createRemoteJWKSet(new URL(`${pool.issuer}/.well-known/jwks.json`))
      const id = await jwtVerify(fragment['id_token'] ?? '', keys, { issuer: pool.issuer, audience: 'implicit' })
      const access = await jwtVerify(fragment['access_token'] ?? '', keys, { issuer: pool.issuer })
      const half = createHash('sha256')
        .update(fragment['access_token'] ?? '')
        .digest()
        .subarray(0, 16)
      expect(id.payload).toMatchObject({
        token_use: 'id',
        nonce: request.nonce,
        at_hash: half.toString('base64url'),
        'cognito:username': 'ana',
        email: 'ana@example.org',
      })
      expect(access.payload).toMatchObject({ token_use: 'access', client_id: 'implicit', username: 'ana' })
      expect(access.payload['origin_jti']).toBe(id.payload['origin_jti'])
      expect(access.payload.exp! - access.payload.iat!).toBe(3600)
    })

    test('its access token works at userInfo', async () => {
      const { answer } = await createBrowser(pool.base).authorize(implicit)
      const response = await userInfo(pool.base, fragmentOf(answer)['access_token'] ?? '')
      expect([response.status, await response.json()]).toMatchObject([200, { username: 'ana' }])
    })

    test('without openid gives an access token alone, with the resource as its audience', async () => {
      const { answer } = await createBrowser(pool.base).authorize({
        ...implicit,
        scope: 'api/read',
        nonce: undefined,
        resource: 'https://api.example.com/v1',
      })
      const fragment = fragmentOf(answer)
      expect(Object.keys(fragment).toSorted()).toEqual(['access_token', 'expires_in', 'iss', 'state', 'token_type'])
      expect(decode(fragment['access_token'])).toMatchObject({ scope: 'api/read', aud: 'https://api.example.com/v1' })
    })

    test('needs neither a nonce nor a state, and takes the only registered address', async () => {
      const { answer } = await createBrowser(pool.base).authorize({
        ...implicit,
        client_id: 'both',
        redirect_uri: undefined,
        nonce: undefined,
        state: undefined,
        scope: undefined,
      })
      const fragment = fragmentOf(answer)
      expect(answer.origin + answer.pathname).toBe(callback)
      expect(fragment).not.toHaveProperty('state')
      expect(decode(fragment['id_token'])).not.toHaveProperty('nonce')
    })

    test('a browser that is signed in gets new tokens in silence; one that is not is told so', async () => {
      const browser = createBrowser(pool.base)
      const early = await browser.authorize({ ...implicit, prompt: 'none' })
      expect(fragmentOf(early.answer)).toMatchObject({ error: 'login_required', state: early.request.state })
      const first = fragmentOf((await browser.authorize(implicit)).answer)
      const second = fragmentOf((await browser.authorize({ ...implicit, prompt: 'none' })).answer)
      const [before, after] = [decode(first['access_token']), decode(second['access_token'])]
      expect(after['auth_time']).toBe(before['auth_time'])
      expect(after['jti']).not.toBe(before['jti'])
      expect(after['origin_jti']).not.toBe(before['origin_jti'])
    })

    test('writes the tokens nowhere but into the address', async () => {
      const browser = createBrowser(pool.base)
      await browser.authorize(implicit)
      const { request } = await browser.authorize({ ...implicit, prompt: 'none' })
      const response = await browser.agent.request(request.url)
      expect(response.status).toBe(303)
      expect(response.headers.get('location')).toContain('#')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await response.text()).toBe('')
    })

    test('a user who is switched off at that very moment gets an error in the fragment', async () => {
      const browser = createBrowser(pool.base)
      await browser.authorize(implicit)
      const { grants, users } = pool.domain.store
      const { addCode } = grants
      const switchTo = (sub: string, enabled: boolean) => users.update(poolId, sub, { enabled }, new Date())
      let sub = ''
      grants.addCode = async (code) => {
        await addCode(code)
        sub = code.userSub
        await switchTo(sub, false)
      }
      try {
        const { answer, request } = await browser.authorize(implicit)
        expect(fragmentOf(answer)).toEqual({
          error: 'access_denied',
          error_description: expect.any(String) as string,
          state: request.state,
          iss: pool.issuer,
        })
      } finally {
        grants.addCode = addCode
        await switchTo(sub, true)
      }
    })

    test('a client has it only if it is told so, and the code flow only if it has that one', async () => {
      for (const response_type of ['token', 'code']) {
        const client_id = response_type === 'token' ? 'app' : 'implicit'
        const { answer, request } = await createBrowser(pool.base).authorize({ client_id, response_type })
        const told = response_type === 'token' ? fragmentOf(answer) : single(answer.searchParams)
        expect(told).toMatchObject({ error: 'unauthorized_client', state: request.state, iss: pool.issuer })
      }
    })

    test('its client may neither redeem codes nor refresh', async () => {
      const { answer, request } = await createBrowser(pool.base).authorize()
      const code = { ...codeForm(answer, request), client_id: 'implicit' }
      expect((await requestTokens(pool.base, code)).body.error).toBe('unauthorized_client')
      const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'implicit' }
      expect((await requestTokens(pool.base, form)).body.error).toBe('unauthorized_client')
    })

    test.each([
      'id_token',
      'id_token token',
      'token id_token',
      'token token',
      'code token',
      'code code',
      ' code',
      'none',
    ])('response type %j is none', async (response_type) => {
      for (const client_id of ['implicit', 'both']) {
        const { answer } = await createBrowser(pool.base).authorize({ ...implicit, client_id, response_type })
        const told = answer.hash === '' ? single(answer.searchParams) : fragmentOf(answer)
        expect(told['error']).toBe('unsupported_response_type')
        expect(answer.hash !== '').toBe(/\b(id_)?token\b/.test(response_type))
      }
    })

    test('tokens never travel in a query', async () => {
      const { answer, request } = await createBrowser(pool.base).authorize({ ...implicit, response_mode: 'query' })
      expect(answer.search).toBe('')
      expect(fragmentOf(answer)).toMatchObject({ error: 'invalid_request', state: request.state })
    })

    test('a challenge sent along is checked, and not in the way', async () => {
      const good = await createBrowser(pool.base).authorize({ client_id: 'implicit', response_type: 'token' })
      expect(fragmentOf(good.answer)).toHaveProperty('access_token')
      const bad = await createBrowser(pool.base).authorize({
        client_id: 'implicit',
        response_type: 'token',
        code_challenge_method: 'plain',
      })
      expect(fragmentOf(bad.answer)).toMatchObject({ error: 'invalid_request' })
    })

    test('reaches an app by its own scheme', async () => {
      const { answer } = await createBrowser(pool.base).authorize({ ...implicit, redirect_uri: app })
      expect(answer.href.startsWith(`${app}#`)).toBe(true)
      expect(fragmentOf(answer)).toHaveProperty('access_token')
    })

    test('signing out with response_type=token leads to a login that answers with tokens', async () => {
      const browser = createBrowser(pool.base)
      await browser.authorize(implicit)
      const query = new URLSearchParams({ client_id: 'implicit', redirect_uri: callback, response_type: 'token' })
      const login = await browser.agent.visit(`/logout?${query.toString()}`)
      expect(login.heading).toBe('Sign in')
      const answer = await login.submit({ username: 'ana', password })
      expect(fragmentOf(answer.url)).toHaveProperty('access_token')
    })
  })

  describe('response_mode', () => {
    test.each([
      ['code', undefined, 'query'],
      ['code', '', 'query'],
      ['code', 'query', 'query'],
      ['code', 'fragment', 'fragment'],
      ['token', undefined, 'fragment'],
      ['token', 'fragment', 'fragment'],
    ])('%s by %s comes in the %s', async (response_type, response_mode, where) => {
      const { answer, request } = await createBrowser(pool.base).authorize({
        client_id: 'both',
        response_type,
        response_mode,
      })
      const told = where === 'query' ? single(answer.searchParams) : fragmentOf(answer)
      expect(where === 'query' ? answer.hash : answer.search).toBe('')
      expect(told).toMatchObject({ state: request.state, iss: pool.issuer })
      expect(told).toHaveProperty(response_type === 'code' ? 'code' : 'access_token')
    })

    test('form_post is a page that posts the code to the app, and nowhere else', async () => {
      const page = await postedAnswer({ state: '"><b>s' })
      expect([page.status, page.heading]).toEqual([200, 'Taking you back to the app'])
      const { action, fields } = postOf(page)
      expect(action).toBe(callback)
      expect(fields).toEqual({ code: expect.any(String) as string, state: '"><b>s', iss: pool.issuer })
      expect(page.html).not.toContain('<b>s')
      const policy = page.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain('form-action https://app.example.com;')
      expect(policy).toContain("frame-ancestors 'none'")
      expect(page.headers.get('cache-control')).toBe('no-store')
      expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    })

    test('form_post: the code works', async () => {
      const browser = createBrowser(pool.base)
      const { request } = await browser.authorize()
      const page = await browser.agent.visit(`${request.url}&response_mode=form_post`)
      const { code = '' } = postOf(page).fields
      const form = { grant_type: 'authorization_code', client_id: 'app', code, redirect_uri: callback }
      const tokens = await requestTokens(pool.base, { ...form, code_verifier: request.codeVerifier })
      expect(tokens.status).toBe(200)
    })

    test('form_post carries the tokens of the implicit flow too', async () => {
      const { action, fields } = postOf(await postedAnswer(implicit))
      expect(action).toBe(callback)
      expect(fields).toMatchObject({ token_type: 'Bearer', expires_in: '3600' })
      expect(decode(fields['id_token'])).toMatchObject({ aud: 'implicit' })
    })

    test.each([
      ['of ours', { scope: 'nonsense' }, 'invalid_scope'],
      ['of the engine', { code_challenge_method: 'plain' }, 'invalid_request'],
      ['of a silent request', { prompt: 'none' }, 'login_required'],
    ])('form_post: an error %s is posted as well', async (_what, parameters, error) => {
      const page = await postedAnswer({ state: 's', ...parameters })
      expect(page.status).toBe(200)
      const { action, fields } = postOf(page)
      expect(action).toBe(callback)
      expect(fields).toMatchObject({ error, state: 's', iss: pool.issuer })
    })

    test('form_post: the page speaks the language of the request', async () => {
      expect((await postedAnswer({ lang: 'de' })).heading).toBe('Es geht zurück zur App')
      expect((await postedAnswer({ ui_locales: 'ar', scope: 'nonsense' })).html).toContain('dir="rtl"')
    })

    test('form_post reaches a loopback address, and no scheme of an app', async () => {
      const page = await postedAnswer({ client_id: 'several', redirect_uri: local })
      expect(postOf(page).action).toBe(local)
      expect(page.headers.get('content-security-policy')).toContain('form-action http://localhost:4000;')
      const refused = await postedAnswer({ client_id: 'several', redirect_uri: app })
      expect(refused.url.protocol).toBe('com.example.app:')
      expect(refused.url.searchParams.get('error')).toBe('invalid_request')
    })

    test.each(['code.form_post', 'token.fragment', 'token.form_post', 'FRAGMENT', 'query fragment', '__proto__'])(
      '%s is none',
      async (response_mode) => {
        for (const parameters of [{ client_id: 'both' }, { ...implicit, client_id: 'both' }]) {
          const { answer } = await createBrowser(pool.base).authorize({ ...parameters, response_mode })
          const told = 'response_type' in parameters ? fragmentOf(answer) : single(answer.searchParams)
          expect(told).toMatchObject({ error: 'invalid_request', error_description: 'response_mode is not supported' })
        }
      },
    )
  })
})
