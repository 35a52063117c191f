import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { refreshGrant } from '../../src/domain/tokens/refresh-grant.ts'
import { decode } from '../support/relying-party.ts'
import type { TokenResponse } from '../support/relying-party.ts'
import { createDatabase } from '../support/postgres.ts'
import { databaseKinds } from '../support/server.ts'
import { createBrowser, otherPoolId, refresh, secret, startPool, userInfo } from './pool.ts'
import type { Browser, ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'

const expectRefused = ({ status, body }: TokenResponse): void => {
  expect([status, body.error, body.access_token]).toEqual([400, 'invalid_grant', undefined])
}

describe.each(databaseKinds)('a refresh token on %s', (database) => {
  let pool: ConformancePool
  let browser: Browser
  beforeAll(async () => {
    pool = await startPool({ database })
    browser = createBrowser(pool.base)
    await browser.authorize()
  })
  afterAll(() => pool.stop())

  const tokenOf = async (clientId: string): Promise<string> =>
    (await browser.signIn({ client_id: clientId })).refreshToken

  test('without rotation works again and again, and no other one is given', async () => {
    const token = await tokenOf('app')
    for (let round = 0; round < 3; round += 1) {
      const { status, body } = await refresh(pool.base, token)
      expect([status, body.refresh_token, body.token_type, body.expires_in]).toEqual([200, undefined, 'Bearer', 3600])
      expect((await userInfo(pool.base, body.access_token ?? '')).status).toBe(200)
      expect(body.id_token).toBeDefined()
    }
  })

  test.each([
    ['cut short', (token: string) => token.slice(0, -1)],
    ['with more behind it', (token: string) => `${token}A`],
    ['with its last letter changed', (token: string) => token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')],
    ['in lower case', (token: string) => token.toLowerCase()],
    ['with a blank', (token: string) => ` ${token}`],
    ['with a zero byte', (token: string) => `${token}\0`],
    ['huge', (token: string) => token.repeat(1000)],
  ])('%s is refused (threat row C8)', async (_what, mutate) => {
    const token = await tokenOf('app')
    expectRefused(await refresh(pool.base, mutate(token)))
    expect((await refresh(pool.base, token)).status).toBe(200)
  })

  test('of another client or another pool is refused and stays good', async () => {
    const token = await tokenOf('app')
    expectRefused(await refresh(pool.base, token, { client_id: 'rotating' }))
    expectRefused(await refresh(pool.base, token, { client_id: 'backend', client_secret: secret }))
    expectRefused(await refresh(`${pool.base}/${otherPoolId}`, token))
    expect((await refresh(pool.base, token)).status).toBe(200)
    const confidential = await tokenOf('backend')
    const { status } = await refresh(pool.base, confidential, { client_id: 'backend', client_secret: 'wrong' })
    expect(status).toBe(400)
  })

  test('an access token, an ID token and a code are no refresh tokens', async () => {
    const { accessToken, idToken } = await browser.signIn()
    const { answer } = await browser.authorize()
    for (const token of [accessToken, idToken, answer.searchParams.get('code') ?? '']) {
      expectRefused(await refresh(pool.base, token))
    }
  })

  test('may narrow the scope for one access token, never widen it', async () => {
    const { refreshToken } = await browser.signIn({ scope: 'openid email api/read' })
    const narrow = await refresh(pool.base, refreshToken, { scope: 'openid' })
    expect(narrow.body.scope).toBe('openid')
    expect(decode(narrow.body.access_token)['scope']).toBe('openid')
    const without = await refresh(pool.base, refreshToken, { scope: 'api/read' })
    expect([without.body.scope, without.body.id_token]).toEqual(['api/read', undefined])
    for (const scope of ['openid api/write', 'phone', 'nonsense', 'openid\temail']) {
      const refused = await refresh(pool.base, refreshToken, { scope })
      expect([scope, refused.status]).toEqual([scope, 400])
    }
    expect((await refresh(pool.base, refreshToken)).body.scope).toBe('openid email api/read')
  })

  test('ends with its family’s time, which rotation does not lengthen', async () => {
    const token = await tokenOf('rotating')
    const day = 86_400
    try {
      pool.clock.ahead = 29 * day
      const { body } = await refresh(pool.base, token, { client_id: 'rotating' })
      pool.clock.ahead = 30 * day + 5
      expectRefused(await refresh(pool.base, body.refresh_token ?? '', { client_id: 'rotating' }))
    } finally {
      pool.clock.ahead = 0
    }
  })

  describe('with rotation', () => {
    const rotate = (token: string): Promise<TokenResponse> => refresh(pool.base, token, { client_id: 'rotating' })

    test('is replaced at each use', async () => {
      let token = await tokenOf('rotating')
      const seen = new Set([token])
      for (let round = 0; round < 3; round += 1) {
        const { status, body } = await rotate(token)
        expect(status).toBe(200)
        token = body.refresh_token ?? ''
        seen.add(token)
      }
      expect(seen.size).toBe(4)
    })

    test('used again ends the whole family, access tokens at userInfo included', async () => {
      const { refreshToken, accessToken } = await browser.signIn({ client_id: 'rotating' })
      const first = await rotate(refreshToken)
      const second = await rotate(first.body.refresh_token ?? '')
      expect((await userInfo(pool.base, accessToken)).status).toBe(200)
      expectRefused(await rotate(refreshToken))
      expectRefused(await rotate(second.body.refresh_token ?? ''))
      for (const token of [accessToken, second.body.access_token ?? '']) {
        expect((await userInfo(pool.base, token)).status).toBe(401)
      }
    })

    test('a refused attempt spends nothing', async () => {
      const token = await tokenOf('rotating')
      expectRefused(await refresh(pool.base, token, { client_id: 'rotating', scope: 'nonsense' }))
      expectRefused(await refresh(pool.base, token, { client_id: 'graceful' }))
      expect((await rotate(token)).status).toBe(200)
    })

    test('used fifty times at once has one winner', async () => {
      const token = await tokenOf('rotating')
      const answers = await Promise.all(Array.from({ length: 50 }, () => rotate(token)))
      const won = answers.filter(({ status }) => status === 200)
      expect(won).toHaveLength(1)
      for (const answer of answers) if (answer !== won[0]) expectRefused(answer)
      expectRefused(await rotate(won[0]?.body.refresh_token ?? ''))
    })
  })

  describe('with rotation and a minute’s grace', () => {
    const rotate = (token: string): Promise<TokenResponse> => refresh(pool.base, token, { client_id: 'graceful' })

    test('gives the same successor again, which works', async () => {
      const token = await tokenOf('graceful')
      const first = await rotate(token)
      const again = await rotate(token)
      expect(again.body.refresh_token).toBe(first.body.refresh_token)
      expect(again.body.access_token).not.toBe(first.body.access_token)
      expect((await rotate(first.body.refresh_token ?? '')).status).toBe(200)
    })

    test('used again after the grace ends the family', async () => {
      const token = await tokenOf('graceful')
      try {
        const first = await rotate(token)
        pool.clock.ahead = 55
        expect((await rotate(token)).status).toBe(200)
        pool.clock.ahead = 62
        expectRefused(await rotate(token))
        expectRefused(await rotate(first.body.refresh_token ?? ''))
      } finally {
        pool.clock.ahead = 0
      }
    })

    test('used fifty times at once never forks', async () => {
      const token = await tokenOf('graceful')
      const answers = await Promise.all(Array.from({ length: 50 }, () => rotate(token)))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    })

    test('gives nothing for a family that is revoked while it is being used', async () => {
      const token = await tokenOf('graceful')
      const snapshot = await pool.snapshot()
      const appClient = snapshot.appClients.get('graceful')
      if (appClient === undefined) throw new Error('no client')
      const { store } = pool.domain
      const { grants } = store
      const racing: typeof grants = {
        ...grants,
        async findRefreshToken(userPoolId, tokenHash) {
          const found = await grants.findRefreshToken(userPoolId, tokenHash)
          if (found !== undefined) await grants.revoke(userPoolId, found.grant.id, pool.clock.now())
          return found
        },
      }
      const services = { ...pool.domain, store: { ...store, grants: racing } }
      const outcome = await refreshGrant(services, snapshot, appClient, { refreshToken: token, scope: undefined })
      expect(outcome).toMatchObject({ kind: 'refused', error: 'invalid_grant' })
    })
  })
})

describe('two servers on one database', () => {
  test('agree on one winner, and on one successor within the grace', async () => {
    const database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    const one = await startPool({ environment: { databaseUrl: database.url } })
    const two = await startPool({ environment: { databaseUrl: database.url, publicUrl: one.base } })
    try {
      const { host } = new URL(one.base)
      const refreshAt = async (port: number, clientId: string, token: string) => {
        const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token })
        const headers = { host, 'content-type': 'application/x-www-form-urlencoded' }
        const answer = await rawRequest(port, '/oauth2/token', { method: 'POST', headers, body: form.toString() })
        return { status: answer.status, body: JSON.parse(answer.body) as TokenResponse['body'] }
      }
      const browser = createBrowser(one.base)
      for (const [clientId, winners] of [
        ['rotating', 1],
        ['graceful', 50],
      ] as const) {
        const { refreshToken } = await browser.signIn({ client_id: clientId })
        const ports = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one.port : two.port))
        const answers = await Promise.all(ports.map((port) => refreshAt(port, clientId, refreshToken)))
        const won = answers.filter(({ status }) => status === 200)
        expect(won).toHaveLength(winners)
        expect(new Set(won.map(({ body }) => body.refresh_token)).size).toBe(1)
        // What one has found out counts at the other.
        const successor = await refreshAt(two.port, clientId, won[0]?.body.refresh_token ?? '')
        expect(successor.status).toBe(clientId === 'graceful' ? 200 : 400)
      }
    } finally {
      await one.stop()
      await two.stop()
      await database.drop()
    }
  })
})
