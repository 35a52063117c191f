import { generateKeyPair, SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { auditTrailOf } from '../support/audit-events.ts'
import { federationPoolId, startFederation } from '../support/federation-pools.ts'
import type { Federation } from '../support/federation-pools.ts'
import type { Signer } from '../support/identity-provider.ts'
import { movableClock } from '../support/movable-clock.ts'
import { callback, whereItIs } from '../support/visitor.ts'

/*
 * Threat rows C9, C10, C21 and C22: an answer of a provider with a claim taken out, emptied or swapped, signed by somebody else or by nobody,
 * of another provider, shown twice, or in another browser.
 */

type Forgery = (claims: JWTPayload, sign: Signer, there: Federation) => string | Promise<string>

const without =
  (name: string): Forgery =>
  ({ [name]: _gone, ...claims }, sign) =>
    sign(claims)
const having =
  (change: (claims: JWTPayload) => JWTPayload): Forgery =>
  (claims, sign) =>
    sign({ ...claims, ...change(claims) })
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowSeconds = (): number => Math.floor(Date.now() / 1000)

describe('an ID token', () => {
  let there: Federation
  const clock = movableClock()
  beforeAll(async () => {
    there = await startFederation({ clock })
  })
  afterEach(() => there.idp.tamper(undefined))
  afterAll(() => there.stop())

  const users = () =>
    there.server.services.domain.store.users.page({ userPoolId: federationPoolId('both'), limit: 100 })

  test.each<[string, Forgery]>([
    ...['iss', 'aud', 'sub', 'exp', 'iat', 'nonce'].map((name): [string, Forgery] => [
      `without ${name}`,
      without(name),
    ]),
    ...['iss', 'aud', 'sub', 'nonce'].map((name): [string, Forgery] => [
      `with an empty ${name}`,
      having(() => ({ [name]: '' })),
    ]),
    ['of another issuer', having(() => ({ iss: 'https://evil.example' }))],
    ['whose issuer has a slash more', having(({ iss }) => ({ iss: `${iss}/` }))],
    ['for another client', having(() => ({ aud: 'another' }))],
    ['for several, and somebody else’s', having(() => ({ aud: ['latchkey', 'another'], azp: 'another' }))],
    ['with another nonce', having(() => ({ nonce: 'of another sign-in' }))],
    ['that has expired', having(() => ({ exp: nowSeconds() - 120 }))],
    ['with a number as sub', having(() => ({ sub: 7 as unknown as string }))],
    ['with a sub of no end', having(() => ({ sub: 'x'.repeat(256) }))],
    ['with a zero byte in its sub', having(() => ({ sub: 'a\0b' }))],
    ['signed by nobody', (claims) => `${base64({ alg: 'none' })}.${base64(claims)}.`],
    [
      'signed by somebody else under the provider’s kid',
      async (claims) => {
        const { privateKey } = await generateKeyPair('RS256')
        return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'theirs' }).sign(privateKey)
      },
    ],
    ['of a key that the provider does not have', (claims, sign) => sign(claims, 'unknown')],
    [
      'with the client secret, as HS256',
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'HS256', kid: 'theirs' })
          .sign(new TextEncoder().encode('a-secret-between-the-two-of-us')),
    ],
    [
      'altered after it was signed',
      async (claims, sign) => {
        const [head, , signature] = (await sign(claims)).split('.')
        return [head, base64({ ...claims, email_verified: true }), signature].join('.')
      },
    ],
    ['that is none', () => 'none at all'],
  ])('%s signs in nobody', async (_what, forge) => {
    there.idp.forgeIdToken((claims, sign) => forge(claims, sign, there))
    const before = (await users()).length
    const page = await there.throughProvider(await there.visitor('both'), { sub: 'victim' })
    expect(page.heading).toBe('Sign in')
    expect(page.text).toMatch(/could not be trusted|can’t be reached/)
    expect(await users()).toHaveLength(before)
    // What the operator reads of it holds nothing of the token.
    const events = await auditTrailOf(there.server.services.domain, federationPoolId('both'))
    expect(events.at(-1)).toMatchObject({ response: 'Fail', reason: 'providerFailed' })
    expect(JSON.stringify(events)).not.toContain('eyJ')
  })

  test('as it is signs in', async () => {
    there.idp.forgeIdToken((claims, sign) => sign(claims))
    expect(whereItIs(await there.throughProvider(await there.visitor('both'), { sub: 'ada' }))).toBe('the app')
  })

  test('userInfo about somebody else is not believed', async () => {
    there.idp.tamper((path, body) => (path === '/me' ? body.replace('"sub":"mallory"', '"sub":"victim"') : undefined))
    const page = await there.throughProvider(await there.visitor('both'), { sub: 'mallory', email: 'm@example.com' })
    expect(page.text).toContain('could not be trusted')
  })

  test('an answer in the name of another server is not (RFC 9207)', async () => {
    const visitor = await there.visitor('both')
    there.idp.somebody({ sub: 'mixed' })
    const back = await there.idp.signIn((await visitor.login.follow('Continue with')).url.href)
    expect(back.searchParams.get('iss')).toBe(there.idp.issuer)
    for (const change of [
      (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
      (url: URL) => url.searchParams.delete('iss'),
    ]) {
      const again = await there.visitor('both')
      const url = await there.idp.signIn((await again.login.follow('Continue with')).url.href)
      change(url)
      expect((await again.visit(url.href)).text).toContain('could not be trusted')
    }
  })

  describe('the way back', () => {
    /** As far as the address that the provider sends the browser to. */
    async function answered(sub: string) {
      const visitor = await there.visitor('both')
      there.idp.somebody({ sub })
      const back = await there.idp.signIn((await visitor.login.follow('Continue with')).url.href)
      return { visitor, back }
    }

    test('leads once', async () => {
      const { visitor, back } = await answered('once')
      const tokenRequests = () => there.idp.requests.filter((line) => line === 'POST /token').length
      const before = tokenRequests()
      const pages = await Promise.all(Array.from({ length: 10 }, () => visitor.visit(back.href)))
      expect(tokenRequests()).toBe(before + 1)
      expect(
        pages.filter((page) => page.url.href.startsWith(callback) && page.url.searchParams.has('code')),
      ).toHaveLength(1)
    })

    test('does not lead there with another code in an answer that was used', async () => {
      const { visitor, back } = await answered('first')
      await visitor.visit(back.href)
      const { back: another } = await answered('second')
      back.searchParams.set('code', another.searchParams.get('code') ?? '')
      expect(whereItIs(await visitor.visit(back.href))).not.toBe('the app')
    })

    test('leads nowhere in another browser: nobody is signed in as somebody else by a link', async () => {
      const { back } = await answered('mallory')
      expect((await there.browser().visit(back.href)).heading).toBe('We can’t continue from here')
      const victim = await there.visitor('both')
      expect((await victim.visit(back.href)).heading).toBe('We can’t continue from here')
    })

    test('leads nowhere after an hour, altered, in another pool, or without its state', async () => {
      const { visitor, back } = await answered('late')
      const state = back.searchParams.get('state') ?? ''
      const changed = `${state.slice(0, 40)}${state[40] === 'A' ? 'B' : 'A'}${state.slice(41)}`
      for (const other of ['', 'x', changed, state.slice(0, -1), `${state}A`]) {
        const url = new URL(back)
        url.searchParams.set('state', other)
        expect((await visitor.visit(url.href)).status).toBe(400)
      }
      const twice = new URL(back)
      twice.searchParams.append('state', state)
      expect((await visitor.visit(twice.href)).status).toBe(400)
      const elsewhere = new URL(back)
      elsewhere.pathname = elsewhere.pathname.replace('both', 'trusting')
      expect((await visitor.visit(elsewhere.href)).status).toBe(400)
      clock.pass(3601)
      expect((await visitor.visit(back.href)).status).toBe(400)
    })
  })

  test('one network begins no more sign-ins there than with a password', async () => {
    const strict = await startFederation(
      { environment: { rateLimits: true } },
      { RateLimits: { SignInsPerNetwork: { PerMinute: 3 } } },
    )
    try {
      const { visit, login } = await strict.visitor('both')
      const seen: number[] = []
      for (let times = 0; times < 5; times += 1) seen.push((await login.follow('Continue with')).status)
      // Elsewhere there is no content, and no status.
      expect(seen).toEqual([0, 0, 0, 429, 429])
      expect((await visit(login.url.href)).heading).toBe('Sign in')
    } finally {
      await strict.stop()
    }
  })

  test('nothing that a provider must not know goes there, and what it must know goes where it was configured', async () => {
    const visitor = await there.visitor('both')
    const away = await visitor.login.follow('Continue with')
    const flow = visitor.login.url.searchParams.get('flow') ?? 'none'
    expect(away.url.href).not.toContain(flow)
    expect(away.url.searchParams.get('redirect_uri')).toBe(`${there.base('both')}/oauth2/idpresponse`)
    expect(away.url.searchParams.get('code_challenge_method')).toBe('S256')
    const { visit } = visitor
    const lying = await visit(visitor.login.url.href.replace('/login', '/identityProvider').concat('&provider=Acme'), {
      headers: { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example', 'x-forwarded-proto': 'https' },
    })
    expect(lying.url.searchParams.get('redirect_uri')).toBe(`${there.base('both')}/oauth2/idpresponse`)
  })
})
