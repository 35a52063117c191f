import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, decode, requestTokens } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { callback, codeForm, configurationOf, createBrowser, otherPoolId, refresh } from './pool.ts'
import { secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'

const clients = {
  second: { CallbackURLs: [callback, `${callback}/two`] },
  lax: { RequirePkce: false },
  backend2: { ClientSecret: 'an0ther-secret-of-its-own' },
  'odd+name': { ClientSecret: secret },
  coded: { ClientSecret: secret },
}

describe.each(databaseKinds)('a code on %s', (database) => {
  let pool: ConformancePool
  let browser: Browser
  beforeAll(async () => {
    pool = await startPool({ database, configuration: configurationOf({ clients }) })
    browser = createBrowser(pool.base)
    await browser.authorize()
  })
  afterAll(() => pool.stop())

  /** A fresh code of the signed-in browser, and the form that redeems it. */
  const freshForm = async (parameters?: Record<string, string | undefined>): Promise<Record<string, string>> => {
    const { answer, request } = await browser.authorize(parameters)
    return codeForm(answer, request)
  }
  const expectError = ({ status, body }: TokenResponse, expectedStatus: number, error: string): void => {
    expect([status, body.error]).toEqual([expectedStatus, error])
    expect(Object.keys(body).filter((name) => name.includes('token'))).toEqual([])
  }

  test('is redeemed for an access, an ID and a refresh token', async () => {
    const { status, body, headers } = await requestTokens(pool.base, await freshForm())
    expect(status).toBe(200)
    expect(body).toEqual({
      id_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
      refresh_token: expect.stringMatching(/^[\w-]{43}$/) as string,
      expires_in: 3600,
      token_type: 'Bearer',
      scope: 'openid email phone profile aws.cognito.signin.user.admin api/read api/write',
    })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  describe('with one thing wrong is refused, and still good afterwards:', () => {
    const verifier = 'v'.repeat(43)
    const wrong: [string, Record<string, string | undefined>, number, string][] = [
      ['another client', { client_id: 'second' }, 400, 'invalid_grant'],
      ['another redirect URI', { redirect_uri: `${callback}/two` }, 400, 'unauthorized_client'],
      ['a redirect URI in other letters', { redirect_uri: callback.toUpperCase() }, 400, 'unauthorized_client'],
      ['no redirect URI', { redirect_uri: undefined }, 400, 'unauthorized_client'],
      ['a wrong verifier', { code_verifier: verifier }, 400, 'invalid_grant'],
      ['no verifier', { code_verifier: undefined }, 400, 'invalid_grant'],
      ['an empty verifier', { code_verifier: '' }, 400, 'invalid_grant'],
      ['a short verifier', { code_verifier: 'v' }, 400, 'invalid_grant'],
      ['a huge verifier', { code_verifier: 'v'.repeat(10_000) }, 400, 'invalid_grant'],
      ['an unknown client', { client_id: 'nobody' }, 400, 'invalid_client'],
      ['no client', { client_id: undefined }, 400, 'invalid_request'],
      ['a secret of a public client', { client_secret: secret }, 400, 'invalid_client'],
      ['an assertion of a public client', { client_assertion: 'e30.e30.e30' }, 400, 'invalid_client'],
    ]
    test.each(wrong)('%s', async (_what, change, status, error) => {
      const form = await freshForm()
      const changed = Object.entries({ ...form, ...change }).filter(
        (pair): pair is [string, string] => pair[1] !== undefined,
      )
      expectError(await requestTokens(pool.base, Object.fromEntries(changed)), status, error)
      expect((await requestTokens(pool.base, form)).status).toBe(200)
    })

    test.each([
      ['cut short', (code: string) => code.slice(0, -1)],
      ['with more behind it', (code: string) => `${code}A`],
      ['with its last letter changed', (code: string) => code.slice(0, -1) + (code.endsWith('A') ? 'B' : 'A')],
      ['in upper case', (code: string) => code.toUpperCase()],
      ['with a zero byte', (code: string) => `${code}\0`],
      ['of its own', () => 'x'],
      ['huge', () => 'x'.repeat(40_000)],
    ])('the code %s', async (_what, mutate) => {
      const form = await freshForm()
      expectError(await requestTokens(pool.base, { ...form, code: mutate(form['code'] ?? '') }), 400, 'invalid_grant')
      expect((await requestTokens(pool.base, form)).status).toBe(200)
    })

    test('another user pool', async () => {
      const form = await freshForm()
      expectError(await requestTokens(`${pool.base}/${otherPoolId}`, form), 400, 'invalid_grant')
      expect((await requestTokens(pool.base, form)).status).toBe(200)
    })

    test('a verifier where no challenge was sent', async () => {
      const none = { client_id: 'lax', code_challenge: undefined, code_challenge_method: undefined }
      const form = await freshForm(none)
      expectError(await requestTokens(pool.base, { ...form, code_verifier: verifier }), 400, 'invalid_grant')
      expect((await requestTokens(pool.base, form)).status).toBe(200)
    })
  })

  test('lives five minutes', async () => {
    const [early, late] = [await freshForm(), await freshForm()]
    try {
      pool.clock.ahead = 295
      expect((await requestTokens(pool.base, early)).status).toBe(200)
      pool.clock.ahead = 301
      expectError(await requestTokens(pool.base, late), 400, 'invalid_grant')
    } finally {
      pool.clock.ahead = 0
    }
  })

  test('redeemed twice ends what it began', async () => {
    const form = await freshForm()
    const { body } = await requestTokens(pool.base, form)
    expect((await userInfo(pool.base, body.access_token ?? '')).status).toBe(200)
    expectError(await requestTokens(pool.base, form), 400, 'invalid_grant')
    expect((await userInfo(pool.base, body.access_token ?? '')).status).toBe(401)
    expectError(await refresh(pool.base, body.refresh_token ?? ''), 400, 'invalid_grant')
  })

  test('shown again by another client ends nothing', async () => {
    const form = await freshForm()
    const { body } = await requestTokens(pool.base, form)
    expectError(await requestTokens(pool.base, { ...form, client_id: 'second' }), 400, 'invalid_grant')
    expect((await userInfo(pool.base, body.access_token ?? '')).status).toBe(200)
  })

  test('redeemed fifty times at once succeeds once', async () => {
    const form = await freshForm()
    const answers = await Promise.all(Array.from({ length: 50 }, () => requestTokens(pool.base, form)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    for (const answer of answers) if (answer !== won[0]) expectError(answer, 400, 'invalid_grant')
    // Somebody has a copy of the code, so nobody keeps what it gave.
    expectError(await refresh(pool.base, won[0]?.body.refresh_token ?? ''), 400, 'invalid_grant')
    expect((await userInfo(pool.base, won[0]?.body.access_token ?? '')).status).toBe(401)
  })

  describe('of a confidential client', () => {
    const confidential = async (clientId = 'backend'): Promise<Record<string, string>> => {
      const { client_id: _id, client_secret: _secret, ...form } = await freshForm({ client_id: clientId })
      return form
    }

    test('is redeemed with Basic, with Basic and the client id, and with the secret in the body', async () => {
      const headers = { authorization: basic('backend', secret) }
      expect((await requestTokens(pool.base, await confidential(), headers)).status).toBe(200)
      const named = { ...(await confidential()), client_id: 'backend' }
      expect((await requestTokens(pool.base, named, headers)).status).toBe(200)
      const posted = { ...(await confidential()), client_id: 'backend', client_secret: secret }
      expect((await requestTokens(pool.base, posted)).status).toBe(200)
      const odd = { authorization: basic('odd+name', secret) }
      expect((await requestTokens(pool.base, await confidential('odd+name'), odd)).status).toBe(200)
    })

    test.each([
      ['a wrong secret by Basic', { authorization: basic('backend', `${secret}x`) }, {}, 401],
      ['a secret cut short', { authorization: basic('backend', secret.slice(0, -1)) }, {}, 401],
      ['the secret of another client', { authorization: basic('backend', 'an0ther-secret-of-its-own') }, {}, 401],
      [
        'another client with its own secret',
        { authorization: basic('backend2', 'an0ther-secret-of-its-own') },
        {},
        400,
      ],
      ['an unknown client', { authorization: basic('nobody', secret) }, {}, 401],
      ['a wrong secret in the body', {}, { client_id: 'backend', client_secret: 'wrong' }, 400],
      ['no secret', {}, { client_id: 'backend' }, 400],
      ['an empty secret', {}, { client_id: 'backend', client_secret: '' }, 400],
      ['an empty secret by Basic', { authorization: basic('backend', '') }, {}, 400],
      ['another client id beside Basic', { authorization: basic('backend', secret) }, { client_id: 'app' }, 400],
      ['two ways at once', { authorization: basic('backend', secret) }, { client_secret: secret }, 400],
      ['Basic without a colon', { authorization: `Basic ${Buffer.from('backend').toString('base64')}` }, {}, 400],
      ['Basic that is no Base64', { authorization: 'Basic !!!!' }, {}, 400],
      [
        'Basic that is badly encoded',
        { authorization: `Basic ${Buffer.from('backend:%zz').toString('base64')}` },
        {},
        400,
      ],
      ['Bearer', { authorization: `Bearer ${secret}` }, {}, 400],
      ['an assertion', {}, { client_id: 'backend', client_assertion: 'e30.e30.e30', client_assertion_type: 'x' }, 400],
    ] as [string, Record<string, string>, Record<string, string>, number][])(
      'is refused with %s',
      async (_what, headers, extra, status) => {
        const form = await confidential()
        const refused = await requestTokens(pool.base, { ...form, ...extra }, headers)
        expect(refused.status).toBe(status)
        expect(refused.body.access_token).toBeUndefined()
        if (status === 401) expect(refused.body.error).toBe('invalid_client')
        expect(JSON.stringify(refused.body)).not.toContain(secret)
        const right = { authorization: basic('backend', secret) }
        expect((await requestTokens(pool.base, form, right)).status).toBe(200)
      },
    )

    test('a refusal of Basic names the scheme', async () => {
      const headers = { authorization: basic('backend', 'wrong') }
      const refused = await requestTokens(pool.base, { grant_type: 'authorization_code', code: 'x' }, headers)
      expect(refused.headers.get('www-authenticate')).toMatch(/^Basic realm="/)
    })
  })

  test('carries the resource that was asked for to the access token, and keeps it over a refresh', async () => {
    const resource = 'https://api.example.com/v1'
    const tokens = await browser.signIn({ resource })
    expect(decode(tokens.accessToken)['aud']).toBe(resource)
    const { body } = await refresh(pool.base, tokens.refreshToken)
    expect(decode(body.access_token)['aud']).toBe(resource)
    expect(decode(body.id_token)['aud']).toBe('app')
    expect((await userInfo(pool.base, tokens.accessToken)).status).toBe(200)
  })
})
