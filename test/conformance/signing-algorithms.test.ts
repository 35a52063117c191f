import { createHash } from 'node:crypto'
import { CompactSign, compactVerify, createLocalJWKSet, decodeProtectedHeader, generateKeyPair } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signerOf } from '../../src/domain/tokens/signing-key-set.ts'
import type { SigningAlgorithm } from '../../src/domain/tokens/signing-key.ts'
import { decode } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { clients, configurationOf, createBrowser, refresh, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'

const algorithmClients = { edwards: { SigningAlgorithm: 'EdDSA' }, classic: { SigningAlgorithm: 'RS256' } }

/** The pool signs with ES256; `edwards` and `classic` say otherwise, `app` says nothing. */
const configuration = configurationOf({ pool: { SigningAlgorithm: 'ES256' }, clients: algorithmClients })

describe.each(databaseKinds)('a pool that signs with ES256 on %s', (database) => {
  let pool: ConformancePool
  let browser: Browser
  beforeAll(async () => {
    Object.assign(clients, algorithmClients)
    pool = await startPool({ database, configuration })
    browser = createBrowser(pool.base)
  })
  afterAll(() => pool.stop())

  const jwks = async (): Promise<JSONWebKeySet> =>
    (await (await fetch(`${pool.issuer}/.well-known/jwks.json`)).json()) as JSONWebKeySet

  test('says so in discovery, and shows two keys of each algorithm', async () => {
    const discovery = (await (await fetch(`${pool.issuer}/.well-known/openid-configuration`)).json()) as object
    expect(discovery).toMatchObject({ id_token_signing_alg_values_supported: ['ES256', 'RS256', 'EdDSA'] })
    const { keys } = await jwks()
    const kinds = keys.map(({ alg = '', kty, crv = '' }) => `${alg} ${kty} ${crv}`.trim())
    const each = ['ES256 EC P-256', 'EdDSA OKP Ed25519', 'RS256 RSA']
    expect(kinds.sort()).toEqual(each.flatMap((kind) => [kind, kind]))
    expect(keys.flatMap((key) => ['d', 'p', 'q'].filter((member) => member in key))).toEqual([])
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(6)
  })

  test.each([
    ['app', 'ES256', 'sha256'],
    ['edwards', 'EdDSA', 'sha512'],
    ['classic', 'RS256', 'sha256'],
  ])('gives the client %s tokens in %s that anybody verifies by the JWKS', async (clientId, alg, hash) => {
    const { accessToken, idToken, refreshToken } = await browser.signIn({ client_id: clientId })
    const keySet = createLocalJWKSet(await jwks())
    for (const token of [accessToken, idToken]) {
      expect(Object.keys(decodeProtectedHeader(token)).sort()).toEqual(['alg', 'kid'])
      expect((await compactVerify(token, keySet)).protectedHeader.alg).toBe(alg)
    }
    expect(decodeProtectedHeader(accessToken).kid).not.toBe(decodeProtectedHeader(idToken).kid)
    // OIDC Core §3.1.3.6: the hash of the ID token's own algorithm.
    const digest = createHash(hash).update(accessToken).digest()
    expect(decode(idToken)['at_hash']).toBe(digest.subarray(0, digest.length / 2).toString('base64url'))
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    const again = await refresh(pool.base, refreshToken, { client_id: clientId })
    expect(decodeProtectedHeader(again.body.access_token ?? '').alg).toBe(alg)
  })

  test('refuses a token whose header names another algorithm than its key has (threat row C7)', async () => {
    const { accessToken } = await browser.signIn()
    const claims = new TextEncoder().encode(JSON.stringify(decode(accessToken)))
    const { keys } = await pool.snapshot()
    const keyOf = (algorithm: SigningAlgorithm) => signerOf(keys, 'access', algorithm, new Date())
    const [ec, edwards] = [keyOf('ES256'), keyOf('EdDSA')]
    const publicPem = String(ec.publicKey.export({ format: 'pem', type: 'spki' }))
    const foreign = await generateKeyPair('EdDSA')
    const [header = '', payload = ''] = accessToken.split('.')
    const unsigned = Buffer.from(JSON.stringify({ kid: ec.kid, alg: 'none' })).toString('base64url')
    const forged = [
      // The public key as an HMAC secret, under the kid of the real one.
      await new CompactSign(claims)
        .setProtectedHeader({ alg: 'HS256', kid: ec.kid })
        .sign(new TextEncoder().encode(publicPem)),
      // A good key of this pool under the kid of another one.
      await new CompactSign(claims).setProtectedHeader({ alg: 'EdDSA', kid: ec.kid }).sign(edwards.privateKey),
      await new CompactSign(claims).setProtectedHeader({ alg: 'EdDSA', kid: edwards.kid }).sign(foreign.privateKey),
      `${unsigned}.${payload}.`,
      `${header}.${payload}.`,
    ]
    for (const token of forged) expect((await userInfo(pool.base, token)).status).toBe(401)
    const honest = await new CompactSign(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: edwards.kid })
      .sign(edwards.privateKey)
    expect((await userInfo(pool.base, honest)).status).toBe(200)
  })
})
