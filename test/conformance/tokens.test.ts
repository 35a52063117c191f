import { createHash, createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../support/relying-party.ts'
import { ana, clients, configurationOf, createBrowser, password, poolId, refresh, role, startPool } from './pool.ts'
import type { ConformancePool, Tokens } from './pool.ts'

const untied = { Username: 'untied', Password: password, Groups: ['east', 'west', 'admins'] }
const tied = { Username: 'tied', Password: password, Groups: ['west', 'east'] }
const plain = { Username: 'plain', Password: password, Groups: ['plain'] }
const alone = { Username: 'alone', Password: password }

let pool: ConformancePool
let jwks: Map<string, Record<string, string>>
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        short: {
          AccessTokenValidity: 5,
          IdTokenValidity: 10,
          TokenValidityUnits: { AccessToken: 'minutes', IdToken: 'minutes' },
        },
      },
      pool: {
        Groups: [
          { GroupName: 'users', Precedence: 10, RoleArn: role('user') },
          { GroupName: 'admins', Precedence: 1, RoleArn: role('admin') },
          { GroupName: 'west', Precedence: 5, RoleArn: role('west') },
          { GroupName: 'east', Precedence: 5, RoleArn: role('east') },
          { GroupName: 'plain' },
        ],
        Users: [ana, untied, tied, plain, alone],
      },
    }),
  })
  const { keys } = (await (await fetch(`${pool.issuer}/.well-known/jwks.json`)).json()) as {
    keys: Record<string, string>[]
  }
  jwks = new Map(keys.map((key) => [key['kid'] ?? '', key]))
})
afterAll(() => pool.stop())

const uuid = expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/) as string

const header = (token: string): Record<string, string> =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<string, string>

const signIn = (username = 'ana', parameters?: Record<string, string | undefined>): Promise<Tokens> =>
  createBrowser(pool.base, { username }).signIn(parameters)

describe('both tokens', () => {
  let tokens: Tokens
  beforeAll(async () => {
    tokens = await signIn()
  })

  test('have a header of kid and alg alone, and a key each', () => {
    const [id, access] = [header(tokens.idToken), header(tokens.accessToken)]
    for (const { alg, kid, ...rest } of [id, access]) {
      expect([alg, typeof kid, rest]).toEqual(['RS256', 'string', {}])
    }
    expect(id['kid']).not.toBe(access['kid'])
  })

  test('are signed with the published keys', () => {
    for (const token of [tokens.idToken, tokens.accessToken]) {
      const [head = '', payload = '', signature = ''] = token.split('.')
      const jwk = jwks.get(header(token)['kid'] ?? '')
      expect(jwk).toBeDefined()
      const key = createPublicKey({ key: jwk as never, format: 'jwk' })
      const check = (text: string): boolean =>
        verify('RSA-SHA256', Buffer.from(text), key, Buffer.from(signature, 'base64url'))
      expect(check(`${head}.${payload}`)).toBe(true)
      expect(check(`${head}.${payload}x`)).toBe(false)
    }
  })

  test('the ID token has exactly the claims of Cognito', () => {
    const claims = decode(tokens.idToken)
    expect(claims).toEqual({
      sub: uuid,
      at_hash: createHash('sha256').update(tokens.accessToken).digest().subarray(0, 16).toString('base64url'),
      'cognito:groups': ['admins', 'users'],
      'cognito:roles': [role('admin'), role('user')],
      'cognito:preferred_role': role('admin'),
      'cognito:username': 'ana',
      iss: pool.issuer,
      nonce: tokens.request.nonce,
      origin_jti: uuid,
      aud: 'app',
      event_id: uuid,
      token_use: 'id',
      auth_time: expect.any(Number) as number,
      exp: Number(claims['iat']) + 3600,
      iat: expect.any(Number) as number,
      jti: uuid,
      acr: 'urn:cognito:loa:1',
      amr: ['pwd'],
      email: 'ana@example.org',
      email_verified: true,
      phone_number: '+15555550100',
      phone_number_verified: false,
      given_name: 'Ana',
      family_name: 'Example',
      address: { formatted: '1 Main Street' },
      updated_at: 1767225600,
    })
  })

  test('the access token has exactly the claims of Cognito, and no aud', () => {
    const claims = decode(tokens.accessToken)
    expect(claims).toEqual({
      sub: decode(tokens.idToken)['sub'],
      'cognito:groups': ['admins', 'users'],
      iss: pool.issuer,
      version: 2,
      client_id: 'app',
      origin_jti: decode(tokens.idToken)['origin_jti'],
      event_id: decode(tokens.idToken)['event_id'],
      token_use: 'access',
      scope: 'openid email phone profile aws.cognito.signin.user.admin api/read api/write',
      auth_time: decode(tokens.idToken)['auth_time'],
      exp: Number(claims['iat']) + 3600,
      iat: expect.any(Number) as number,
      jti: uuid,
      username: 'ana',
      acr: 'urn:cognito:loa:1',
      amr: ['pwd'],
    })
    expect(claims['jti']).not.toBe(decode(tokens.idToken)['jti'])
  })

  test('live as long as the client’s settings say', async () => {
    const { accessToken, idToken, body } = await signIn('ana', { client_id: 'short' })
    const life = (token: string): number => Number(decode(token)['exp']) - Number(decode(token)['iat'])
    expect([life(accessToken), life(idToken), body.expires_in]).toEqual([300, 600, 300])
  })

  test('of another sign-in belong to another family and event, of the same person', async () => {
    const [first, second] = [decode(tokens.idToken), decode((await signIn()).idToken)]
    expect(second['sub']).toBe(first['sub'])
    expect(second['origin_jti']).not.toBe(first['origin_jti'])
    expect(second['event_id']).not.toBe(first['event_id'])
  })

  test('have no origin_jti where the client’s tokens cannot be revoked', async () => {
    const { accessToken, idToken } = await signIn('ana', { client_id: 'irrevocable' })
    for (const token of [accessToken, idToken]) expect(decode(token)).not.toHaveProperty('origin_jti')
  })

  test('have no nonce where none was sent', async () => {
    expect(decode((await signIn('ana', { nonce: undefined })).idToken)).not.toHaveProperty('nonce')
  })

  test('carry a hostile nonce as it was', async () => {
    const nonce = '"},"sub":"evil","x":{"\u2028'
    const { idToken } = await signIn('ana', { nonce })
    expect(decode(idToken)).toMatchObject({ nonce, 'cognito:username': 'ana' })
    expect(decode(idToken)).not.toHaveProperty('x')
  })
})

