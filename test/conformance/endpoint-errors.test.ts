import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, requestTokens } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { callback, codeForm, configurationOf, createBrowser, refresh, secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'
import type { RawAnswer } from './raw-request.ts'

/* The errors of the three endpoints that apps call, as the reference has them: hosted UI §5, §6 and §7. */

let pool: ConformancePool
let browser: Browser
beforeAll(async () => {
  const clients = {
    closed: { AllowedOAuthFlowsUserPoolClient: false },
    closedMachine: { ClientSecret: secret, AllowedOAuthFlows: ['client_credentials'], ...closed },
    half: { ReadAttributes: ['email', 'given_name'] },
  }
  pool = await startPool({ configuration: configurationOf({ clients }) })
  browser = createBrowser(pool.base)
  await browser.authorize()
})
afterAll(() => pool.stop())

const closed = { AllowedOAuthFlowsUserPoolClient: false, AllowedOAuthScopes: ['api/read'] }
const formType = 'application/x-www-form-urlencoded'

const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  rawRequest(pool.port, path, {
    method: 'POST',
    headers: { host: new URL(pool.base).host, 'content-type': formType, ...headers },
    body,
  })

/** What every refusal of these endpoints has in common. */
function expectError(answer: RawAnswer, status: number, error: string): void {
  expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(`"error":"${error}"`)])
  const body = JSON.parse(answer.body) as Record<string, string>
  expect(body['error']).toBe(error)
  expect(Object.keys(body).filter((name) => !/^error(_description|_message)?$/.test(name))).toEqual([])
  expect(answer.headers['content-type']).toMatch(/^application\/json(;|$)/)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
  expect(answer.headers['x-amzn-requestid']).toMatch(/^[\da-f-]{36}$/)
  expect(answer.headers['x-amz-cognito-request-id']).toBe(answer.headers['x-request-id'])
  expect(answer.body).not.toContain(secret)
}

const huge = 'x'.repeat(100_000)

/** Values that no parameter has by right, as they stand in a form. */
const hostile: readonly [string, string][] = [
  ['a zero byte', '%00'],
  ['a zero byte within', 'a%00b'],
  ['a line break', 'a%0D%0Ab: c'],
  ['bytes that are no UTF-8', '%ff%fe%c0%80'],
  ['an encoding cut short', '%e0%a4'],
  ['a lone percent sign', '%'],
  ['half a surrogate pair', '%ed%a0%80'],
  ['markup', '%3Cscript%3Ealert(1)%3C/script%3E'],
  ['an object', '%7B%22a%22:1%7D'],
  ['a quotation', "'%20or%201=1%20--"],
]

