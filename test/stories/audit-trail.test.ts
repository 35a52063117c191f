import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LinkedAuditEvent } from '../../src/domain/audit/audit-event.ts'
import { findUser } from '../../src/domain/users/administer-user.ts'
import {
  ana,
  callback,
  codeForm,
  configurationOf,
  password,
  poolId,
  refresh,
  secret,
  startPool,
} from '../conformance/pool.ts'
import type { ConformancePool } from '../conformance/pool.ts'
import { auditTrailOf, inShort } from '../support/audit-events.ts'
import { authorizationRequest, basic, requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'

const clients = { guest: { ThirdParty: true } }
const open = { AutoVerifiedAttributes: ['email'] }
const proxied = { 'X-Forwarded-For': '203.0.113.9, 198.51.100.77', 'User-Agent': 'Proxied/2 (person)' }

describe.each(databaseKinds)('the audit trail of people at browsers, on %s', (database) => {
  let pool: ConformancePool
  let sub: string
  let seen = 0
  beforeAll(async () => {
    const environment = { trustedProxies: ['127.0.0.0/8', '::1'] }
    pool = await startPool({ database, environment, configuration: configurationOf({ clients, pool: open }) })
    const { userPool } = await pool.snapshot()
    sub = (await findUser(pool.domain, userPool, ana.Username))?.sub ?? ''
    await newEvents()
  })
  afterAll(() => pool.stop())

  /** Since the last call. */
  async function newEvents(): Promise<readonly LinkedAuditEvent[]> {
    const events = (await auditTrailOf(pool.domain, poolId)).slice(seen)
    seen += events.length
    return events
  }
  const about = (events: readonly LinkedAuditEvent[]) =>
    events.map((event) => `${inShort(event)} ${event.clientId ?? ''} ${event.subject === sub ? 'ana' : ''}`.trim())

  const ask = (parameters: Record<string, string> = {}) =>
    authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, scope: 'openid', ...parameters })
  const person = (headers: Record<string, string> = proxied): UserAgent => createUserAgent(pool.base, headers)

  async function signIn(agent: UserAgent, parameters: Record<string, string> = {}) {
    const request = ask(parameters)
    const page = await agent.visit(request.url)
    const answer = page.heading === 'Sign in' ? await page.submit({ username: 'ana', password }) : page
    return { answer, request }
  }
  const redeem = async ({ answer, request }: Awaited<ReturnType<typeof signIn>>) => {
    const form = codeForm(answer.url, request)
    return { form, ...(await requestTokens(pool.base, form, proxied)) }
  }

  test('what the configuration made is there from the start', async () => {
    const events = await auditTrailOf(pool.domain, poolId)
    expect(events[0]).toMatchObject({ eventType: 'UserPoolCreate', actor: 'server' })
    const counted = Map.groupBy(events, inShort)
    expect(counted.get('AppClientCreate Pass')).toHaveLength(8)
    expect(counted.get('ResourceServerCreate Pass')).toHaveLength(1)
    expect(counted.get('GroupCreate Pass')).toHaveLength(2)
    expect(counted.get('UserCreate Pass')).toHaveLength(1)
    expect(JSON.stringify(events)).not.toContain(secret)
  })

  test('looking at pages is no event', async () => {
    const agent = person()
    const page = await agent.visit(ask().url)
    await page.follow('Create an account')
    await page.follow('Forgot')
    await agent.visit(`${pool.base}/`)
    await agent.visit(`${pool.base}/nowhere`)
    await page.submit({ username: '', password: '' })
    expect(await newEvents()).toEqual([])
  })

  test('a sign-in: with the address that trusted proxies have seen, the browser, the request and the app', async () => {
    const agent = person()
    const page = await agent.visit(ask().url)
    const wrong = await page.submit({ username: 'ana', password: 'Wrong-1843' })
    expect(wrong.text).toContain('Incorrect')
    expect((await wrong.submit({ username: 'ana', password })).status).toBe(0)
    const [failed, passed, ...more] = await newEvents()
    expect(more).toEqual([])
    for (const event of [failed, passed]) {
      expect(event).toMatchObject({
        eventType: 'SignIn',
        subject: sub,
        clientId: 'app',
        actor: 'user',
        // Right to left: what the proxy that we trust has seen, not what was there before.
        address: '198.51.100.77',
        userAgent: 'Proxied/2 (person)',
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      })
    }
    expect(failed).toMatchObject({ response: 'Fail', reason: 'incorrectCredentials' })
    expect(failed?.requestId).toBe(wrong.headers.get('x-request-id'))
    expect(passed).toMatchObject({ response: 'Pass' })
  })

  test('tokens: when a family begins, when one is shown again, when it ends; not each refresh', async () => {
    const agent = person()
    const first = await redeem(await signIn(agent))
    expect(first.status).toBe(200)
    for (let n = 0; n < 3; n += 1) expect((await refresh(pool.base, first.body.refresh_token ?? '')).status).toBe(200)
    expect(about(await newEvents())).toEqual(['SignIn Pass app ana', 'TokenIssue Pass app ana'])

    // The same browser session, another app: nobody signs in, and tokens begin.
    const rotating = await redeem(await signIn(agent, { client_id: 'rotating' }))
    const spent = rotating.body.refresh_token ?? ''
    const as = { client_id: 'rotating' }
    const { body } = await refresh(pool.base, spent, as)
    for (let n = 0; n < 3; n += 1) expect((await refresh(pool.base, spent, as)).status).toBe(400)
    for (let n = 0; n < 3; n += 1) expect((await refresh(pool.base, body.refresh_token ?? '', as)).status).toBe(400)
    expect(about(await newEvents())).toEqual([
      'TokenIssue Pass rotating ana',
      'TokenReuse Fail refreshTokenUsedBefore rotating ana',
      'TokenRefresh Fail refresh token revoked rotating ana',
      'TokenRefresh Fail refresh token revoked rotating ana',
    ])

    const revoke = (form: Record<string, string>) =>
      fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body: new URLSearchParams(form), headers: proxied })
    for (let n = 0; n < 2; n += 1) {
      expect((await revoke({ client_id: 'app', token: first.body.refresh_token ?? '' })).status).toBe(200)
    }
    const [revoked, ...more] = await newEvents()
    expect(more).toEqual([])
    expect(revoked).toMatchObject({ eventType: 'TokenRevoke', subject: sub, clientId: 'app', address: '198.51.100.77' })
    // The same family throughout.
    const issued = (await auditTrailOf(pool.domain, poolId)).filter(({ detail }) => detail?.includes('"flow":"code"'))
    const family = JSON.parse(issued[0]?.detail ?? '') as { grant: string }
    expect(JSON.parse(revoked?.detail ?? '')).toEqual({ grant: family.grant })
  })

  test('a code: shown twice, with the wrong verifier, and one that never was', async () => {
    const used = await redeem(await signIn(person()))
    for (let n = 0; n < 3; n += 1) expect((await requestTokens(pool.base, used.form)).status).toBe(400)
    const stolen = await signIn(person())
    const form = { ...codeForm(stolen.answer.url, stolen.request), code_verifier: 'x'.repeat(43) }
    for (let n = 0; n < 3; n += 1) expect((await requestTokens(pool.base, form)).status).toBe(400)
    expect((await requestTokens(pool.base, { ...form, code: 'never-was' })).status).toBe(400)
    expect(about(await newEvents())).toEqual([
      'SignIn Pass app ana',
      'TokenIssue Pass app ana',
      'TokenReuse Fail codeUsedBefore app ana',
      'SignIn Pass app ana',
      'TokenIssue Fail code_verifier does not match app ana',
    ])
  })

  test('an implicit answer begins tokens as well', async () => {
    // Configured for a moment.
    const { domain } = pool
    const stored = (await domain.store.settings.appClients(poolId)).find(({ id }) => id === 'reader')!
    const settings = { ...stored.settings, AllowedOAuthFlows: ['implicit'] }
    await domain.store.settings.saveAppClient({ ...stored, settings }, domain.clock.now())
    await pool.services.directory.refresh()
    const { answer } = await signIn(person(), { client_id: 'reader', response_type: 'token' })
    expect(answer.url.hash).toContain('access_token=')
    const events = await newEvents()
    expect(about(events)).toEqual(['SignIn Pass reader ana', 'TokenIssue Pass reader ana'])
    expect(events[1]?.detail).toContain('"flow":"implicit"')
    expect(events[1]?.address).toBe('198.51.100.77')
  })

  test('app clients that cannot show who they are', async () => {
    const form = { grant_type: 'client_credentials', client_id: 'machine' }
    for (let n = 0; n < 3; n += 1) {
      await requestTokens(pool.base, { ...form, client_secret: 'wrong' }, proxied)
      await requestTokens(pool.base, { grant_type: 'client_credentials' }, { authorization: basic('backend', 'wrong') })
    }
    await requestTokens(pool.base, { ...form, client_id: 'nobody', client_secret: 'wrong' }, proxied)
    const body = new URLSearchParams({ client_id: 'backend', client_secret: 'wrong', token: 'x' })
    const other = { ...proxied, 'X-Forwarded-For': '198.51.100.78' }
    await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body, headers: other })
    // What it is allowed to is not worth a row.
    expect((await requestTokens(pool.base, { ...form, client_secret: secret }, proxied)).status).toBe(200)
    const events = await newEvents()
    expect(about(events)).toEqual([
      'ClientAuthentication Fail invalidClient machine',
      'ClientAuthentication Fail invalidClient backend',
      'ClientAuthentication Fail invalidClient backend',
    ])
    expect(events.map(({ address }) => address)).toEqual([
      '198.51.100.77',
      expect.stringMatching(/^(127|::1)/),
      '198.51.100.78',
    ])
  })

  test('consent, given and refused', async () => {
    const parameters = { client_id: 'guest', scope: 'openid email' }
    const { answer: asked } = await signIn(person(), parameters)
    const refused = await asked.submit({ answer: 'deny' })
    expect(refused.url.searchParams.get('error')).toBe('access_denied')
    const { answer: again } = await signIn(person(), parameters)
    expect((await again.submit({ answer: 'allow' })).url.searchParams.has('code')).toBe(true)
    const events = await newEvents()
    expect(about(events)).toEqual([
      'SignIn Pass guest ana',
      'Consent Fail denied guest ana',
      'SignIn Pass guest ana',
      'Consent Pass guest ana',
    ])
    expect(events[3]).toMatchObject({ detail: '{"scopes":["email","openid"]}', address: '198.51.100.77' })
    expect(events[1]).toMatchObject({ address: '198.51.100.77' })
  })

  test('signing out: here, everywhere, and by somebody else at the same browser', async () => {
    const agent = person()
    const signedOut = (query: string) => agent.visit(`${pool.base}/logout?${query}`)
    await signIn(agent)
    await signedOut('client_id=app')
    await signedOut('client_id=app') // nobody is signed in any more
    const { body } = await redeem(await signIn(agent))
    await signedOut(`id_token_hint=${body.id_token}&global_sign_out=true`)
    await newEvents()
    const { answer } = await signIn(agent)
    expect(answer.status).toBe(0)
    const login = await agent.visit(ask({ prompt: 'login' }).url)
    const signUp = await login.follow('Create an account')
    const fields = { username: 'grace', email: 'grace@example.org', password: 'Grace-Hopper-1906' }
    const confirm: VisitedPage = await signUp.submit(fields)
    const code = await pool.codeFor('grace@example.org')
    expect((await confirm.submit({ code })).status).toBe(0)
    const events = await newEvents()
    expect(events.map((event) => `${inShort(event)} ${event.subject === sub ? 'ana' : 'grace'}`)).toEqual([
      'SignIn Pass ana',
      'SignUp Pass grace',
      'ConfirmSignUp Pass grace',
      'SignOut Pass ana',
    ])
    expect(events[3]).toMatchObject({ detail: '{"reason":"anotherUser"}', clientId: 'app' })
    const all = JSON.stringify(await auditTrailOf(pool.domain, poolId))
    for (const typed of [password, fields.password, fields.email, code, secret, body.refresh_token ?? 'x'.repeat(99)]) {
      expect(all).not.toContain(typed)
    }
    const outs = (await auditTrailOf(pool.domain, poolId)).filter(({ eventType }) => /SignOut/.test(eventType))
    expect(outs.slice(0, 2).map(inShort)).toEqual(['SignOut Pass', 'GlobalSignOut Pass'])
    expect(outs[0]).toMatchObject({ clientId: 'app', subject: sub, address: '198.51.100.77' })
  })
})

test('where no proxy is trusted, what a header says of the address is not believed', async () => {
  const pool = await startPool()
  try {
    const agent = createUserAgent(pool.base, proxied)
    const request = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, scope: 'openid' })
    await (await agent.visit(request.url)).submit({ username: 'ana', password: 'Wrong-1843' })
    const event = (await auditTrailOf(pool.domain, poolId)).at(-1)
    expect(event).toMatchObject({ eventType: 'SignIn', response: 'Fail' })
    expect(event?.address).toMatch(/^(127\.|::1$)/)
  } finally {
    await pool.stop()
  }
})