describe('groups and roles', () => {
  test('come in the order of precedence; the strongest role is preferred', async () => {
    expect(decode((await signIn('untied')).idToken)).toMatchObject({
      'cognito:groups': ['admins', 'east', 'west'],
      'cognito:roles': [role('admin'), role('east'), role('west')],
      'cognito:preferred_role': role('admin'),
    })
  })

  test('of equal strength leave no preferred role', async () => {
    const claims = decode((await signIn('tied')).idToken)
    expect(claims).toMatchObject({ 'cognito:groups': ['east', 'west'], 'cognito:roles': [role('east'), role('west')] })
    expect(claims).not.toHaveProperty('cognito:preferred_role')
  })

  test('without roles and without groups leave no empty claims', async () => {
    const claims = decode((await signIn('plain')).idToken)
    expect(claims['cognito:groups']).toEqual(['plain'])
    for (const { idToken, accessToken } of [await signIn('alone')]) {
      for (const token of [idToken, accessToken]) expect(decode(token)).not.toHaveProperty('cognito:groups')
      expect(decode(idToken)).not.toHaveProperty('cognito:roles')
      expect(decode(accessToken)).not.toHaveProperty('cognito:roles')
    }
    expect(claims).not.toHaveProperty('cognito:roles')
    expect(claims).not.toHaveProperty('cognito:preferred_role')
  })
})

describe('attributes in the ID token', () => {
  const named = ['email', 'email_verified', 'phone_number', 'phone_number_verified', 'given_name', 'family_name']
  const all = [...named, 'address', 'updated_at', 'custom:tier']
  const released = async (scope: string, clientId = 'app'): Promise<string[]> => {
    const claims = decode((await signIn('ana', { scope, client_id: clientId })).idToken)
    return all.filter((name) => name in claims)
  }

  test('are narrowed by scope: openid alone releases all that the client may read', async () => {
    const standard = all.filter((name) => name !== 'custom:tier')
    expect(await released('openid')).toEqual(standard)
    expect(await released('openid api/read aws.cognito.signin.user.admin')).toEqual(standard)
    expect(await released('openid email')).toEqual(['email', 'email_verified'])
    expect(await released('openid phone')).toEqual(['phone_number', 'phone_number_verified'])
    expect(await released('openid profile')).toEqual(['given_name', 'family_name', 'address', 'updated_at'])
    expect(await released('openid email profile')).toEqual([
      'email',
      'email_verified',
      'given_name',
      'family_name',
      'address',
      'updated_at',
    ])
  })

  test('are those of ReadAttributes, custom ones too', async () => {
    expect(Object.keys(clients)).toContain('reader')
    expect(await released('openid', 'reader')).toEqual(['email', 'email_verified', 'given_name', 'custom:tier'])
    expect(await released('openid profile', 'reader')).toEqual(['given_name', 'custom:tier'])
    expect(decode((await signIn('ana', { client_id: 'reader' })).idToken)['custom:tier']).toBe('gold')
  })
})

describe('after a refresh', () => {
  test('the tokens are of the same sign-in: auth_time, event and family stay, times move, no nonce', async () => {
    const tokens = await signIn()
    pool.clock.ahead = 60
    try {
      const { body } = await refresh(pool.base, tokens.refreshToken)
      for (const [before, after] of [
        [tokens.idToken, body.id_token],
        [tokens.accessToken, body.access_token],
      ]) {
        const [old, fresh] = [decode(before), decode(after)]
        for (const name of ['sub', 'auth_time', 'event_id', 'origin_jti', 'amr', 'cognito:groups', 'iss']) {
          expect([name, fresh[name]]).toEqual([name, old[name]])
        }
        expect(Number(fresh['iat']) - Number(old['iat'])).toBeGreaterThanOrEqual(59)
        expect(fresh['jti']).not.toBe(old['jti'])
        expect(header(after ?? '')).toEqual(header(before ?? ''))
      }
      // OIDC Core §12.2: a nonce need not be repeated, and Cognito does not.
      expect(decode(body.id_token)).not.toHaveProperty('nonce')
    } finally {
      pool.clock.ahead = 0
    }
  })

  test('they tell of what has changed since', async () => {
    const tokens = await signIn('alone')
    const { store, clock } = pool.domain
    const sub = String(decode(tokens.idToken)['sub'])
    await store.groups.addUser(poolId, ['plain'], sub, clock.now())
    await store.users.update(poolId, sub, { attributes: { given_name: 'Al' } }, clock.now())
    const { body } = await refresh(pool.base, tokens.refreshToken)
    expect(decode(body.id_token)).toMatchObject({ 'cognito:groups': ['plain'], given_name: 'Al' })
  })
})
