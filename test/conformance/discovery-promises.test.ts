import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, decode, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { callback, codeForm, configurationOf, createBrowser, password, secret, startPool, userInfo } from './pool.ts'
import type { ConformancePool } from './pool.ts'

/* What the discovery document says is there is tried out, member by member; and some of what it does not name. */

interface Discovery {
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  revocation_endpoint: string
  end_session_endpoint: string
  jwks_uri: string
  response_types_supported: string[]
  response_modes_supported: string[]
  grant_types_supported: string[]
  subject_types_supported: string[]
  id_token_signing_alg_values_supported: string[]
  scopes_supported: string[]
  token_endpoint_auth_methods_supported: string[]
  revocation_endpoint_auth_methods_supported: string[]
  code_challenge_methods_supported: string[]
  prompt_values_supported: string[]
  claims_supported: string[]
  authorization_response_iss_parameter_supported: boolean
}

const scopes = [
  'openid',
  'email',
  'phone',
  'profile',
  'aws.cognito.signin.user.admin',
  'api/read',
  'api/write',
  'api/unused',
]

let pool: ConformancePool
let discovery: Discovery
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        both: { AllowedOAuthFlows: ['code', 'implicit'], AllowedOAuthScopes: scopes, RequirePkce: false },
      },
    }),
  })
  discovery = (await (await fetch(`${pool.issuer}/.well-known/openid-configuration`)).json()) as Discovery
})
afterAll(() => pool.stop())

/** Signs in at the endpoint that the document names, and returns the answer however it travels. */
async function answerTo(parameters: Record<string, string>): Promise<URLSearchParams> {
  const query = new URLSearchParams({
    client_id: 'both',
    redirect_uri: callback,
    nonce: 'n',
    state: 's',
    ...parameters,
  })
  let page = await createUserAgent(pool.base).visit(`${discovery.authorization_endpoint}?${query.toString()}`)
  if (page.heading === 'Sign in') page = await page.submit({ username: 'ana', password })
  if (page.url.hash !== '') return new URLSearchParams(page.url.hash.slice(1))
  if (page.status === 0) return page.url.searchParams
  const $ = load(page.html)
  expect($('form').attr('action')).toBe(callback)
  const inputs = $('form input').toArray()
  return new URLSearchParams(
    inputs.map((each): [string, string] => [$(each).attr('name') ?? '', $(each).attr('value') ?? '']),
  )
}

test('response types and modes: each pair answers, but tokens never in a query', async () => {
  const carried: Record<string, string> = { code: 'code', token: 'access_token' }
  expect(Object.keys(carried).toSorted()).toEqual(discovery.response_types_supported.toSorted())
  for (const response_type of discovery.response_types_supported) {
    for (const response_mode of discovery.response_modes_supported) {
      const answer = await answerTo({ response_type, response_mode, scope: 'openid' })
      const refused = response_type === 'token' && response_mode === 'query'
      expect([response_type, response_mode, answer.get('error')]).toEqual([
        response_type,
        response_mode,
        refused ? 'invalid_request' : null,
      ])
      expect(answer.has(carried[response_type] ?? '')).toBe(!refused)
      expect(answer.get('iss') === pool.issuer).toBe(discovery.authorization_response_iss_parameter_supported)
    }
  }
  for (const response_mode of ['query.jwt', 'fragment.jwt', 'form_post.jwt', 'jwt', 'web_message']) {
    expect(discovery.response_modes_supported).not.toContain(response_mode)
    expect((await answerTo({ response_type: 'code', response_mode })).get('error')).toBe('invalid_request')
  }
})

test('every scope may be asked for, and is granted', async () => {
  expect(discovery.scopes_supported.toSorted()).toEqual(scopes.toSorted())
  for (const scope of discovery.scopes_supported) {
    const asked = ['email', 'phone', 'profile'].includes(scope) ? `openid ${scope}` : scope
    const parameters = asked.includes('openid') ? {} : { nonce: '' }
    const answer = await answerTo({ response_type: 'token', scope: asked, ...parameters })
    expect([scope, decode(answer.get('access_token') ?? '')['scope']]).toEqual([scope, asked])
  }
})

test('grant types: each is one, and no other is', async () => {
  const errors: Record<string, string | undefined> = {}
  for (const grant_type of [
    ...discovery.grant_types_supported,
    'password',
    'urn:ietf:params:oauth:grant-type:device_code',
  ]) {
    const { body } = await requestTokens(pool.base, { grant_type, client_id: 'app', code: 'x', refresh_token: 'x' })
    errors[grant_type] = body.error
  }
  expect(errors).toEqual({
    authorization_code: 'invalid_grant',
    refresh_token: 'invalid_grant',
    client_credentials: 'unauthorized_client',
    // RFC 8414 names it among the grant types; it never sees the token endpoint.
    implicit: 'unsupported_grant_type',
    password: 'unsupported_grant_type',
    'urn:ietf:params:oauth:grant-type:device_code': 'unsupported_grant_type',
  })
})

