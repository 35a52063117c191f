import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { createUser, disableUser, signOutUser } from '../../src/domain/users/administer-user.ts'
import type { User } from '../../src/domain/users/user.ts'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'
import type { AuthorizationRequest, TokenResponse } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, clients, configurationOf, password, poolId, refresh, secret, startPool, userInfo } from './pool.ts'
import type { ConformancePool } from './pool.ts'

/* Third-party clients: asked for once, remembered, taken back. */

const extra = {
  guest: { ThirdParty: true, ClientName: 'Guest & <Co>' },
  visitor: { ThirdParty: true, EnableTokenRevocation: false },
  backoffice: { ThirdParty: true, ClientSecret: secret, RefreshTokenRotation: { Feature: 'ENABLED' } },
}
const resourceServers = [
  {
    Identifier: 'api',
    Name: 'The API',
    Scopes: [{ ScopeName: 'read', ScopeDescription: 'Read <b>everything</b>' }, { ScopeName: 'write' }],
  },
]

describe.each(databaseKinds)('on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    const users = { ResourceServers: resourceServers }
    pool = await startPool({ database, configuration: configurationOf({ clients: extra, pool: users }) })
  })
  afterAll(() => pool.stop())

  let count = 0
  async function newUser(): Promise<User> {
    const { userPool } = await pool.snapshot()
    count += 1
    const attributes = { email: `user${count}@example.org`, email_verified: 'true', given_name: 'Ana' }
    const request = { userPool, username: `user${count}`, attributes, password, permanent: true }
    const outcome = await createUser(pool.domain, request)
    if (outcome.kind !== 'done') throw new Error(outcome.reason)
    return outcome.user
  }

  interface Visit {
    page: VisitedPage
    request: AuthorizationRequest
  }

  /** A browser in which somebody asks an app for something; `page` is where that leads before any consent. */
  function person(user: User, agent: UserAgent = createUserAgent(pool.base)) {
    return {
      agent,
      async asks(parameters: Record<string, string | undefined> = {}): Promise<Visit> {
        const request = authorizationRequest(pool.base, {
          client_id: 'guest',
          redirect_uri: callback,
          scope: 'openid email',
          ...parameters,
        })
        const page = await agent.visit(request.url)
        if (page.heading !== 'Sign in') return { page, request }
        return { page: await page.submit({ username: user.username, password }), request }
      },
      async allows(parameters: Record<string, string | undefined> = {}): Promise<Visit> {
        const { page, request } = await this.asks(parameters)
        expect(page.heading).toBe(consentHeading)
        return { page: await page.submit({ answer: 'allow' }), request }
      },
      async tokens(parameters: Record<string, string | undefined> = {}): Promise<TokenResponse['body']> {
        return (await redeem(await this.allows(parameters))).body
      },
    }
  }

  const consentHeading = 'Allow access to your account?'

  function redeem({ page, request }: Visit): Promise<TokenResponse> {
    const asked = new URL(request.url).searchParams
    const clientId = asked.get('client_id') ?? ''
    const settings = { ...clients, ...extra }[clientId] as { ClientSecret?: string }
    return requestTokens(pool.base, {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: answerOf(page).get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.codeVerifier,
      ...(settings.ClientSecret === undefined ? {} : { client_secret: settings.ClientSecret }),
    })
  }

  /** What the app was sent. */
  function answerOf(page: VisitedPage): URLSearchParams {
    expect([page.status, page.url.origin + page.url.pathname, page.text]).toEqual([0, callback, ''])
    return page.url.searchParams
  }

  const consents = async (user: User) => {
    const stored = await pool.domain.store.consents.ofUser(poolId, user.sub)
    return stored.map((consent) => ({ ...consent, scopes: consent.scopes.toSorted() }))
  }
  const withdraw = (user: User, clientId = 'guest') =>
    pool.domain.store.consents.withdraw(poolId, user.sub, clientId, pool.clock.now())

  test('the operator’s own clients never ask, whatever the prompt', async () => {
    const user = await newUser()
    const ana = person(user)
    for (const prompt of [undefined, 'none', 'consent']) {
      const { page } = await ana.asks({ client_id: 'app', prompt })
      expect([prompt, answerOf(page).get('code')]).toEqual([prompt, expect.any(String)])
    }
    expect(await consents(user)).toEqual([])
  })

  test('a third-party client gets a code once the user has allowed it, and from then on in silence', async () => {
    const user = await newUser()
    const ana = person(user)
    const { page, request } = await ana.asks()
    expect(page.heading).toBe(consentHeading)
    expect(page.status).toBe(200)
    expect(page.text).toContain('Guest & <Co>')
    expect(page.text).toContain(user.username)
    expect(page.text).toContain('recognize you')
    expect(page.text).toContain('see your email address')
    expect(page.text).not.toContain('phone number')
    expect(page.text).toContain('Your answer goes to app.example.com')
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await consents(user)).toEqual([])

    const after = await page.submit({ answer: 'allow' })
    expect(answerOf(after).get('state')).toBe(request.state)
    expect(await redeem({ page: after, request })).toMatchObject({ status: 200, body: { scope: 'openid email' } })
    expect(await consents(user)).toMatchObject([{ clientId: 'guest', scopes: ['email', 'openid'] }])

    for (const parameters of [{}, { prompt: 'none' }, { scope: 'openid' }, { scope: 'email openid' }]) {
      const again = await ana.asks(parameters)
      expect([parameters, answerOf(again.page).get('code')]).toEqual([parameters, expect.any(String)])
    }
    // In another browser, after signing in there.
    const elsewhere = await person(user).asks()
    expect(answerOf(elsewhere.page).get('code')).toEqual(expect.any(String))
  })

  test('custom scopes speak in the words of their resource server', async () => {
    const { page } = await person(await newUser()).asks({ scope: 'openid api/read api/write' })
    expect(page.text).toContain('Read <b>everything</b> at The API')
    expect(page.text).toContain('api/write at The API')
  })

  test('a new scope asks again, and tells what was allowed before', async () => {
    const user = await newUser()
    const ana = person(user)
    await ana.allows()
    const { page, request } = await ana.asks({ scope: 'openid email api/read' })
    expect(page.heading).toBe(consentHeading)
    expect(page.text.match(/You have allowed this before/g)).toHaveLength(2)
    expect(await ana.asks({ scope: 'openid api/read', prompt: 'none' })).toSatisfy(
      (visit: Visit) => answerOf(visit.page).get('error') === 'consent_required',
    )
    const after = await page.submit({ answer: 'allow' })
    expect((await redeem({ page: after, request })).body.scope).toBe('openid email api/read')
    expect(await consents(user)).toMatchObject([{ scopes: ['api/read', 'email', 'openid'] }])
  })

  test('what one client was allowed is nothing to another, and nothing to another user’s', async () => {
    const user = await newUser()
    const ana = person(user)
    await ana.allows()
    expect((await ana.asks({ client_id: 'visitor' })).page.heading).toBe(consentHeading)
    expect((await person(await newUser()).asks()).page.heading).toBe(consentHeading)
  })

  test('prompt=none: consent_required where something is missing, login_required without a session', async () => {
    const user = await newUser()
    const ana = person(user)
    const stranger = await ana.asks({ prompt: 'none' })
    expect(answerOf(stranger.page).get('error')).toBe('login_required')
    await ana.asks({ client_id: 'app' })
    const known = await ana.asks({ prompt: 'none' })
    expect(answerOf(known.page).get('error')).toBe('consent_required')
    expect(answerOf(known.page).get('state')).toBe(known.request.state)
    expect(answerOf(known.page).get('iss')).toBe(pool.issuer)
  })

  test('prompt=consent asks again, with the session and after a sign-in', async () => {
    const user = await newUser()
    const ana = person(user)
    await ana.allows()
    for (const [who, prompt] of [
      [ana, 'consent'],
      [ana, 'login consent'],
      [person(user), 'consent'],
    ] as const) {
      expect([prompt, (await redeem(await who.allows({ prompt }))).status]).toEqual([prompt, 200])
    }
    const denied = await (await ana.asks({ prompt: 'consent' })).page.submit({ answer: 'deny' })
    expect(answerOf(denied).get('error')).toBe('access_denied')
    // That time only: what was allowed before stays.
    expect(answerOf((await ana.asks()).page).get('code')).toEqual(expect.any(String))
  })

  test('a refusal goes back to the app with its state, and leaves nothing', async () => {
    const user = await newUser()
    const ana = person(user)
    const fresh = await ana.asks()
    const denied = answerOf(await fresh.page.submit({ answer: 'deny' }))
    expect(Object.fromEntries(denied)).toEqual({
      error: 'access_denied',
      error_description: expect.any(String),
      state: fresh.request.state,
      iss: pool.issuer,
    })
    await ana.asks({ client_id: 'app' })
    const known = await ana.asks()
    expect(known.page.heading).toBe(consentHeading)
    expect(answerOf(await known.page.submit({ answer: 'deny' })).get('error')).toBe('access_denied')
    expect(await consents(user)).toEqual([])
    // Signed in as before.
    expect(answerOf((await ana.asks({ client_id: 'app', prompt: 'none' })).page).get('code')).toEqual(
      expect.any(String),
    )
  })

  describe('an answer', () => {
    test('counts once', async () => {
      const user = await newUser()
      const { page } = await person(user).asks()
      expect(answerOf(await page.submit({ answer: 'deny' })).get('error')).toBe('access_denied')
      const late = await page.submit({ answer: 'allow' })
      expect([late.status, late.heading]).toEqual([400, 'This sign-in is already done'])
      expect(await consents(user)).toEqual([])
    })

    test('needs the form’s own token, this browser, and an answer', async () => {
      const user = await newUser()
      const { page } = await person(user).asks()
      expect((await page.submit({ answer: 'allow', _csrf: 'x' })).status).toBe(403)
      const action = new URL(page.url)
      const flow = page.field('flow') ?? ''
      const body = new URLSearchParams({ flow, _csrf: page.field('_csrf') ?? '', shown: '', answer: 'allow' })
      expect((await createUserAgent(pool.base).visit(action.href, { method: 'POST', body })).status).toBe(400)
      for (const answer of ['', 'yes']) expect((await page.submit({ answer })).heading).toBe(consentHeading)
      expect(await consents(user)).toEqual([])
    })

    test('is for the account that the page showed', async () => {
      const [first, second] = [await newUser(), await newUser()]
      const ana = person(first)
      const { page } = await ana.asks()
      const login = await page.follow('Use another account')
      expect(login.heading).toBe('Sign in')
      const other = await login.submit({ username: second.username, password })
      expect([other.heading, other.text.includes(second.username)]).toEqual([consentHeading, true])
      const shownAgain = await page.submit({ answer: 'allow' })
      expect([shownAgain.heading, shownAgain.text.includes(second.username)]).toEqual([consentHeading, true])
      expect([await consents(first), await consents(second)]).toEqual([[], []])
      const allowed = await shownAgain.submit({ answer: 'allow' })
      expect(answerOf(allowed).get('code')).toEqual(expect.any(String))
      expect([await consents(first), await consents(second)]).toEqual([[], [expect.anything()]])
    })

    test('another account can be chosen where a session is there', async () => {
      const [first, second] = [await newUser(), await newUser()]
      const ana = person(first)
      await ana.asks({ client_id: 'app' })
      const { page, request } = await ana.asks()
      const other = await (await page.follow('Use another account')).submit({ username: second.username, password })
      const { body } = await redeem({ page: await other.submit({ answer: 'allow' }), request })
      expect(decode(body.id_token)['sub']).toBe(second.sub)
    })

    test('is nobody’s once the session under which the page was shown has ended', async () => {
      const user = await newUser()
      const ana = person(user)
      await ana.asks({ client_id: 'app' })
      const { page } = await ana.asks()
      await ana.agent.visit(`${pool.base}/logout?client_id=app&logout_uri=https://app.example.com/`)
      expect((await page.submit({ answer: 'allow' })).heading).toBe('Sign in')
      expect((await ana.agent.visit(page.url.href)).heading).toBe('Sign in')
      expect(await consents(user)).toEqual([])
    })

    test.each([
      ['signed out everywhere', (user: User) => signOutUser(pool.domain, user)],
      ['disabled', (user: User) => disableUser(pool.domain, user)],
      ['deleted', (user: User) => pool.domain.store.users.delete(poolId, user.sub)],
    ])('comes to nothing when the user has been %s', async (_, befalls) => {
      const user = await newUser()
      const { page } = await person(user).asks()
      pool.clock.ahead += 2
      await befalls(user)
      expect((await page.submit({ answer: 'allow' })).heading).toBe('Sign in')
      expect(await consents(user)).toEqual([])
    })
  })

  test('the page cannot be opened before somebody has signed in', async () => {
    const request = authorizationRequest(pool.base, { client_id: 'guest', redirect_uri: callback })
    const agent = createUserAgent(pool.base)
    const login = await agent.visit(request.url)
    const flow = login.url.searchParams.get('flow') ?? ''
    expect((await agent.visit(`${pool.base}/consent?client_id=guest&flow=${flow}`)).heading).toBe('Sign in')
    const body = new URLSearchParams({ flow, _csrf: login.field('_csrf') ?? '', answer: 'allow' })
    const posted = await agent.visit(`${pool.base}/consent?client_id=guest`, { method: 'POST', body })
    expect(posted.heading).toBe('Sign in')
  })

  describe('a consent that is taken back', () => {
    test('by command, and by its own client only', async () => {
      const user = await newUser()
      const ana = person(user)
      await ana.allows()
      await ana.allows({ client_id: 'visitor' })
      const administration = { ...pool.services, publicUrl: pool.publicUrl, region: 'eu-west-1' }
      const input = { userPool: poolId, username: user.username }
      const revoke = (clientId: string) => runCommand(administration, 'user.revokeConsent', { ...input, clientId })
      expect(await runCommand(administration, 'user.consents', input)).toMatchObject({
        value: { Consents: [{ ClientId: 'guest' }, { ClientId: 'visitor', Scopes: ['email', 'openid'] }] },
      })
      expect(await revoke('guest')).toMatchObject({ ok: true })
      expect(await revoke('guest')).toMatchObject({ ok: false, reason: 'notFound' })
      expect(await revoke('app')).toMatchObject({ ok: false, reason: 'notFound' })
      expect((await ana.asks()).page.heading).toBe(consentHeading)
      expect(answerOf((await ana.asks({ client_id: 'visitor' })).page).get('code')).toEqual(expect.any(String))
    })

    test('ends tokens and codes at once, and the user is asked again', async () => {
      const user = await newUser()
      const ana = person(user)
      const tokens = await ana.tokens()
      const own = await redeem(await ana.asks({ client_id: 'app' }))
      const waiting = await ana.asks()
      const forgotten = await ana.asks()
      expect((await userInfo(pool.base, tokens.access_token ?? '')).status).toBe(200)

      expect(await withdraw(user)).toBe(true)
      expect(await withdraw(user)).toBe(false)
      expect((await userInfo(pool.base, tokens.access_token ?? '')).status).toBe(401)
      const refreshed = await refresh(pool.base, tokens.refresh_token ?? '', { client_id: 'guest' })
      expect(refreshed.body.error).toBe('invalid_grant')
      expect((await redeem(waiting)).body.error).toBe('invalid_grant')
      const silent = await ana.asks({ prompt: 'none' })
      expect(answerOf(silent.page).get('error')).toBe('consent_required')
      expect((await ana.asks()).page.heading).toBe(consentHeading)
      // Other clients keep what they have.
      expect((await userInfo(pool.base, own.body.access_token ?? '')).status).toBe(200)
      expect((await refresh(pool.base, own.body.refresh_token ?? '')).status).toBe(200)

      // A new consent wakes nothing of the old one.
      await ana.allows()
      expect((await redeem(forgotten)).body.error).toBe('invalid_grant')
      expect((await refresh(pool.base, tokens.refresh_token ?? '', { client_id: 'guest' })).body.error).toBe(
        'invalid_grant',
      )
    })

    test('also stops access tokens that name no grant', async () => {
      const user = await newUser()
      const tokens = await person(user).tokens({ client_id: 'visitor' })
      expect(decode(tokens.access_token)).not.toHaveProperty('origin_jti')
      expect((await userInfo(pool.base, tokens.access_token ?? '')).status).toBe(200)
      await withdraw(user, 'visitor')
      expect((await userInfo(pool.base, tokens.access_token ?? '')).status).toBe(401)
    })

    test('ends a family of rotated refresh tokens', async () => {
      const user = await newUser()
      const tokens = await person(user).tokens({ client_id: 'backoffice' })
      const form = { client_id: 'backoffice', client_secret: secret }
      const next = await refresh(pool.base, tokens.refresh_token ?? '', form)
      expect(next.status).toBe(200)
      await withdraw(user, 'backoffice')
      expect((await refresh(pool.base, next.body.refresh_token ?? '', form)).body.error).toBe('invalid_grant')
    })
  })

  test('a third-party client learns what the page named and no more', async () => {
    const user = await newUser()
    await pool.domain.store.groups.addUser(poolId, ['admins'], user.sub, pool.clock.now())
    const ana = person(user)
    const bare = await ana.tokens({ scope: 'openid' })
    for (const name of ['email', 'given_name', 'cognito:groups', 'cognito:roles', 'cognito:preferred_role']) {
      expect(decode(bare.id_token)).not.toHaveProperty([name])
      expect(decode(bare.access_token)).not.toHaveProperty([name])
    }
    expect(await (await userInfo(pool.base, bare.access_token ?? '')).json()).toEqual({
      sub: user.sub,
      username: user.username,
    })
    const more = await ana.tokens({ scope: 'openid profile' })
    expect(decode(more.id_token)).toMatchObject({ given_name: 'Ana', 'cognito:groups': ['admins'] })
    expect(decode(more.id_token)).not.toHaveProperty('email')
    expect(decode(more.access_token)).toHaveProperty(['cognito:groups'])
    // The operator's own: as Cognito does it.
    const own = await redeem(await ana.asks({ client_id: 'app', scope: 'openid' }))
    expect(decode(own.body.id_token)).toMatchObject({ email: user.attributes['email'], 'cognito:groups': ['admins'] })
  })

  test('a client that becomes a third party is asked for what it already holds', async () => {
    const user = await newUser()
    const ana = person(user)
    const tokens = (await redeem(await ana.asks({ client_id: 'reader' }))).body
    const waiting = await ana.asks({ client_id: 'reader' })
    const record = (await pool.domain.store.settings.appClients(poolId)).find(({ id }) => id === 'reader')
    const settings = { ...record?.settings, ThirdParty: true }
    await pool.domain.store.settings.saveAppClient({ ...record!, settings }, pool.clock.now())
    await pool.services.directory.refresh()
    expect((await userInfo(pool.base, tokens.access_token ?? '')).status).toBe(401)
    expect((await redeem(waiting)).body.error).toBe('invalid_grant')
    const form = { client_id: 'reader' }
    expect((await refresh(pool.base, tokens.refresh_token ?? '', form)).body.error).toBe('invalid_grant')
    await ana.allows({ client_id: 'reader' })
    expect((await refresh(pool.base, tokens.refresh_token ?? '', form)).status).toBe(200)
  })
})
