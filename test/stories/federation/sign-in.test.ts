import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { auditTrailOf } from '../../support/audit-events.ts'
import { federationPoolId, startFederation } from '../../support/federation-pools.ts'
import type { Federation, FederationPool } from '../../support/federation-pools.ts'
import { appFrom } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { requestTokens } from '../../support/relying-party.ts'
import { databaseKinds } from '../../support/server.ts'
import { callback, goodPassword, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/* Somebody who has an account at another provider signs in with it. */

describe.each(databaseKinds)('on %s', (database) => {
  let there: Federation
  const clock = movableClock()
  beforeAll(async () => {
    there = await startFederation({ database, clock })
  })
  afterAll(() => there.stop())

  const idTokenOf = async (visitor: Visitor, page: Awaited<ReturnType<Visitor['visit']>>) =>
    decodeJwt((await visitor.tokensFrom(page)).body.id_token ?? '')
  const userOf = async (pool: FederationPool, sub: string | undefined) =>
    (await there.server.services.domain.store.users.findBySub(federationPoolId(pool), sub ?? ''))!

  test('for the first time: an account comes into being, as Cognito makes it', async () => {
    const visitor = await there.visitor('both')
    expect(visitor.login.text).toContain('Continue with')
    const ada = { sub: 'Ada-1815', email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace' }
    const page = await there.throughProvider(visitor, ada)
    expect(whereItIs(page)).toBe('the app')
    const claims = await idTokenOf(visitor, page)
    expect(claims).toMatchObject({
      'cognito:username': 'Acme_Ada-1815',
      'cognito:groups': ['eu-west-1_both_Acme'],
      email: 'ada@example.com',
      // Nobody has mapped it: what a provider says is proved here by nothing.
      email_verified: false,
      name: 'Ada Lovelace',
      amr: ['fed'],
      identities: [
        {
          userId: 'Ada-1815',
          providerName: 'Acme',
          providerType: 'OIDC',
          issuer: there.idp.issuer,
          primary: 'true',
          dateCreated: expect.stringMatching(/^\d{13}$/) as string,
        },
      ],
    })
    expect(claims).not.toHaveProperty('acr')
    const again = await there.visitor('both', { browser: visitor })
    const { access_token: token } = (await again.tokensFrom(again.login)).body
    const told = await fetch(`${there.base('both')}/oauth2/userInfo`, { headers: { authorization: `Bearer ${token}` } })
    const { identities } = (await told.json()) as { identities: string }
    expect(JSON.parse(identities)).toEqual(claims['identities'])
    expect(await userOf('both', claims.sub)).toMatchObject({ status: 'EXTERNAL_PROVIDER', enabled: true })
    expect([...there.idp.asked.keys()].toSorted()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ])
  })

  test('again, from another browser: the same person, with what the provider says now', async () => {
    const first = await there.visitor('both')
    const grace = { sub: 'grace', email: 'grace@example.com', name: 'Grace', picture: 'https://example.com/1.png' }
    const before = await idTokenOf(first, await there.throughProvider(first, grace))
    const again = await there.visitor('both')
    const now = { sub: 'grace', email: 'hopper@example.com', name: undefined }
    const after = await idTokenOf(again, await there.throughProvider(again, now))
    // A claim that is not there any more leaves the old value.
    expect(after).toMatchObject({ sub: before.sub, email: 'hopper@example.com', email_verified: false, name: 'Grace' })
  })

  test('a token is refreshed, until the operator takes the provider away', async () => {
    const visitor = await there.visitor('both')
    const tokens = await visitor.tokensFrom(await there.throughProvider(visitor, { sub: 'refreshing' }))
    const refresh = () =>
      requestTokens(there.base('both'), {
        grant_type: 'refresh_token',
        client_id: 'both',
        refresh_token: tokens.body.refresh_token ?? '',
      })
    expect(await refresh()).toMatchObject({ status: 200 })
    const { settings } = there.server.services.domain.store
    const stored = (await settings.userPools()).find(({ id }) => id === federationPoolId('both'))!
    const { version: _version, identityProviders, ...record } = stored
    await settings.saveUserPool(record, clock.now())
    await there.server.services.directory.refresh()
    try {
      expect(await refresh()).toMatchObject({ body: { error: 'invalid_grant' } })
    } finally {
      await settings.saveUserPool({ ...record, identityProviders: identityProviders! }, clock.now())
      await there.server.services.directory.refresh()
    }
  })

  test.each(['identity_provider=Acme', 'idp_identifier=acme.example'])(
    '%s leads past the sign-in page',
    async (asked) => {
      const visitor = await there.visitor('both', { parameters: Object.fromEntries(new URLSearchParams(asked)) })
      expect(visitor.login.url.origin).toBe(there.idp.issuer)
      const page = await there.throughProvider(visitor, { sub: 'direct' })
      expect(whereItIs(page)).toBe('the app')
    },
  )

  test('an app with no other way in never shows our page, and none of the pool’s own accounts gets in there', async () => {
    const visitor = await there.visitor('alone')
    expect(visitor.login.url.origin).toBe(there.idp.issuer)
    expect(whereItIs(await there.throughProvider(visitor, { sub: 'only' }))).toBe('the app')
    await haveAccount(there.server, {
      username: 'local@example.com',
      password: goodPassword,
      userPoolId: federationPoolId('alone'),
    })
    const flow = (await there.visitor('alone')).login.url
    expect(flow.searchParams.get('redirect_uri')).toBe(`${there.base('alone')}/oauth2/idpresponse`)
  })

  test('somebody who changes their mind there is back on our page, and may go another way', async () => {
    const visitor = await there.visitor('both')
    const page = await there.throughProvider(visitor, undefined)
    expect(page.heading).toBe('Sign in')
    expect(page.text).toContain('You weren’t signed in at')
    await haveAccount(there.server, {
      username: 'other@example.com',
      password: goodPassword,
      userPoolId: federationPoolId('both'),
    })
    expect(whereItIs(await page.submit({ username: 'other@example.com', password: goodPassword }))).toBe('the app')
  })

  test('whom an app has led past our page comes back to the app, with Cognito’s error', async () => {
    const visitor = await there.visitor('both', { parameters: { identity_provider: 'Acme', state: 'as-it-was' } })
    const page = await there.throughProvider(visitor, undefined)
    expect(page.url.href.startsWith(callback)).toBe(true)
    expect(Object.fromEntries(page.url.searchParams)).toMatchObject({
      error: 'invalid_request',
      error_description: 'Acme says access_denied',
      state: 'as-it-was',
    })
  })

  test('what the pool needs and the provider does not tell', async () => {
    const visitor = await there.visitor('demanding')
    const page = await there.throughProvider(visitor, { sub: 'nameless', email: 'x@example.com' })
    expect(page.text).toContain('family_name')
    const direct = await there.visitor('demanding', { parameters: { identity_provider: 'Acme' } })
    const back = await there.throughProvider(direct, { sub: 'nameless' })
    expect(back.url.searchParams.get('error_description')).toBe('attributes required: [family_name]')
  })

  test('a provider that is away: said at once, and the next try works', async () => {
    const visitor = await there.visitor('both')
    there.idp.tamper((path) => (path === '/token' ? 'not JSON' : undefined))
    try {
      const page = await there.throughProvider(visitor, { sub: 'patient' })
      expect(page.text).toContain('can’t be reached at the moment')
    } finally {
      there.idp.tamper(undefined)
    }
    const again = await there.visitor('both')
    expect(whereItIs(await there.throughProvider(again, { sub: 'patient' }))).toBe('the app')
    const events = await auditTrailOf(there.server.services.domain, federationPoolId('both'))
    expect(events.map(({ reason }) => reason)).toContain('providerFailed')
  })

  test('signed in once, the next app asks nobody; signing out ends that', async () => {
    const visitor = await there.visitor('both')
    await there.throughProvider(visitor, { sub: 'single', name: 'Single' })
    const next = await there.visitor('both', { browser: visitor })
    expect(whereItIs(next.login)).toBe('the app')
    await visitor.visit(`${there.base('both')}/logout?client_id=both&logout_uri=https://app.example/`)
    expect((await there.visitor('both', { browser: visitor })).login.heading).toBe('Sign in')
  })

  test('a second factor that the pool requires is asked for after the provider as well', async () => {
    const visitor = await there.visitor('strict')
    const setUp = await there.throughProvider(visitor, { sub: 'strict', email: 'strict@example.com' })
    expect(whereItIs(setUp)).not.toBe('the app')
    const choice = setUp.html.includes('<code') ? setUp : await setUp.submit({ factor: 'SOFTWARE_TOKEN_MFA' })
    const app = appFrom(choice)
    const page = await choice.submit({ code: app.codeAt(clock.now()) })
    const claims = await idTokenOf(visitor, page)
    expect(claims['amr']).toEqual(['fed', 'otp', 'mfa'])
    clock.pass(60)
    const again = await there.visitor('strict')
    const asked = await there.throughProvider(again, { sub: 'strict', email: 'strict@example.com' })
    expect(asked.html).toContain('name="code"')
    expect(whereItIs(await asked.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
  })

  test('where the operator takes the provider’s word for it, it is not, and apps are told no more than is true', async () => {
    const visitor = await there.visitor('lenient')
    const page = await there.throughProvider(visitor, { sub: 'lenient', email: 'lenient@example.com' })
    expect((await idTokenOf(visitor, page))['amr']).toEqual(['fed'])
    // The session is worth as much.
    expect(whereItIs((await there.visitor('lenient', { browser: visitor })).login)).toBe('the app')
  })

  test('nobody takes a name that somebody from the provider would have', async () => {
    const visitor = await there.visitor('named')
    const form = await visitor.login.follow('Create an account')
    const page = await form.submit({ username: 'acme_victim', email: 'evil@example.com', password: goodPassword })
    expect(page.heading).toBe('Create your account')
    expect(whereItIs(await there.throughProvider(await there.visitor('named'), { sub: 'victim' }))).toBe('the app')
    expect(userPoolOf(there.server, federationPoolId('named')).identityProviders).toHaveLength(1)
  })
})