describe('the token endpoint', () => {
  const good: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    authorization_code: { client_id: 'app', code: 'x', redirect_uri: callback, code_verifier: 'v'.repeat(43) },
    refresh_token: { client_id: 'app', refresh_token: 'x', scope: 'openid' },
    client_credentials: {
      client_id: 'machine',
      client_secret: secret,
      scope: 'api/read',
      aws_client_metadata: '{"a":"b"}',
    },
  }
  const formOf = (grantType: string, change: Readonly<Record<string, string | undefined>> = {}): URLSearchParams => {
    const all = Object.entries({ grant_type: grantType, ...good[grantType], ...change })
    return new URLSearchParams(all.filter((pair): pair is [string, string] => pair[1] !== undefined))
  }
  const parameters = Object.entries(good).flatMap(([grantType, values]) =>
    ['grant_type', ...Object.keys(values)].map((name) => [grantType, name] as const),
  )
  /** With this parameter in order: what is wrong is only that there is no such code or token. */
  const otherwise: Readonly<Record<string, string>> = {
    authorization_code: 'invalid_grant',
    refresh_token: 'invalid_grant',
  }

  test.each(Object.keys(good))('%s, in order, is answered', async (grantType) => {
    const answer = await post('/oauth2/token', formOf(grantType).toString())
    const error = otherwise[grantType]
    if (error === undefined) expect(answer.status).toBe(200)
    else expectError(answer, 400, error)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['x-amzn-requestid']).toBe(answer.headers['x-request-id'])
  })

  test.each(parameters)('%s with %s twice is an invalid_request', async (grantType, name) => {
    const form = formOf(grantType)
    form.append(name, form.get(name) ?? '')
    expectError(await post('/oauth2/token', form.toString()), 400, 'invalid_request')
  })

  const missing: Readonly<Record<string, string>> = {
    'authorization_code grant_type': 'invalid_request',
    'authorization_code client_id': 'invalid_request',
    'authorization_code code': 'invalid_request',
    'refresh_token grant_type': 'invalid_request',
    'refresh_token client_id': 'invalid_request',
    'refresh_token refresh_token': 'invalid_request',
    'client_credentials grant_type': 'invalid_request',
    'client_credentials client_id': 'invalid_request',
    'client_credentials client_secret': 'invalid_client',
  }
  test.each(parameters)('%s without %s', async (grantType, name) => {
    const absent = await post('/oauth2/token', formOf(grantType, { [name]: undefined }).toString())
    const empty = await post('/oauth2/token', formOf(grantType, { [name]: '' }).toString())
    const error = missing[`${grantType} ${name}`] ?? otherwise[grantType]
    if (error === undefined) expect([absent.status, empty.status]).toEqual([200, 200])
    else for (const answer of [absent, empty]) expectError(answer, 400, error)
  })

  test.each(parameters)('%s with 100 kB of %s is an invalid_request', async (grantType, name) => {
    expectError(await post('/oauth2/token', formOf(grantType, { [name]: huge }).toString()), 400, 'invalid_request')
  })

  const wrong: Readonly<Record<string, string>> = {
    grant_type: 'unsupported_grant_type',
    client_id: 'invalid_client',
    client_secret: 'invalid_client',
    code: 'invalid_grant',
    redirect_uri: 'invalid_grant',
    code_verifier: 'invalid_grant',
    refresh_token: 'invalid_grant',
    scope: 'invalid_scope',
    aws_client_metadata: 'invalid_request',
  }
  test.each(parameters)('%s with a hostile %s is refused, never a fault of ours', async (grantType, name) => {
    for (const [, value] of hostile) {
      const form = formOf(grantType, { [name]: undefined }).toString()
      const answer = await post('/oauth2/token', `${form}&${name}=${value}`)
      const { error } = JSON.parse(answer.body) as { error: string }
      // Characters that no scope can have are told before the token is looked at; others are simply not granted.
      const errors = name === 'scope' ? ['invalid_scope', otherwise[grantType] ?? 'invalid_scope'] : [wrong[name]]
      expect(errors, `${name}=${value}`).toContain(error)
      expectError(answer, 400, error)
    }
  })

  test.each(parameters)('%s with %s as an array or an object has none', async (grantType, name) => {
    for (const suffix of ['[]', '[0]', '[a]', '.a']) {
      const form = formOf(grantType, { [name]: undefined }).toString()
      const value = good[grantType]?.[name] ?? grantType
      const answer = await post('/oauth2/token', `${form}&${name}${encodeURIComponent(suffix)}=${value}`)
      const error = missing[`${grantType} ${name}`] ?? otherwise[grantType]
      if (error === undefined) expect(answer.status).toBe(200)
      else expectError(answer, 400, error)
    }
  })

  test('takes names that are known to every object for what they are', async () => {
    const answer = await post('/oauth2/token', '__proto__=x&constructor=y&hasOwnProperty=z&grant_type=toString')
    expectError(answer, 400, 'invalid_request')
  })

  test.each([
    ['one of the client’s own', 'api/read', 200, undefined],
    ['one of the pool’s that is not the client’s', 'api/unused', 400, 'invalid_grant'],
    ['one of each', 'api/read api/unused', 400, 'invalid_grant'],
    ['one that exists nowhere', 'api/nonsense', 400, 'invalid_scope'],
    ['one of a resource server that is none', 'other/read', 400, 'invalid_scope'],
    ['one for people', 'openid', 400, 'invalid_scope'],
    ['one in other letters', 'API/READ', 400, 'invalid_scope'],
  ])('client credentials for %s', async (_what, scope, status, error) => {
    const { status: got, body } = await requestTokens(pool.base, { ...client('machine'), scope })
    expect([got, body.error]).toEqual([status, error])
  })

  const client = (id: string): Record<string, string> => ({
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
  })

  test.each(['[]', '"a"', '1', 'null', '{"a":1}', '{"a":{}}', '{"a":["b"]}', '{', '{}}'])(
    'client credentials with the metadata %s are an invalid_request',
    async (metadata) => {
      const answer = await post(
        '/oauth2/token',
        formOf('client_credentials', { aws_client_metadata: metadata }).toString(),
      )
      expectError(answer, 400, 'invalid_request')
    },
  )

  test('an app client that is closed to OAuth gets nothing, and no page', async () => {
    for (const [form, headers] of [
      [{ grant_type: 'authorization_code', client_id: 'closed', code: 'x' }, {}],
      [{ grant_type: 'refresh_token', client_id: 'closed', refresh_token: 'x' }, {}],
      [{ grant_type: 'client_credentials' }, { authorization: basic('closedMachine', secret) }],
    ] as [Record<string, string>, Record<string, string>][]) {
      const answer = await post('/oauth2/token', new URLSearchParams(form).toString(), headers)
      expectError(answer, 400, 'unauthorized_client')
    }
    const page = await createBrowser(pool.base).authorize({ client_id: 'closed' })
    expect(page.answer.searchParams.get('error')).toBe('unauthorized_client')
  })

  test('a redirect URI that is another one is unauthorized_client, invalid_redirect', async () => {
    const { answer, request } = await browser.authorize()
    const form = codeForm(answer, request)
    for (const redirectUri of [`${callback}/`, 'https://evil.example/', undefined]) {
      const { redirect_uri: _left, ...rest } = form
      const sent = redirectUri === undefined ? rest : { ...rest, redirect_uri: redirectUri }
      const refused = await post('/oauth2/token', new URLSearchParams(sent).toString())
      expectError(refused, 400, 'unauthorized_client')
      const described = { error_description: 'invalid_redirect', error_message: 'invalid_redirect' }
      expect(JSON.parse(refused.body)).toMatchObject(described)
    }
    expect((await requestTokens(pool.base, form)).status).toBe(200)
  })

  test('a scope whose attributes the client may not read is an invalid_grant; what is not asked for is no matter', async () => {
    const ask = async (scope?: string): Promise<TokenResponse> => {
      const { answer, request } = await browser.authorize({ client_id: 'half', scope })
      return requestTokens(pool.base, codeForm(answer, request))
    }
    expect((await ask('openid email')).body.error).toBe('invalid_grant')
    expect((await ask('openid phone')).body.error).toBe('invalid_grant')
    expect((await ask('openid profile')).status).toBe(200)
    const all = await ask()
    expect(all.body.scope).toBe('openid profile aws.cognito.signin.user.admin api/read api/write')
    expect((await refresh(pool.base, all.body.refresh_token ?? '', { client_id: 'half' })).status).toBe(200)
  })

  test.each([
    ['an unknown client', { client_id: 'nobody' }, {}, 400],
    ['a confidential client without its secret', { client_id: 'backend' }, {}, 400],
    ['a wrong secret', { client_id: 'backend', client_secret: 'wrong' }, {}, 400],
    ['a wrong secret by Basic', {}, { authorization: basic('backend', 'wrong') }, 401],
    ['an unknown client by Basic', {}, { authorization: basic('nobody', secret) }, 401],
    ['the right id beside a wrong Basic', { client_id: 'backend' }, { authorization: basic('backend', 'wrong') }, 401],
  ] as [string, Record<string, string>, Record<string, string>, number][])(
    'invalid_client: %s',
    async (_what, form, headers, status) => {
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', ...form })
      const answer = await post('/oauth2/token', body.toString(), headers)
      expectError(answer, status, 'invalid_client')
      // RFC 9110 §11.6.1: with 401, and only there.
      if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="/)
      else expect(answer.headers['www-authenticate']).toBeUndefined()
    },
  )

  test.each([
    ['the same id beside Basic', { client_id: 'backend' }, 'invalid_grant'],
    ['another id beside Basic', { client_id: 'app' }, 'invalid_request'],
    ['the same id in other letters', { client_id: 'BACKEND' }, 'invalid_request'],
    ['the secret twice', { client_id: 'backend', client_secret: secret }, 'invalid_request'],
  ] as [string, Record<string, string>, string][])('Basic with %s', async (_what, form, error) => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', ...form })
    const answer = await post('/oauth2/token', body.toString(), { authorization: basic('backend', secret) })
    expectError(answer, 400, error)
  })

  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'nonsense'])(
    'a body of the type %s is an invalid_request',
    async (type) => {
      const body = formOf('client_credentials').toString()
      expectError(await post('/oauth2/token', body, { 'content-type': type }), 400, 'invalid_request')
    },
  )
})

