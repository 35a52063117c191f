import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CompactEncrypt, CompactSign } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signerOf } from '../../src/domain/tokens/signing-key-set.ts'
import type { KeyUse } from '../../src/domain/tokens/signing-key.ts'
import { cookieName } from '../../src/security/cookies.ts'
import {
  callback,
  codeForm,
  createBrowser,
  otherPoolId,
  poolId,
  refresh,
  secret,
  startPool,
  userInfo,
} from '../conformance/pool.ts'
import type { Browser, ConformancePool, Tokens } from '../conformance/pool.ts'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'

/*
 * Threat row C7: one kind of token taken for another. Logto took any JWT as a subject token; Casdoor and Dex asked neither
 * for the type nor for whom a token is. Everything that we give, at every door that takes something; then everything that
 * only looks like one of ours, at the doors that take JWTs. Guards src/domain/tokens/verify-token.ts,
 * src/oidc/{userinfo,revocation}.ts, src/hosted/logout/logout-request.ts and the engine's check of id_token_hint.
 */

const home = 'https://app.example.com/'
let pool: ConformancePool
let browser: Browser
let foreign: Tokens
beforeAll(async () => {
  pool = await startPool()
  browser = createBrowser(pool.base)
  await browser.authorize()
  foreign = await createBrowser(`${pool.base}/${otherPoolId}`).signIn()
})
afterAll(() => pool.stop())

const logout = (parameters: Record<string, string>): Promise<Response> =>
  fetch(`${pool.base}/logout?${new URLSearchParams({ post_logout_redirect_uri: home, ...parameters }).toString()}`, {
    redirect: 'manual',
  })
const isHintAtLogout = async (hint: string): Promise<boolean> =>
  (await logout({ id_token_hint: hint })).headers.get('location') === home
async function isHintAtSignIn(hint: string): Promise<boolean> {
  const parameters = { client_id: 'app', redirect_uri: callback, prompt: 'none', id_token_hint: hint }
  const { url } = await browser.agent.visit(authorizationRequest(pool.base, parameters).url)
  return url.searchParams.has('code')
}
const opensUserInfo = async (token: string): Promise<boolean> => {
  const { status } = await userInfo(pool.base, token)
  expect([token.slice(0, 2000), status]).toEqual([token.slice(0, 2000), expect.toBeOneOf([200, 400, 401])])
  return status === 200
}

