import { createLocalJWKSet, compactVerify, decodeProtectedHeader } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { maintainSigningKeys, rotateSigningKeys } from '../../src/domain/tokens/rotate-signing-keys.ts'
import { publishedKeys, signerOf } from '../../src/domain/tokens/signing-key-set.ts'
import { configurationOf, createBrowser, poolId, refresh, startPool, userInfo } from '../conformance/pool.ts'
import type { Browser, ConformancePool, Tokens } from '../conformance/pool.ts'
import { createDatabase } from '../support/postgres.ts'
import { databaseKinds } from '../support/server.ts'

const minutes = 60
const hours = 3600
const days = 24 * hours

const jwksOf = async ({ issuer }: ConformancePool): Promise<JSONWebKeySet> =>
  (await (await fetch(`${issuer}/.well-known/jwks.json`)).json()) as JSONWebKeySet
const kidsOf = async (pool: ConformancePool): Promise<string[]> =>
  (await jwksOf(pool)).keys.map(({ kid = '' }) => kid).sort()
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? ''
const signedBy = ({ accessToken, idToken }: Pick<Tokens, 'accessToken' | 'idToken'>): string[] =>
  [kidOf(accessToken), kidOf(idToken)].sort()
const verifies = async (pool: ConformancePool, token: string): Promise<boolean> =>
  compactVerify(token, createLocalJWKSet(await jwksOf(pool))).then(
    () => true,
    () => false,
  )
/** The next request on any server sees it; on a shared database others see it within a second. */
const rotate = async (pool: ConformancePool, options: { now?: boolean; revokeOld?: boolean } = {}): Promise<void> => {
  await rotateSigningKeys(pool.domain, { userPoolId: poolId, ...options })
  await pool.services.directory.refresh()
}
const maintain = async (pool: ConformancePool): Promise<readonly string[]> => {
  const rotated = await maintainSigningKeys(pool.domain)
  await pool.services.directory.refresh()
  return rotated
}
const privateHalves = async (pool: ConformancePool): Promise<string[]> =>
  (await pool.domain.store.settings.signingKeys(poolId))
    .filter(({ sealedPrivateKey }) => sealedPrivateKey !== undefined)
    .map(({ kid }) => kid)
    .sort()

describe.each(databaseKinds)('new signing keys on %s', (database) => {
  let pool: ConformancePool
  let browser: Browser
  beforeAll(async () => {
    pool = await startPool({ database, configuration: configurationOf() })
    browser = createBrowser(pool.base)
  })
  afterAll(() => pool.stop())

  test('are published, sign ten minutes later, and nobody is signed out', async () => {
    const before = await browser.signIn()
    const old = await kidsOf(pool)
    await rotate(pool)
    expect(await kidsOf(pool)).toEqual(expect.arrayContaining(old))
    expect(await kidsOf(pool)).toHaveLength(4)
    const waiting = await browser.signIn()
    expect(signedBy(waiting)).toEqual(old)

    // Asked for once more, nothing new is made.
    await rotate(pool)
    expect(await kidsOf(pool)).toHaveLength(4)

    pool.clock.ahead += 11 * minutes
    const after = await browser.signIn()
    expect(signedBy(after).some((kid) => old.includes(kid))).toBe(false)
    for (const { accessToken, idToken } of [before, waiting, after]) {
      expect(await verifies(pool, accessToken)).toBe(true)
      expect(await verifies(pool, idToken)).toBe(true)
      expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    }
    const refreshed = await refresh(pool.base, before.refreshToken)
    expect(refreshed.status).toBe(200)
    expect(kidOf(refreshed.body.access_token ?? '')).toBe(kidOf(after.accessToken))
  })

  test('let the former ones go: first the private halves, a day later the places in the JWKS', async () => {
    const { idToken } = await browser.signIn()
    const [current, all] = [await privateHalves(pool), await kidsOf(pool)]
    expect(current).toHaveLength(4)
    pool.clock.ahead += 2 * hours
    await maintain(pool)
    expect(await privateHalves(pool)).toEqual(signedBy(await browser.signIn()))
    expect(await kidsOf(pool)).toEqual(all)

    pool.clock.ahead += 24 * hours
    const now = await browser.signIn()
    expect(await kidsOf(pool)).toEqual(signedBy(now))

    // An ID token of a key that nobody sees any more still says who wants to sign out.
    await rotate(pool, { now: true })
    pool.clock.ahead += 30 * days
    await maintain(pool)
    const query = new URLSearchParams({
      client_id: 'app',
      id_token_hint: idToken,
      post_logout_redirect_uri: 'https://app.example.com/',
    })
    const answer = await fetch(`${pool.base}/logout?${query.toString()}`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, 'https://app.example.com/'])
  })

  test('sign at once when told so, also those that were waiting', async () => {
    const old = signedBy(await browser.signIn())
    await rotate(pool)
    expect(signedBy(await browser.signIn())).toEqual(old)
    await rotate(pool, { now: true })
    const now = await browser.signIn()
    expect(signedBy(now).some((kid) => old.includes(kid))).toBe(false)
    expect(await verifies(pool, now.accessToken)).toBe(true)
  })

  test('after a leak replace the former ones: their tokens are refused, refresh tokens and sessions stay good', async () => {
    const before = await browser.signIn()
    await rotate(pool, { revokeOld: true })
    expect(await kidsOf(pool)).toHaveLength(2)
    expect(await verifies(pool, before.accessToken)).toBe(false)
    expect((await userInfo(pool.base, before.accessToken)).status).toBe(401)
    const refreshed = await refresh(pool.base, before.refreshToken)
    expect((await userInfo(pool.base, refreshed.body.access_token ?? '')).status).toBe(200)
  })
})

describe('keys that come of age', () => {
  const shownBy = async (pool: ConformancePool): Promise<string[]> =>
    publishedKeys((await pool.snapshot()).keys, pool.clock.now())
      .map(({ kid }) => kid)
      .sort()

  test('are followed once, however many servers see it', async () => {
    const database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    const configuration = configurationOf({ pool: { SigningKeyRotationDays: 30 } })
    const environment = { databaseUrl: database.url }
    const first = await startPool({ configuration, environment })
    const second = await startPool({ configuration, environment })
    try {
      const both = [first, second]
      expect(await Promise.all(both.map(maintain))).toEqual([[], []])
      for (const { clock } of both) clock.ahead = 30 * days + 1
      await Promise.all(both.map(maintain))
      for (const { services } of both) await services.directory.refresh()
      expect(await shownBy(first)).toHaveLength(4)
      expect(await shownBy(second)).toEqual(await shownBy(first))
      // The other pool of this configuration has no such setting.
      expect(await maintain(first)).toEqual([])

      for (const { clock } of both) clock.ahead += 11 * minutes
      const signers = await Promise.all(
        both.map(async (pool) => signerOf((await pool.snapshot()).keys, 'id', 'RS256', pool.clock.now()).kid),
      )
      expect(signers[0]).toBe(signers[1])
    } finally {
      await Promise.all([first.stop(), second.stop()])
      await database.drop()
    }
  })
})