describe('the revocation endpoint', () => {
  const names = ['client_id', 'token'] as const
  const good = { client_id: 'app', token: 'x' }
  const without = (name: string): string =>
    new URLSearchParams(
      Object.entries({ ...good, token_type_hint: 'refresh_token' }).filter(([key]) => key !== name),
    ).toString()
  const errorOf = { client_id: [401, 'invalid_client'], token: [400, 'invalid_request'] } as const

  test.each(names)('without %s', async (name) => {
    const [status, error] = errorOf[name]
    for (const body of [without(name), `${without(name)}&${name}=`, `${without(name)}&${name}[]=x`]) {
      expectError(await post('/oauth2/revoke', body), status, error)
    }
  })

  test.each([...names, 'token_type_hint'])('with %s twice is an invalid_request', async (name) => {
    expectError(await post('/oauth2/revoke', `${without('')}&${name}=x`), 400, 'invalid_request')
  })

  test.each(names)('with 100 kB of %s is an invalid_request', async (name) => {
    expectError(await post('/oauth2/revoke', `${without(name)}&${name}=${huge}`), 400, 'invalid_request')
  })

  test.each(hostile)('with a token of %s is done, for there is none', async (_what, value) => {
    const answer = await post('/oauth2/revoke', `${without('token')}&token=${value}`)
    expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([200, '', undefined])
    expect(answer.headers['x-amzn-requestid']).toBe(answer.headers['x-request-id'])
  })

  test.each(hostile)('with a client of %s is an invalid_client', async (_what, value) => {
    expectError(await post('/oauth2/revoke', `${without('client_id')}&client_id=${value}`), 401, 'invalid_client')
  })

  test('an access or ID token is an unsupported_token_type; a client without revocation an invalid_request', async () => {
    const { accessToken, idToken } = await browser.signIn()
    for (const token of [accessToken, idToken]) {
      expectError(await post('/oauth2/revoke', `client_id=app&token=${token}`), 400, 'unsupported_token_type')
    }
    expectError(await post('/oauth2/revoke', 'client_id=irrevocable&token=x'), 400, 'invalid_request')
  })

  test('the secret in the header and in the body at once is no authentication', async () => {
    const body = new URLSearchParams({ token: 'x', client_id: 'backend', client_secret: secret }).toString()
    expectError(await post('/oauth2/revoke', body, { authorization: basic('backend', secret) }), 401, 'invalid_client')
  })

  test.each(['application/json', 'text/plain', 'nonsense'])('a body of the type %s', async (type) => {
    expectError(await post('/oauth2/revoke', without(''), { 'content-type': type }), 400, 'invalid_request')
  })
})