describe('what we give opens one door', () => {
  async function given() {
    const tokens = await browser.signIn()
    const { answer, request } = await browser.authorize()
    const code = codeForm(answer, request)
    const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: secret }
    const { access_token: ofMachine = '' } = (await requestTokens(pool.base, machine)).body
    const login = await createBrowser(pool.base).agent.visit(
      authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback }).url,
    )
    const elsewhere = await createBrowser(`${pool.base}/${otherPoolId}`).authorize()
    return {
      tokens,
      code,
      values: {
        'an access token': tokens.accessToken,
        'an ID token': tokens.idToken,
        'a refresh token': tokens.refreshToken,
        'a code': code['code'] ?? '',
        'a token of a machine': ofMachine,
        'a session’s handle': browser.agent.cookies.get(cookieName('session', poolId, false)) ?? '',
        'a flow’s id': login.field('flow') ?? '',
        'a csrf token': login.field('_csrf') ?? '',
        'a client’s secret': secret,
        'another pool’s access token': foreign.accessToken,
        'another pool’s ID token': foreign.idToken,
        'another pool’s refresh token': foreign.refreshToken,
        'another pool’s code': elsewhere.answer.searchParams.get('code') ?? '',
      },
    }
  }
  type Given = Awaited<ReturnType<typeof given>>
  type Kind = keyof Given['values']

  const doors: [string, Kind[], (value: string, given: Given) => Promise<boolean>][] = [
    ['userInfo', ['an access token'], opensUserInfo],
    [
      'the token endpoint, as a refresh token',
      ['a refresh token'],
      async (value) => (await refresh(pool.base, value)).status === 200,
    ],
    [
      'the token endpoint, as a code',
      ['a code'],
      async (value, { code }) => (await requestTokens(pool.base, { ...code, code: value })).status === 200,
    ],
    [
      'the revocation endpoint',
      ['a refresh token'],
      async (value, { tokens }) => {
        const body = new URLSearchParams({ client_id: 'app', token: value })
        const { status } = await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body })
        expect([200, 400]).toContain(status)
        return (await userInfo(pool.base, tokens.accessToken)).status !== 200
      },
    ],
    ['sign-out, as a hint', ['an ID token'], isHintAtLogout],
    ['sign-in, as a hint', ['an ID token'], isHintAtSignIn],
    [
      'a confidential client’s secret',
      ['a client’s secret'],
      async (value) => {
        const form = { grant_type: 'client_credentials', client_id: 'machine', client_secret: value }
        return (await requestTokens(pool.base, form)).status === 200
      },
    ],
  ]
  test.each(doors)('%s', async (_door, own, opens) => {
    const all = await given()
    const opened: string[] = []
    for (const [kind, value] of Object.entries(all.values)) {
      expect([kind, value.length > 20]).toEqual([kind, true])
      if (own.includes(kind as Kind)) continue
      if (await opens(value, all)) opened.push(kind)
    }
    expect(opened).toEqual([])
    for (const kind of own) expect([kind, await opens(all.values[kind], all)]).toEqual([kind, true])
  })

  test('and an ID token of somebody else is no hint for whoever is signed in', async () => {
    const { keys } = await pool.snapshot()
    const { idToken } = await browser.signIn()
    const signer = signerOf(keys, 'id', 'RS256', new Date())
    const stranger = { ...decode(idToken), sub: '00000000-0000-4000-8000-000000000000' }
    const hint = await new CompactSign(new TextEncoder().encode(JSON.stringify(stranger)))
      .setProtectedHeader({ alg: 'RS256', kid: signer.kid })
      .sign(signer.privateKey)
    expect(await isHintAtSignIn(hint)).toBe(false)
  })

  test('an ID token of another client signs nobody out to that client’s page, nor everybody', async () => {
    const { idToken } = await browser.signIn({ client_id: 'backend' })
    const named = await logout({ id_token_hint: idToken, client_id: 'app' })
    expect([named.status, named.headers.get('location')]).toEqual([400, null])
    const everywhere = await logout({ id_token_hint: idToken, global_sign_out: 'true' })
    expect(everywhere.status).toBe(400)
    expect(await isHintAtSignIn((await browser.signIn()).idToken)).toBe(true)
  })
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const foreignKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
const foreignEc = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** Signs as nobody should. */
const rs = (algorithm: string, header: object, payload: object, key: KeyObject): string => {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${createSign(algorithm).update(text).sign(key).toString('base64url')}`
}
const hs = (header: object, payload: object, key: string | Buffer): string => {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

/** Tokens that have the right words in them, and are not of our making. */
async function forgeries(use: KeyUse, good: string): Promise<Record<string, string>> {
  const { keys } = await pool.snapshot()
  const key = signerOf(keys, use, 'RS256', new Date())
  const other = signerOf(keys, use === 'id' ? 'access' : 'id', 'RS256', new Date())
  const theirs = signerOf((await pool.services.directory.get(otherPoolId))!.keys, use, 'RS256', new Date())
  const claims = decode(good)
  const [head = '', payload = '', signature = ''] = good.split('.')
  const { kid } = key
  const alg = 'RS256'
  const now = Math.floor(Date.now() / 1000)
  const ours = (change: object, header: object = {}) =>
    rs('sha256', { kid, alg, ...header }, { ...claims, ...change }, key.privateKey)
  const pem = String(key.publicKey.export({ format: 'pem', type: 'spki' }))
  const jwk = foreignKey.publicKey.export({ format: 'jwk' })
  const publics: [string, string | Buffer][] = [
    ...([
      ['PEM', pem],
      ['PEM without its last line break', pem.trimEnd()],
    ] as [string, string][]),
    ['PEM of PKCS #1', String(key.publicKey.export({ format: 'pem', type: 'pkcs1' }))],
    ['DER', key.publicKey.export({ format: 'der', type: 'spki' })],
    ['JWK', JSON.stringify(key.publicJwk)],
    ['modulus', Buffer.from(String(key.publicJwk['n']), 'base64url')],
    ['kid', kid],
    ['nothing', ''],
  ]
  const kids: unknown[] = [
    ...['', 'unknown', '../../../../dev/null', '/dev/null', "' or '1'='1", `${kid}\0`, ` ${kid}`, kid.toUpperCase()],
    ...['__proto__', 'constructor', 'toString', kid.slice(0, -1), [kid], { kid }, 0, null, true],
  ]
  return {
    'changed payload': `${head}.${encode({ ...claims, sub: 'somebody' })}.${signature}`,
    'changed by a letter': `${head}.${payload.slice(0, -1)}${payload.endsWith('A') ? 'B' : 'A'}.${signature}`,
    'without signature': `${head}.${payload}.`,
    'without its dot': `${head}.${payload}`,
    'signature cut short': good.slice(0, -4),
    'signature of zeros': `${head}.${payload}.${Buffer.alloc(256).toString('base64url')}`,
    'signature of the other token': `${head}.${payload}.${foreign.accessToken.split('.')[2]}`,
    'with a part more': `${good}.${signature}`,
    'in quotes': `"${good}"`,
    'with a blank': `${head}. ${payload}.${signature}`,
    ...Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE', ''].flatMap((name) => [
        [`alg ${name}`, `${encode({ alg: name, kid })}.${payload}.`],
        [`alg ${name} with a signature`, `${encode({ alg: name, kid })}.${payload}.${signature}`],
      ]),
    ),
    'no alg': rs('sha256', { kid }, claims, key.privateKey),
    ...Object.fromEntries(
      publics.map(([what, text]) => [`HS256 with our ${what}`, hs({ alg: 'HS256', kid }, claims, text)]),
    ),
    'RS512 by our key': rs('sha512', { alg: 'RS512', kid }, claims, key.privateKey),
    'RS384 called RS256': rs('sha384', { alg, kid }, claims, key.privateKey),
    'RS1 by our key': rs('sha1', { alg: 'RS1', kid }, claims, key.privateKey),
    'ES256 by a key of theirs': rs('sha256', { alg: 'ES256', kid }, claims, foreignEc.privateKey),
    'key of another use': rs('sha256', { alg, kid: other.kid }, claims, other.privateKey),
    'key of another use under our kid': rs('sha256', { alg, kid }, claims, other.privateKey),
    'key of another pool': rs('sha256', { alg, kid: theirs.kid }, claims, theirs.privateKey),
    'key of another pool under our kid': rs('sha256', { alg, kid }, claims, theirs.privateKey),
    'key of theirs': rs('sha256', { alg, kid }, claims, foreignKey.privateKey),
    'key of theirs that the header brings': rs('sha256', { alg, kid, jwk }, claims, foreignKey.privateKey),
    'key of theirs without kid': rs('sha256', { alg, jwk }, claims, foreignKey.privateKey),
    'key at an address': rs(
      'sha256',
      { alg, kid, jku: 'https://evil.example/jwks.json' },
      claims,
      foreignKey.privateKey,
    ),
    'certificate that the header brings': rs(
      'sha256',
      { alg, kid, x5c: [pem], x5u: 'https://evil.example' },
      claims,
      foreignKey.privateKey,
    ),
    ...Object.fromEntries(
      kids.map((value) => [
        `kid ${JSON.stringify(value)}`,
        rs('sha256', { alg, kid: value }, claims, foreignKey.privateKey),
      ]),
    ),
    'with a critical extension': ours({}, { crit: ['exp'], exp: now + 60 }),
    unencoded: ours({}, { crit: ['b64'], b64: false }),
    'another issuer': ours({ iss: `${pool.base}/${otherPoolId}` }),
    'an issuer with a slash': ours({ iss: `${pool.issuer}/` }),
    'issuers in a list': ours({ iss: [pool.issuer] }),
    'no issuer': ours({ iss: undefined }),
    'the other use': ours({ token_use: use === 'id' ? 'access' : 'id' }),
    'no use': ours({ token_use: undefined }),
    'uses in a list': ours({ token_use: [use] }),
    'a text as payload': rs('sha256', { alg, kid }, 'text' as unknown as object, key.privateKey),
    'a list as payload': rs('sha256', { alg, kid }, [claims], key.privateKey),
    'encrypted for us': await new CompactEncrypt(Buffer.from(good))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid, cty: 'JWT' })
      .encrypt(key.publicKey),
    'another serialisation': JSON.stringify({ protected: head, payload, signature }),
    'an empty one': '..',
    'very long': `${head}.${payload}.${signature}${'A'.repeat(20_000)}`,
  }
}

describe('what only looks like ours opens none', () => {
  test('at userInfo', async () => {
    const { accessToken } = await browser.signIn()
    const forged = { ...(await forgeries('access', accessToken)) }
    expect(Object.keys(forged).length).toBeGreaterThan(60)
    for (const [what, token] of Object.entries(forged)) {
      if (/[^\x20-\x7e]/.test(token)) continue
      expect([what, await opensUserInfo(token)]).toEqual([what, false])
    }
    expect(await opensUserInfo(accessToken)).toBe(true)
  })

  test('as a hint, at sign-out and at sign-in', async () => {
    const { idToken } = await browser.signIn()
    for (const [what, token] of Object.entries(await forgeries('id', idToken))) {
      expect([what, 'sign-out', await isHintAtLogout(token)]).toEqual([what, 'sign-out', false])
    }
    // The engine knows nothing of `token_use`, and every key that signs ID tokens signs nothing else.
    const own = new Set(['the other use', 'no use', 'uses in a list', 'unencoded'])
    for (const [what, token] of Object.entries(await forgeries('id', idToken))) {
      if (own.has(what) || token.length > 16_000) continue
      expect([what, 'sign-in', await isHintAtSignIn(token)]).toEqual([what, 'sign-in', false])
    }
    expect([await isHintAtLogout(idToken), await isHintAtSignIn(idToken)]).toEqual([true, true])
  })

  test('at the revocation endpoint: a JWT of whatever making ends nothing', async () => {
    const { accessToken } = await browser.signIn()
    for (const token of [accessToken, ...Object.values(await forgeries('access', accessToken))]) {
      const body = new URLSearchParams({ client_id: 'app', token })
      const { status } = await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body })
      expect([200, 400]).toContain(status)
    }
    expect(await opensUserInfo(accessToken)).toBe(true)
  })
})

describe('what was ours and is over', () => {
  const sign = async (change: object): Promise<string> => {
    const { keys } = await pool.snapshot()
    const { privateKey, kid } = signerOf(keys, 'access', 'RS256', new Date())
    const { accessToken } = await browser.signIn()
    return rs('sha256', { kid, alg: 'RS256' }, { ...decode(accessToken), ...change }, privateKey)
  }

  test('opens nothing: expired, before its time, of a grant, user or client that is not there', async () => {
    const now = Math.floor(Date.now() / 1000)
    for (const change of [
      ...[{ exp: now - 1 }, { exp: now }, { exp: String(now + 60) }, { exp: null }, { nbf: now + 60 }, { iat: 'x' }],
      ...[{ origin_jti: 'x' }, { sub: 'nobody' }, { sub: undefined }, { sub: [] }, { client_id: 'nobody' }],
      ...[
        { client_id: undefined },
        { client_id: ['app'] },
        { client_id: '__proto__' },
        { scope: 'email' },
        { scope: ['openid'] },
      ],
      ...[{ auth_time: 0 }, { auth_time: 'x' }, { auth_time: undefined }],
    ] as object[]) {
      const ended = 'auth_time' in change ? await pool.domain.store.users.findByIdentifier(poolId, 'ana') : undefined
      if (ended !== undefined)
        await pool.domain.store.users.update(poolId, ended.sub, { signedOutAt: new Date(1000) }, new Date())
      expect([change, await opensUserInfo(await sign(change))]).toEqual([change, false])
    }
    expect(await opensUserInfo(await sign({}))).toBe(true)
  })

  test('a family that was revoked, at once', async () => {
    const { accessToken, refreshToken } = await browser.signIn()
    const body = new URLSearchParams({ client_id: 'app', token: refreshToken })
    expect((await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body })).status).toBe(200)
    expect(await opensUserInfo(accessToken)).toBe(false)
    expect((await refresh(pool.base, refreshToken)).status).toBe(400)
  })
})
