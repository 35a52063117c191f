import { createHmac, generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { cookieName } from '../../src/security/cookies.ts'
import {
  callback,
  codeForm,
  configurationOf,
  createBrowser,
  password,
  poolId,
  refresh,
  secret,
  startPool,
  userInfo,
} from '../conformance/pool.ts'
import type { Browser, ConformancePool } from '../conformance/pool.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { basic, requestTokens } from '../support/relying-party.ts'

/*
 * Threat row C20: Hydra and fosite did not remember the `jti` of a client assertion, and swallowed a storage error when they
 * revoked. We offer no client assertions, so every one is refused; and with the database really gone, or one that cannot be
 * written to, whatever should end something says that it did not. Guards src/oidc/token-grants.ts and
 * src/oidc/client-authentication.ts (assertions), src/oidc/revocation.ts and src/app/request-errors.ts.
 * (conformance/revoke.test.ts has a failure of the one statement.)
 */

describe('a client assertion', () => {
  let pool: ConformancePool
  beforeAll(async () => {
    pool = await startPool({
      configuration: configurationOf({ clients: { machine2: { ClientSecret: secret, AllowedOAuthFlows: ['code'] } } }),
    })
  })
  afterAll(() => pool.stop())

  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })

  /** As RFC 7523 §3 wants it, signed with a key of theirs or with the client's real secret. */
  async function assertions(clientId: string): Promise<Record<string, string>> {
    const jwt = () =>
      new SignJWT({ jti: 'once' })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience([pool.issuer, `${pool.base}/oauth2/token`])
        .setIssuedAt()
        .setExpirationTime('2m')
    const head = Buffer.from('{"alg":"none"}').toString('base64url')
    return {
      private_key_jwt: await jwt().setProtectedHeader({ alg: 'RS256' }).sign(keys.privateKey),
      client_secret_jwt: await jwt().setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret)),
      unsigned: `${head}.${Buffer.from(JSON.stringify({ iss: clientId, sub: clientId })).toString('base64url')}.`,
      nonsense: createHmac('sha256', secret).update(clientId).digest('base64url'),
      empty: '',
    }
  }

  test.each(['app', 'backend'])('proves nothing for %s, at no endpoint, and spends nothing', async (client_id) => {
    const browser = createBrowser(pool.base)
    const { refreshToken } = await browser.signIn({ client_id })
    const { answer, request } = await browser.authorize({ client_id })
    const form = codeForm(answer, request)
    const { client_secret: _secret, ...bare } = form
    const proof: Record<string, string> = client_id === 'backend' ? { client_secret: secret } : {}
    for (const [what, client_assertion] of Object.entries(await assertions(client_id))) {
      for (const client_assertion_type of [type, 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer', '']) {
        const assertion = { client_assertion, client_assertion_type }
        for (const fields of [
          { ...bare, ...assertion },
          // Beside the right secret too: two proofs are none.
          { ...form, ...assertion },
          { grant_type: 'refresh_token', refresh_token: refreshToken, client_id, ...assertion },
          { grant_type: 'client_credentials', client_id: 'machine', ...assertion },
        ] as Record<string, string>[]) {
          const { status, body } = await requestTokens(pool.base, fields)
          expect([what, fields['grant_type'], status]).toEqual([what, fields['grant_type'], 400])
          expect(body.access_token).toBeUndefined()
        }
        const revoked = await fetch(`${pool.base}/oauth2/revoke`, {
          method: 'POST',
          body: new URLSearchParams({ token: refreshToken, client_id, ...proof, ...assertion }),
        })
        expect([what, revoked.status]).toEqual([what, 401])
      }
    }
    expect((await refresh(pool.base, refreshToken, { client_id, ...proof })).status).toBe(200)
    expect((await requestTokens(pool.base, form)).status).toBe(200)
  })

  test('and whatever else is not offered does not pass for it', async () => {
    const browser = createBrowser(pool.base)
    const { answer, request } = await browser.authorize({ client_id: 'backend' })
    const { client_secret: _secret, ...form } = codeForm(answer, request)
    const { private_key_jwt: jwt = '' } = await assertions('backend')
    for (const headers of [
      { 'oauth-client-attestation': jwt, 'oauth-client-attestation-pop': jwt },
      { dpop: jwt },
      { 'x-ssl-client-cert': 'backend', 'x-client-cert': 'backend', 'ssl-client-verify': 'SUCCESS' },
      { authorization: `Bearer ${jwt}` },
      { authorization: basic('backend', jwt) },
    ] as Record<string, string>[]) {
      const { status, body } = await requestTokens(pool.base, form, headers)
      expect([headers, [400, 401].includes(status), body.access_token]).toEqual([headers, true, undefined])
    }
    const discovery = await fetch(`${pool.issuer}/.well-known/openid-configuration`)
    expect(JSON.stringify(await discovery.json())).not.toMatch(/jwt"|tls_client_auth|attest/)
  })
})

