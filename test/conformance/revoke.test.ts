import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basic, decode } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createBrowser, otherPoolId, poolId, refresh, secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'

describe.each(databaseKinds)('revoking on %s', (database) => {
  let pool: ConformancePool
  let browser: Browser
  beforeAll(async () => {
    pool = await startPool({ database })
    browser = createBrowser(pool.base)
    await browser.authorize()
  })
  afterAll(() => pool.stop())

  const revoke = (
    form: Record<string, string> | string,
    headers: Record<string, string> = {},
    base = pool.base,
  ): Promise<Response> =>
    fetch(`${base}/oauth2/revoke`, {
      method: 'POST',
      headers,
      body: typeof form === 'string' ? form : new URLSearchParams(form),
    })

  const expectError = async (response: Response, status: number, error: string): Promise<void> => {
    expect([response.status, await response.json()]).toEqual([status, { error }])
    expect(response.headers.get('cache-control')).toBe('no-store')
  }

  const expectDone = async (response: Response): Promise<void> => {
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('content-type')).toBeNull()
    expect(response.headers.get('cache-control')).toBe('no-store')
  }

  test('a refresh token ends it and its access tokens, and no other sign-in', async () => {
    const [one, two] = [await browser.signIn(), await browser.signIn()]
    await expectDone(await revoke({ client_id: 'app', token: one.refreshToken, token_type_hint: 'refresh_token' }))
    expect((await refresh(pool.base, one.refreshToken)).body.error).toBe('invalid_grant')
    expect((await userInfo(pool.base, one.accessToken)).status).toBe(401)
    expect((await refresh(pool.base, two.refreshToken)).status).toBe(200)
    expect((await userInfo(pool.base, two.accessToken)).status).toBe(200)
    // Once more changes nothing, and says so in the same words.
    await expectDone(await revoke({ client_id: 'app', token: one.refreshToken }))
  })

  test('leaves the browser signed in', async () => {
    const own = createBrowser(pool.base)
    const { refreshToken } = await own.signIn()
    await revoke({ client_id: 'app', token: refreshToken })
    const { answer } = await own.authorize({ prompt: 'none' })
    expect(answer.searchParams.has('code')).toBe(true)
  })

  test('a token spent by rotation ends the family as well', async () => {
    const { refreshToken } = await browser.signIn({ client_id: 'graceful' })
    const { body } = await refresh(pool.base, refreshToken, { client_id: 'graceful' })
    await expectDone(await revoke({ client_id: 'graceful', token: refreshToken }))
    const after = await refresh(pool.base, body.refresh_token ?? '', { client_id: 'graceful' })
    expect(after.body.error).toBe('invalid_grant')
  })

  test.each(['unknown', 'x'.repeat(20_000), '\0', 'a.b', 'a.b.c.d.e', '%', '<script>', "' or 1=1 --"])(
    'the unknown token %.30j is done at once',
    async (token) => {
      await expectDone(await revoke({ client_id: 'app', token }))
    },
  )

  test('an access or ID token is not supported, and lives on', async () => {
    const { accessToken, idToken, refreshToken } = await browser.signIn()
    for (const token of [accessToken, idToken]) {
      await expectError(await revoke({ client_id: 'app', token }), 400, 'unsupported_token_type')
    }
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })

  test('a token of another client or pool changes nothing', async () => {
    const { refreshToken } = await browser.signIn()
    await expectDone(await revoke({ client_id: 'rotating', token: refreshToken }))
    await expectDone(await revoke({ token: refreshToken }, { authorization: basic('backend', secret) }))
    await expectDone(await revoke({ client_id: 'app', token: refreshToken }, {}, `${pool.base}/${otherPoolId}`))
    expect((await refresh(pool.base, refreshToken)).status).toBe(200)
  })

  test('by a confidential client needs its secret', async () => {
    const credentials = { client_id: 'backend', client_secret: secret }
    const again = (token: string) => refresh(pool.base, token, credentials)
    const { refreshToken } = await browser.signIn({ client_id: 'backend' })
    for (const [form, headers] of [
      [{ client_id: 'backend' }, {}],
      [{ client_id: 'backend', client_secret: 'wrong' }, {}],
      [{ client_id: 'backend', client_secret: '' }, {}],
      [{ client_id: 'backend', client_secret: secret, client_assertion: 'e30.e30.e30' }, {}],
      [{ client_id: 'nobody' }, {}],
      [{}, {}],
      [{}, { authorization: basic('backend', 'wrong') }],
      [{}, { authorization: basic('nobody', secret) }],
      [{}, { authorization: 'Basic !' }],
      [{}, { authorization: `Bearer ${secret}` }],
      [{ client_id: 'app' }, { authorization: basic('backend', secret) }],
    ] as [Record<string, string>, Record<string, string>][]) {
      const refused = await revoke({ ...form, token: refreshToken }, headers)
      expect(refused.headers.has('www-authenticate')).toBe('authorization' in headers)
      await expectError(refused, 401, 'invalid_client')
    }
    expect((await again(refreshToken)).status).toBe(200)
    await expectDone(await revoke({ token: refreshToken }, { authorization: basic('backend', secret) }))
    expect((await again(refreshToken)).status).toBe(400)
    const other = await browser.signIn({ client_id: 'backend' })
    await expectDone(await revoke({ ...credentials, token: other.refreshToken }))
    expect((await again(other.refreshToken)).status).toBe(400)
  })

  test('by a client whose tokens cannot be revoked is an invalid_request', async () => {
    const { refreshToken, accessToken } = await browser.signIn({ client_id: 'irrevocable' })
    await expectError(await revoke({ client_id: 'irrevocable', token: refreshToken }), 400, 'invalid_request')
    expect((await refresh(pool.base, refreshToken, { client_id: 'irrevocable' })).status).toBe(200)
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
  })

  test('a request that is none is an invalid_request', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const body of [
      'client_id=app',
      'client_id=app&token=',
      'client_id=app&token=a&token=b',
      'client_id=app&client_id=app&token=a',
    ]) {
      await expectError(await revoke(body, form), 400, 'invalid_request')
    }
    await expectError(await revoke('{"token":"a"}', { 'content-type': 'application/json' }), 400, 'invalid_request')
    await expectError(await revoke(`client_id=app&token=${'x'.repeat(40_000)}`, form), 400, 'invalid_request')
    expect((await fetch(`${pool.base}/oauth2/revoke?client_id=app&token=a`)).status).toBe(405)
  })

  test('that fails says so (threat row C20)', async () => {
    const { refreshToken, accessToken } = await browser.signIn()
    const { store } = pool.domain
    const working = store.transaction.bind(store)
    store.transaction = () => Promise.reject(new Error('the database is gone'))
    try {
      await expectError(await revoke({ client_id: 'app', token: refreshToken }), 500, 'server_error')
    } finally {
      store.transaction = working
    }
    expect((await userInfo(pool.base, accessToken)).status).toBe(200)
    await expectDone(await revoke({ client_id: 'app', token: refreshToken }))
    const claims = decode(accessToken)
    const found = await store.grants.findSubject(poolId, String(claims['sub']), String(claims['origin_jti']))
    expect(found?.grantRevoked).toBe(true)
  })
})
