import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appFrom } from '../support/factor-pools.ts'
import { federationPoolId, startFederation } from '../support/federation-pools.ts'
import type { Federation } from '../support/federation-pools.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds } from '../support/server.ts'
import { whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * Threat rows B12 and A10: whoever comes from a provider shows the factors that the pool asks of anybody, unless the operator takes that
 * provider's word; and nobody comes in who is disabled, or by a provider that is not there any more.
 */

describe.each(databaseKinds)('on %s', (database) => {
  let there: Federation
  const clock = movableClock()
  beforeAll(async () => {
    there = await startFederation({ database, clock })
  })
  afterAll(() => there.stop())

  const person = { sub: 'ada', email: 'ada@example.com' }
  const store = () => there.server.services.domain.store

  /** Comes for the first time, and sets up what the pool asks for. */
  async function setUp(visitor: Visitor, sub: string) {
    const first = await there.throughProvider(visitor, { ...person, sub })
    const page = first.html.includes('<code') ? first : await first.submit({ factor: 'SOFTWARE_TOKEN_MFA' })
    const app = appFrom(page)
    expect(whereItIs(await page.submit({ code: app.codeAt(clock.now()) }))).toBe('the app')
    return app
  }

  test('the pages after the provider cannot be gone round', async () => {
    await setUp(await there.visitor('strict'), 'round')
    clock.pass(60)
    const visitor = await there.visitor('strict')
    const asked = await there.throughProvider(visitor, { ...person, sub: 'round' })
    expect(asked.html).toContain('name="code"')
    const flow = asked.url.searchParams.get('flow') ?? ''
    for (const path of ['consent', 'passkeys/offer', 'confirm', 'changePassword', 'mfaSetup', 'selectMfa', 'mfa']) {
      const page = await visitor.visit(`${there.base('strict')}/${path}?client_id=strict&flow=${flow}`)
      expect(whereItIs(page), path).not.toBe('the app')
    }
    // A half sign-in is no session (threat row B11).
    const again = await there.visitor('strict', { browser: visitor })
    expect(whereItIs(again.login)).not.toBe('the app')
    expect((await visitor.visit(`${there.base('strict')}/account/identities`)).heading).not.toBe('Linked accounts')
    expect(whereItIs(await asked.submit({ code: '000000' }))).not.toBe('the app')
  })

  test('a request that says otherwise changes nothing', async () => {
    await setUp(await there.visitor('strict'), 'asking')
    clock.pass(60)
    for (const parameters of [
      { identity_provider: 'Acme' },
      { identity_provider: 'Acme', prompt: 'login' },
      { acr_values: 'x' },
    ]) {
      const visitor = await there.visitor('strict', { parameters })
      const page = await there.throughProvider(visitor, { ...person, sub: 'asking' })
      expect(page.html).toContain('name="code"')
    }
  })

  test('a session that a provider’s word was enough for is not, once the pool asks for more', async () => {
    const visitor = await there.visitor('both')
    await there.throughProvider(visitor, { ...person, sub: 'before' })
    const { settings } = store()
    const { version: _version, ...record } = (await settings.userPools()).find(
      ({ id }) => id === federationPoolId('both'),
    )!
    const strict = { MfaConfiguration: 'ON', SoftwareTokenMfaConfiguration: { Enabled: true } }
    await settings.saveUserPool({ ...record, settings: { ...record.settings, ...strict } }, clock.now())
    await there.server.services.directory.refresh()
    try {
      expect(whereItIs((await there.visitor('both', { browser: visitor })).login)).not.toBe('the app')
    } finally {
      await settings.saveUserPool(record, clock.now())
      await there.server.services.directory.refresh()
    }
  })

  test('where the provider is enough, step-up still asks for what the request wants', async () => {
    const visitor = await there.visitor('lenient', { parameters: { acr_values: 'urn:cognito:loa:4' } })
    const page = await there.throughProvider(visitor, { ...person, sub: 'stepping' })
    expect(page.url.searchParams.get('error')).toBe('unmet_authentication_requirements')
  })

  test('A10: a disabled user does not come in, is told so, and an app gets no token', async () => {
    await there.throughProvider(await there.visitor('both'), { ...person, sub: 'disabled' })
    const user = (await store().users.findByIdentifier(federationPoolId('both'), 'acme_disabled'))!
    await store().users.update(federationPoolId('both'), user.sub, { enabled: false }, clock.now())
    const page = await there.throughProvider(await there.visitor('both'), {
      ...person,
      sub: 'disabled',
      name: 'Changed',
    })
    expect(whereItIs(page)).toBe('Sign in')
    expect((await store().users.findBySub(federationPoolId('both'), user.sub))?.attributes).not.toHaveProperty('name')
  })

  test.each(['the pool', 'the client'])(
    'A10: a provider that %s has no more signs in nobody who is on the way',
    async (whose) => {
      const { settings } = store()
      const id = federationPoolId('both')
      const { version: _version, ...record } = (await settings.userPools()).find((pool) => pool.id === id)!
      const [appClient] = await settings.appClients(id)
      const atLogin = await there.visitor('both')
      const atProvider = await there.visitor('both')
      there.idp.somebody({ ...person, sub: 'on-the-way' })
      const back = (await there.idp.signIn((await atProvider.login.follow('Continue with')).url.href)).href
      const button = /href="([^"]*identityProvider[^"]*)"/.exec(atLogin.login.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
      if (whose === 'the pool') await settings.saveUserPool({ ...record, identityProviders: [] }, clock.now())
      else {
        const changed = { ...appClient!.settings, SupportedIdentityProviders: ['COGNITO'] }
        await settings.saveAppClient({ ...appClient!, settings: changed }, clock.now())
      }
      await there.server.services.directory.refresh()
      try {
        expect((await atProvider.visit(back)).status).toBe(400)
        expect((await atLogin.visit(new URL(button, there.base('both')).href)).heading).toBe('Sign in')
        const direct = await there.visitor('both', { parameters: { identity_provider: 'Acme' } })
        expect(direct.login.url.searchParams.get('error')).toBe('invalid_request')
        expect(await store().users.findByIdentifier(id, 'acme_on-the-way')).toBeUndefined()
      } finally {
        await settings.saveUserPool(record, clock.now())
        await settings.saveAppClient(appClient!, clock.now())
        await there.server.services.directory.refresh()
      }
    },
  )

  test('A10: nor anybody who stands at the second factor by then', async () => {
    const app = await setUp(await there.visitor('strict'), 'standing')
    clock.pass(60)
    const visitor = await there.visitor('strict')
    const asked = await there.throughProvider(visitor, { ...person, sub: 'standing' })
    const { settings } = store()
    const [appClient] = await settings.appClients(federationPoolId('strict'))
    const changed = { ...appClient!.settings, SupportedIdentityProviders: ['COGNITO'] }
    await settings.saveAppClient({ ...appClient!, settings: changed }, clock.now())
    await there.server.services.directory.refresh()
    try {
      const page = await asked.submit({ code: app.codeAt(clock.now()) })
      expect(page.heading).toBe('There is no way to sign in here')
    } finally {
      await settings.saveAppClient(appClient!, clock.now())
      await there.server.services.directory.refresh()
    }
  })

  test('A9: an app whose people come from the provider alone takes no password, code, passkey or sign-up', async () => {
    const { browser, url } = { browser: there.browser(), url: (await there.visitor('alone')).authorization.url }
    const begun = await browser.request(url)
    const flow = new URL(begun.headers.get('location') ?? '', url).searchParams.get('flow') ?? ''
    const at = (path: string) => `${there.base('alone')}/${path}?client_id=alone&flow=${flow}`
    const login = await browser.visit(at('login'))
    expect(login.text).toContain('Continue with')
    for (const absent of ['name="password"', 'name="username"', 'signup', 'forgotPassword']) {
      expect(login.html).not.toContain(absent)
    }
    const typed = new URLSearchParams({
      username: 'ada@example.com',
      password: 'Analytical-1843',
      flow,
      factor: 'EMAIL_OTP',
    })
    const posted = [
      'login',
      'signup',
      'forgotPassword',
      'requestSignInCode',
      'customSignIn',
      'passkeys/signIn',
      'confirm',
    ]
    for (const path of [...posted, 'resetPassword', 'changePassword', 'signInCode', 'customChallenge', 'resendcode']) {
      const page = await browser.visit(at(path), { method: 'POST', body: typed })
      expect([path, page.heading]).toEqual([path, 'There is no way to sign in here'])
    }
    for (const path of ['signup', 'forgotPassword', 'confirm', 'resetPassword', 'changePassword', 'signInCode']) {
      expect([path, (await browser.visit(at(path))).heading]).toEqual([path, 'There is no way to sign in here'])
    }
  })
})