describe('with a database', () => {
  let database: TestDatabase
  let pool: ConformancePool
  const admin = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: inject('postgresUrl') })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }
  const cutOff = () => `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database.name}'`
  const failures: [string, () => Promise<void>][] = [
    ['that is gone', () => admin(`alter database ${database.name} allow_connections false`, cutOff())],
    [
      'that cannot be written to',
      () => admin(`alter database ${database.name} set default_transaction_read_only = on`, cutOff()),
    ],
  ]
  const mend = async (): Promise<void> => {
    await admin(
      `alter database ${database.name} allow_connections true`,
      `alter database ${database.name} reset default_transaction_read_only`,
      cutOff(),
    )
    await expect.poll(async () => (await fetch(`${pool.base}/readyz`)).status, { timeout: 10_000 }).toBe(200)
  }

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    pool = await startPool({ environment: { databaseUrl: database.url } })
  })
  afterEach(mend)
  afterAll(async () => {
    await pool.stop()
    await database.drop()
  })

  const post = (path: string, fields: Record<string, string>): Promise<Response> =>
    fetch(`${pool.base}${path}`, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' })
  const isSignedIn = async ({ agent }: Browser): Promise<boolean> => {
    const { answer } = await createBrowserOf(agent).authorize({ prompt: 'none' })
    return answer.searchParams.has('code')
  }
  const createBrowserOf = (agent: Browser['agent']): Browser => {
    const browser = createBrowser(pool.base)
    for (const [name, value] of agent.cookies) browser.agent.cookies.set(name, value)
    return browser
  }

  test.each(failures)('%s, a revocation says that it failed, and works when it is asked again', async (_what, fail) => {
    const browser = createBrowser(pool.base)
    const { refreshToken, accessToken } = await browser.signIn()
    await fail()
    for (let round = 0; round < 3; round += 1) {
      const response = await post('/oauth2/revoke', { client_id: 'app', token: refreshToken })
      expect([response.status, await response.json()]).toEqual([503, { error: 'temporarily_unavailable' }])
      expect(response.headers.get('cache-control')).toBe('no-store')
    }
    // Nor is anything given out meanwhile that could not be written down.
    const answers = await Promise.all([
      refresh(pool.base, refreshToken, { client_id: 'rotating' }),
      requestTokens(pool.base, {
        grant_type: 'authorization_code',
        client_id: 'app',
        code: 'x',
        redirect_uri: callback,
      }),
    ])
    for (const { status, body } of answers) expect([status >= 400, body.access_token]).toEqual([true, undefined])
    await mend()
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    expect((await post('/oauth2/revoke', { client_id: 'app', token: refreshToken })).status).toBe(200)
    expect((await userInfo(pool.base, accessToken)).status).toBe(401)
    expect((await refresh(pool.base, refreshToken)).status).toBe(400)
  })

  test.each(failures)(
    '%s, a used refresh token is refused, and its family ends when it is shown again',
    async (_what, fail) => {
      const browser = createBrowser(pool.base)
      const rotate = (token: string) => refresh(pool.base, token, { client_id: 'rotating' })
      const { refreshToken } = await browser.signIn({ client_id: 'rotating' })
      const successor = (await rotate(refreshToken)).body.refresh_token ?? ''
      await fail()
      for (const token of [refreshToken, successor]) {
        const { status, body } = await rotate(token)
        expect([status >= 400, body.access_token, body.refresh_token]).toEqual([true, undefined, undefined])
      }
      await mend()
      expect((await rotate(refreshToken)).status).toBe(400)
      expect((await rotate(successor)).status).toBe(400)
    },
  )

  test.each(failures)('%s, signing out does not say that it has', async (_what, fail) => {
    const browser = createBrowser(pool.base)
    const { idToken, refreshToken } = await browser.signIn()
    await fail()
    const cookies = new Map(browser.agent.cookies)
    for (const query of [
      'client_id=app&logout_uri=https://app.example.com/',
      'client_id=app',
      `id_token_hint=${idToken}&global_sign_out=true&post_logout_redirect_uri=https://app.example.com/`,
    ]) {
      const response = await browser.agent.request(`${pool.base}/logout?${query}`)
      expect([query, response.status, response.headers.get('location')]).toEqual([query, 503, null])
    }
    // The browser still has its cookie, and so knows that it is signed in.
    const name = cookieName('session', poolId, false)
    expect(browser.agent.cookies.get(name)).toBe(cookies.get(name))
    await mend()
    expect(await isSignedIn(browser)).toBe(true)
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })

  test.each(failures)('%s, nobody is signed in, and nobody told that they are', async (_what, fail) => {
    const { agent } = createBrowser(pool.base)
    const { url } = (await createBrowser(pool.base).authorize()).request
    const login = await agent.visit(url)
    await fail()
    const page = await login.submit({ username: 'ana', password })
    expect([page.status, page.url.origin]).toEqual([503, pool.base])
    await mend()
    expect((await agent.visit(url)).heading).toBe('Sign in')
  })
})