describe('the userInfo endpoint', () => {
  const bad = 'Bearer error="invalid_request", error_description="Bad OAuth2 request at UserInfo Endpoint"'
  const dead =
    'Bearer error="invalid_token", error_description="Access token is expired, disabled, or deleted, or the user has globally signed out."'
  const ask = (authorization: string | undefined): Promise<RawAnswer> =>
    rawRequest(pool.port, '/oauth2/userInfo', {
      headers: { host: new URL(pool.base).host, ...(authorization === undefined ? {} : { authorization }) },
    })

  test.each([
    ['no header', undefined],
    ['no token', 'Bearer '],
    ['another scheme', basic('backend', 'x')],
    ['an array', 'Bearer[] x'],
    ['two tokens', 'Bearer x y'],
    ['a comma', 'Bearer x, Bearer y'],
  ])('%s is a bad request', async (_what, authorization) => {
    const answer = await ask(authorization)
    expectError(answer, 400, 'invalid_request')
    expect(answer.headers['www-authenticate']).toBe(bad)
    expect(answer.headers['x-frame-options']).toBe('DENY')
  })

  test.each(['x', '%00', '%0A', 'x'.repeat(10_000), 'ÿþ', '<script>', 'e30.e30.', '....', '"\\"'])(
    'the token %.20j is a dead one',
    async (token) => {
      const answer = await ask(`Bearer ${token}`)
      expectError(answer, 401, 'invalid_token')
      expect(answer.headers['www-authenticate']).toBe(dead)
    },
  )

  test('100 kB of token are not read, and the server goes on', async () => {
    // The connection may be closed before all of it is sent.
    const status = await ask(`Bearer ${huge}`).then(
      (answer) => answer.status,
      () => 431,
    )
    expect(status).toBe(431)
    const { accessToken } = await browser.signIn()
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
  })
})

describe('asked by another method', () => {
  test.each([
    ['/oauth2/token', ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'], 'POST'],
    ['/oauth2/revoke', ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'], 'POST'],
    ['/oauth2/userInfo', ['PUT', 'DELETE', 'PATCH'], 'GET'],
  ])('%s answers 405, in JSON', async (path, methods, allowed) => {
    for (const method of methods) {
      const headers = { host: new URL(pool.base).host, accept: 'text/html' }
      const answer = await rawRequest(pool.port, `${path}?grant_type=client_credentials`, { method, headers })
      expect([method, answer.status, answer.headers['cache-control']]).toEqual([method, 405, 'no-store'])
      expect(answer.headers.allow).toContain(allowed)
      if (method !== 'HEAD') expectError(answer, 405, 'invalid_request')
    }
  })
})
