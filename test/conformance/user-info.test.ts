import { CompactSign, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signToken } from '../../src/domain/tokens/sign-token.ts'
import { signerOf } from '../../src/domain/tokens/signing-key-set.ts'
import type { KeyUse } from '../../src/domain/tokens/signing-key.ts'
import { decode, requestTokens } from '../support/relying-party.ts'
import { createBrowser, otherPoolId, poolId, refresh, secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

let pool: ConformancePool
let browser: Browser
beforeAll(async () => {
  pool = await startPool()
  browser = createBrowser(pool.base)
  await browser.authorize()
})
afterAll(() => pool.stop())

const tokenErrors =
  'Bearer error="invalid_token", error_description="Access token is expired, disabled, or deleted, or the user has globally signed out."'
const requestErrors = 'Bearer error="invalid_request", error_description="Bad OAuth2 request at UserInfo Endpoint"'

async function expectRefused(response: Response): Promise<void> {
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, tokenErrors])
  expect(await response.json()).toMatchObject({ error: 'invalid_token' })
  expect(response.headers.get('cache-control')).toBe('no-store')
}

describe('a good access token', () => {
  test('gets the claims of Cognito, every value a string', async () => {
    const { accessToken, idToken } = await browser.signIn({ scope: 'openid' })
    for (const method of ['GET', 'POST']) {
      const response = await userInfo(pool.base, accessToken, { method })
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({
        sub: decode(idToken)['sub'],
        username: 'ana',
        email: 'ana@example.org',
        email_verified: 'true',
        phone_number: '+15555550100',
        phone_number_verified: 'false',
        given_name: 'Ana',
        family_name: 'Example',
        address: '1 Main Street',
        updated_at: '1767225600',
      })
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('x-frame-options')).toBe('DENY')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test.each([
    ['openid email', ['email', 'email_verified']],
    ['openid phone', ['phone_number', 'phone_number_verified']],
    ['openid profile', ['address', 'family_name', 'given_name', 'updated_at']],
    ['openid email phone', ['email', 'email_verified', 'phone_number', 'phone_number_verified']],
  ])('with %s gets %j, sub and username', async (scope, names) => {
    const { accessToken } = await browser.signIn({ scope })
    const body = (await (await userInfo(pool.base, accessToken)).json()) as object
    expect(Object.keys(body).toSorted()).toEqual([...names, 'sub', 'username'].toSorted())
  })

  test('of a client with ReadAttributes gets those', async () => {
    const { accessToken } = await browser.signIn({ scope: 'openid', client_id: 'reader' })
    const body = (await (await userInfo(pool.base, accessToken)).json()) as object
    expect(body).toMatchObject({ 'custom:tier': 'gold', email_verified: 'true' })
    expect(body).not.toHaveProperty('family_name')
  })

  test('may say its scheme in any letters', async () => {
    const { accessToken } = await browser.signIn()
    for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
      const headers = { authorization: `${scheme} ${accessToken}` }
      expect((await fetch(`${pool.base}/oauth2/userInfo`, { headers })).status).toBe(200)
    }
  })
})

describe('refused is', () => {
  test('a token without openid', async () => {
    const { accessToken } = await browser.signIn({ scope: 'aws.cognito.signin.user.admin', nonce: undefined })
    await expectRefused(await userInfo(pool.base, accessToken))
  })

  test('an ID token, a refresh token and a code', async () => {
    const { idToken, refreshToken } = await browser.signIn()
    const { answer } = await browser.authorize()
    for (const token of [idToken, refreshToken, answer.searchParams.get('code') ?? '']) {
      await expectRefused(await userInfo(pool.base, token))
    }
  })

  test('a token of another pool, whichever way round', async () => {
    const other = `${pool.base}/${otherPoolId}`
    const theirs = await createBrowser(other).signIn()
    const ours = await browser.signIn()
    await expectRefused(await userInfo(pool.base, theirs.accessToken))
    await expectRefused(await userInfo(other, ours.accessToken))
    expect((await userInfo(other, theirs.accessToken)).status).toBe(200)
    expect((await userInfo(`${pool.base}/${poolId}`, ours.accessToken)).status).toBe(200)
  })

  test('a token of a client itself', async () => {
    const form = { grant_type: 'client_credentials', client_id: 'machine', client_secret: secret }
    const { body } = await requestTokens(pool.base, form)
    await expectRefused(await userInfo(pool.base, body.access_token ?? ''))
  })

  test('an expired token', async () => {
    const { accessToken } = await browser.signIn()
    try {
      pool.clock.ahead = 3590
      expect((await userInfo(pool.base, accessToken)).status).toBe(200)
      pool.clock.ahead = 3605
      await expectRefused(await userInfo(pool.base, accessToken))
    } finally {
      pool.clock.ahead = 0
    }
  })

  test('at once, a token of a revoked family, and of no other one', async () => {
    const [one, two] = [await browser.signIn(), await browser.signIn()]
    const { body } = await refresh(pool.base, one.refreshToken)
    const form = new URLSearchParams({ client_id: 'app', token: one.refreshToken })
    await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body: form })
    await expectRefused(await userInfo(pool.base, one.accessToken))
    await expectRefused(await userInfo(pool.base, body.access_token ?? ''))
    expect((await userInfo(pool.base, two.accessToken)).status).toBe(200)
  })

  test('a token that was tampered with or signed by somebody else', async () => {
    const { accessToken, idToken } = await browser.signIn()
    const [head = '', payload = '', signature = ''] = accessToken.split('.')
    const claims = decode(accessToken)
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }
    const { kid: idKid } = JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string
    }
    const jwk = (await pool.snapshot()).keys.byKid.get(kid)
    const foreign = await generateKeyPair('RS256')
    const text = new TextEncoder().encode(JSON.stringify(claims))
    const signed = (header: Record<string, string>) =>
      new CompactSign(text).setProtectedHeader({ alg: 'RS256', ...header }).sign(foreign.privateKey)
    const hmac = new CompactSign(text)
      .setProtectedHeader({ alg: 'HS256', kid })
      .sign(new TextEncoder().encode(String(jwk?.publicKey.export({ format: 'pem', type: 'spki' }))))
    const forged = [
      `${head}.${encode({ ...claims, sub: 'somebody' })}.${signature}`,
      `${encode({ alg: 'none', kid })}.${payload}.`,
      `${encode({ alg: 'none' })}.${payload}.`,
      `${encode({ alg: 'HS256', kid })}.${payload}.${signature}`,
      `${encode({ alg: 'RS256', kid: idKid })}.${payload}.${signature}`,
      `${encode({ alg: 'RS256', kid: 'unknown' })}.${payload}.${signature}`,
      `${encode({ alg: 'RS256', kid: '__proto__' })}.${payload}.${signature}`,
      `${head}.${payload}.${signature.slice(0, -4)}`,
      `${head}.${payload}.`,
      `${head}.${payload}`,
      `${head}..${signature}`,
      await signed({ kid }),
      await signed({ jku: 'https://evil.example/jwks.json' }),
      await hmac,
    ]
    for (const token of forged) await expectRefused(await userInfo(pool.base, token))
  })
})