describe('client authentication', () => {
  const ways: Record<string, { client: string; form: Record<string, string>; headers: Record<string, string> }> = {
    client_secret_basic: { client: 'backend', form: {}, headers: { authorization: basic('backend', secret) } },
    client_secret_post: { client: 'backend', form: { client_id: 'backend', client_secret: secret }, headers: {} },
    none: { client: 'app', form: { client_id: 'app' }, headers: {} },
  }

  test('each listed way works at the token and the revocation endpoint', async () => {
    expect(Object.keys(ways).toSorted()).toEqual(discovery.token_endpoint_auth_methods_supported.toSorted())
    expect(Object.keys(ways).toSorted()).toEqual(discovery.revocation_endpoint_auth_methods_supported.toSorted())
    for (const [way, { client, form, headers }] of Object.entries(ways)) {
      const { answer, request } = await createBrowser(pool.base).authorize({ client_id: client })
      const { client_id: _id, client_secret: _secret, ...code } = codeForm(answer, request)
      const tokens = await requestTokens(pool.base, { ...code, ...form }, headers)
      expect([way, tokens.status]).toEqual([way, 200])
      const body = new URLSearchParams({ ...form, token: tokens.body.refresh_token ?? '' })
      expect([way, (await fetch(discovery.revocation_endpoint, { method: 'POST', headers, body })).status]).toEqual([
        way,
        200,
      ])
    }
  })
})

test('PKCE: the listed methods, and no other', async () => {
  expect(discovery.code_challenge_methods_supported).toEqual(['S256'])
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWB2DBsGIHtcs'
  for (const code_challenge_method of ['S256', 'plain']) {
    const answer = await answerTo({ response_type: 'code', code_challenge: challenge, code_challenge_method })
    expect(answer.has('code')).toBe(discovery.code_challenge_methods_supported.includes(code_challenge_method))
  }
})

test('the claims are those that are supported, signed as is said, about a subject for all clients', async () => {
  const first = await createBrowser(pool.base).signIn()
  const second = await createBrowser(pool.base).signIn({ client_id: 'backend' })
  for (const name of Object.keys(decode(first.idToken)).filter((claim) => !claim.startsWith('custom:'))) {
    expect(discovery.claims_supported).toContain(name)
  }
  expect(discovery.subject_types_supported).toEqual(['public'])
  expect(decode(second.idToken)['sub']).toBe(decode(first.idToken)['sub'])
  const header = JSON.parse(Buffer.from(first.idToken.split('.')[0] ?? '', 'base64url').toString()) as Record<
    string,
    string
  >
  expect(discovery.id_token_signing_alg_values_supported).toContain(header['alg'])
  const { keys } = (await (await fetch(discovery.jwks_uri)).json()) as { keys: { kid: string }[] }
  expect(keys.map(({ kid }) => kid)).toContain(header['kid'])
})

test('every endpoint is where it is said to be', async () => {
  const { accessToken, idToken } = await createBrowser(pool.base).signIn()
  expect(discovery.userinfo_endpoint).toBe(`${pool.base}/oauth2/userInfo`)
  expect((await userInfo(pool.base, accessToken)).status).toBe(200)
  expect((await fetch(discovery.token_endpoint, { method: 'POST', body: new URLSearchParams() })).status).toBe(400)
  const query = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: 'https://app.example.com/' })
  const signedOut = await fetch(`${discovery.end_session_endpoint}?${query.toString()}`, { redirect: 'manual' })
  expect([signedOut.status, signedOut.headers.get('location')]).toEqual([303, 'https://app.example.com/'])
})

test('every prompt value leads somewhere, and one that is not listed is refused', async () => {
  for (const prompt of discovery.prompt_values_supported) {
    const query = new URLSearchParams({ client_id: 'both', response_type: 'code', scope: 'openid', prompt })
    const page = await createUserAgent(pool.base).visit(`${discovery.authorization_endpoint}?${query.toString()}`)
    if (prompt === 'none') expect(page.url.searchParams.get('error')).toBe('login_required')
    else expect([prompt, page.status]).toEqual([prompt, 200])
  }
  expect((await answerTo({ response_type: 'code', prompt: 'nonsense' })).get('error')).toBe('invalid_request')
})

test('what is said not to be there is refused, or passed over', async () => {
  expect(discovery).toMatchObject({
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
  })
  const refused = [
    { request: 'e30.e30.', error: 'request_not_supported' },
    { request_uri: 'https://evil.example/request.jwt', error: 'request_uri_not_supported' },
  ]
  for (const { error, ...parameters } of refused) {
    const sent = Object.fromEntries(Object.entries(parameters)) as Record<string, string>
    expect((await answerTo({ response_type: 'code', ...sent })).get('error')).toBe(error)
  }
  expect((await answerTo({ response_type: 'code', claims: '{"id_token":{"email":null}}' })).has('code')).toBe(true)
})
