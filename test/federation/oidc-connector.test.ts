import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createOidcConnector } from '../../src/federation/oidc-connector.ts'
import type { IdentityProvider } from '../../src/domain/identity-providers/identity-provider.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { startIdentityProvider, providerClient } from '../support/identity-provider.ts'
import type { IdentityProviderServer } from '../support/identity-provider.ts'

/* Speaking with a provider: what it may be like, and what it may do to us (threat row C13). */

const redirectUri = 'http://localhost:3000/oauth2/idpresponse'
const connector = () => createOidcConnector({ sealedBox: { open: (sealed) => sealed }, clock: systemClock })
const request = { redirectUri, state: 'a-state', nonce: 'a-nonce', codeVerifier: 'v'.repeat(43) }

let idp: IdentityProviderServer
beforeAll(async () => {
  idp = await startIdentityProvider(() => [redirectUri])
  idp.somebody({ sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada' })
})
afterEach(() => idp.tamper(undefined))
afterAll(() => idp.stop())

const provider = (change: Partial<IdentityProvider> = {}): IdentityProvider => ({
  name: 'Acme',
  type: 'OIDC',
  clientId: providerClient.client_id,
  sealedClientSecret: providerClient.client_secret,
  issuer: idp.issuer,
  scopes: 'openid email profile',
  userInfoMethod: 'GET',
  attributeMapping: {},
  identifiers: [],
  requiresMfa: true,
  allowPrivateAddresses: true,
  ...change,
})

async function signIn(of: IdentityProvider, more: object = {}) {
  const there = connector()
  const asked = { ...request, ...more }
  const back = await idp.signIn(await there.begin(of, asked, {}))
  return there.finish(of, asked, back.searchParams)
}

test('by discovery', async () => {
  const answer = await signIn(provider())
  expect(answer).toMatchObject({
    subject: 'ada',
    idToken: { iss: idp.issuer, nonce: 'a-nonce' },
    userInfo: { email: 'ada@example.com', email_verified: true },
  })
  expect(JSON.stringify(answer)).not.toMatch(/access_token|id_token/)
})

test('with endpoints that the operator names, without discovery, and userInfo by POST', async () => {
  const before = idp.requests.length
  const endpoints = {
    ...{ authorize: `${idp.issuer}/auth`, token: `${idp.issuer}/token`, userInfo: `${idp.issuer}/me` },
    jwks: `${idp.issuer}/jwks`,
  }
  expect(await signIn(provider({ endpoints, userInfoMethod: 'POST' }))).toMatchObject({ userInfo: { name: 'Ada' } })
  const asked = idp.requests.slice(before)
  expect(asked).toContain('POST /me')
  expect(asked.filter((line) => line.includes('.well-known'))).toEqual([])
  const { userInfo: _none, ...without } = endpoints
  expect(await signIn(provider({ endpoints: without }))).toMatchObject({ subject: 'ada', userInfo: {} })
})

test('userInfo by POST is not believed about somebody else either', async () => {
  idp.tamper((path, body) => (path === '/me' ? body.replace('"sub":"ada"', '"sub":"eve"') : undefined))
  await expect(signIn(provider({ userInfoMethod: 'POST' }))).rejects.toMatchObject({ kind: 'invalid' })
})

test('what it says of itself is asked for once in ten minutes', async () => {
  const there = connector()
  const discoveries = () => idp.requests.filter((line) => line.includes('.well-known')).length
  const before = discoveries()
  for (let times = 0; times < 5; times += 1) await there.begin(provider(), request, {})
  expect(discoveries()).toBe(before + 1)
  await there.begin(provider({ sealedClientSecret: 'another secret, another client' }), request, {})
  expect(discoveries()).toBe(before + 2)
})

test('how long ago the person was there counts where it was asked', async () => {
  expect((await signIn(provider(), { maxAge: 300 })).idToken['auth_time']).toEqual(expect.any(Number))
  idp.forgeIdToken(({ auth_time: _gone, ...claims }, sign) => sign(claims))
  await expect(signIn(provider(), { maxAge: 300 })).rejects.toMatchObject({ kind: 'invalid' })
  idp.forgeIdToken((claims, sign) => sign({ ...claims, auth_time: Math.floor(Date.now() / 1000) - 3600 }))
  await expect(signIn(provider(), { maxAge: 300 })).rejects.toMatchObject({ kind: 'invalid' })
})

test('a wrong secret is the operator’s to mend, and stands in no message', async () => {
  const failed = signIn(provider({ sealedClientSecret: 'not-the-secret' }))
  await expect(failed).rejects.toMatchObject({
    kind: 'away',
    message: expect.stringContaining('invalid_client') as string,
  })
  await expect(failed).rejects.not.toThrow('not-the-secret')
})

test('another issuer in its own description', async () => {
  idp.tamper((path, body) =>
    path.includes('.well-known')
      ? body.replace(`"issuer":"${idp.issuer}"`, '"issuer":"https://evil.example"')
      : undefined,
  )
  await expect(connector().begin(provider(), request, {})).rejects.toMatchObject({ kind: 'invalid' })
})

describe('a server that does as it likes', () => {
  let server: Server
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  let issuer = ''
  const seen: string[] = []
  beforeAll(async () => {
    server = createServer((incoming, response) => {
      seen.push(incoming.url ?? '')
      answer(incoming, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test.each<[string, typeof answer]>([
    ['sends us elsewhere', (_incoming, response) => response.writeHead(302, { location: `${issuer}/inside` }).end()],
    [
      'never ends',
      (_incoming, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    ],
    [
      'sends two megabytes',
      (_incoming, response) =>
        response.setHeader('content-type', 'application/json').end(`{"a":"${'x'.repeat(2_000_000)}"}`),
    ],
    ['speaks HTML', (_incoming, response) => response.setHeader('content-type', 'text/html').end('<p>Hello</p>')],
    ['has no content type', (_incoming, response) => response.end('{}')],
    ['fails', (_incoming, response) => response.writeHead(500).end()],
    ['hangs up', (incoming) => incoming.socket.destroy()],
  ])(
    'that %s is away',
    async (_what, reaction) => {
      answer = reaction
      seen.length = 0
      await expect(connector().begin(provider({ issuer }), request, {})).rejects.toMatchObject({
        name: 'ProviderFailure',
      })
      expect(seen).not.toContain('/inside')
    },
    15_000,
  )

  test.each(['https://127.0.0.1:1', 'https://localhost:1', 'https://[::1]:1', 'https://169.254.169.254'])(
    '%s is not asked, unless the operator allows it',
    async (inside) => {
      await expect(
        connector().begin(provider({ issuer: inside, allowPrivateAddresses: false }), request, {}),
      ).rejects.toMatchObject({ kind: 'away', message: expect.stringContaining('is at a private address') as string })
    },
  )

  test('nor an address without TLS', async () => {
    seen.length = 0
    await expect(
      connector().begin(provider({ issuer, allowPrivateAddresses: false }), request, {}),
    ).rejects.toMatchObject({ name: 'ProviderFailure' })
    expect(seen).toEqual([])
  })
})