describe('a token of our own keys', () => {
  const sign = async (use: KeyUse, change: Record<string, unknown>): Promise<string> => {
    const { keys } = await pool.snapshot()
    const { accessToken } = await browser.signIn()
    return signToken(signerOf(keys, use, 'RS256', new Date()), { ...decode(accessToken), ...change })
  }

  test('is good as it is issued, and refused with the key, use, issuer, client or time of another', async () => {
    expect((await userInfo(pool.base, await sign('access', {}))).status).toBe(200)
    const now = Math.floor(Date.now() / 1000)
    for (const token of [
      await sign('id', {}),
      await sign('access', { token_use: 'id' }),
      await sign('access', { token_use: undefined }),
      await sign('access', { iss: `${pool.base}/${otherPoolId}` }),
      await sign('access', { client_id: 'nobody' }),
      await sign('access', { exp: now - 1 }),
      await sign('access', { nbf: now + 60 }),
      await sign('access', { sub: undefined }),
      await sign('access', { origin_jti: '00000000-0000-4000-8000-000000000000' }),
    ]) {
      await expectRefused(await userInfo(pool.base, token))
    }
  })
})

describe('a request that is none', () => {
  const ask = (headers: Record<string, string>, target = '/oauth2/userInfo') =>
    rawRequest(pool.port, target, { headers: { host: new URL(pool.base).host, ...headers } })

  test.each([
    ['no authorization', {}],
    ['an empty one', { authorization: '' }],
    ['no token', { authorization: 'Bearer' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['two tokens', { authorization: 'Bearer a b' }],
    ['another scheme', { authorization: `Basic ${Buffer.from('app:x').toString('base64')}` }],
    ['no blank', { authorization: 'Bearerabc' }],
  ] as [string, Record<string, string>][])('with %s is a bad one', async (_what, headers) => {
    const answer = await ask(headers)
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([400, requestErrors])
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  })

  test.each(['.', '..', '...', 'a.b.c', 'e30.e30.e30', 'null.null.null', '%00', '"', '{}', 'x'.repeat(12_000), 'ÿ'])(
    'with the token %.40s is refused, never an error of ours',
    async (token) => {
      const answer = await ask({ authorization: `Bearer ${token}` })
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe(tokenErrors)
    },
  )

  test('with the token in the address or in a form is a bad one', async () => {
    const { accessToken } = await browser.signIn()
    expect((await ask({}, `/oauth2/userInfo?access_token=${accessToken}`)).status).toBe(400)
    const response = await fetch(`${pool.base}/oauth2/userInfo`, {
      method: 'POST',
      body: new URLSearchParams({ access_token: accessToken }),
    })
    expect(response.status).toBe(400)
  })

  test('by another method is refused', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      expect((await fetch(`${pool.base}/oauth2/userInfo`, { method })).status).toBe(405)
    }
  })
})
