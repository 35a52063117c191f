import { describe, expect, test } from 'vitest'
import {
  accessTokenClaims,
  clientAccessTokenClaims,
  idTokenClaims,
  releasedAttributes,
  userInfoClaims,
} from '../../src/domain/tokens/claims.ts'
import type { Grant } from '../../src/domain/tokens/grant.ts'
import type { Group, User } from '../../src/domain/users/user.ts'
import { clientOf, poolWith } from './domain-fixture.ts'

const userPool = poolWith()
const issuer = 'https://id.example.com/eu-west-1_Ab12Cd34E'
const sub = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const at = new Date(1767225600_900)
const user: User = {
  userPoolId: userPool.id,
  sub,
  username: 'ana',
  status: 'CONFIRMED',
  enabled: true,
  attributes: {
    email: 'a@example.org',
    email_verified: 'true',
    phone_number: '+15555550100',
    phone_number_verified: 'false',
    given_name: 'Ana',
    address: '1 Main Street',
    updated_at: '1767225600',
    'custom:tier': 'gold',
    'dev:custom:secret': 'x',
  },
  createdAt: at,
  updatedAt: at,
}
const role = 'arn:aws:iam::123456789012:role/admin'
const group = (name: string, change: Partial<Group> = {}): Group => ({ userPoolId: userPool.id, name, ...change })
const grant: Grant = {
  id: '5b1',
  userPoolId: userPool.id,
  clientId: 'web',
  userSub: sub,
  scope: 'phone openid profile email',
  authTime: at,
  amr: ['pwd'],
  acr: 'urn:cognito:loa:1',
  eventId: '64f5',
  createdAt: at,
  expiresAt: at,
}
const times = { issuedAt: at, lifetimeSeconds: 3600, jti: '1f2' }
const everything = clientOf(userPool, { ReadAttributes: [...Object.keys(user.attributes)] })
const admins = [group('admins', { precedence: 1, roleArn: role })]

describe('the ID token', () => {
  const claims = (scope: string, groups: readonly Group[] = admins, client = everything, nonce?: string) => {
    const extra = { atHash: 'kPq', ...(nonce === undefined ? {} : { nonce }) }
    return idTokenClaims(issuer, client, { ...grant, scope }, { user, groups }, times, extra)
  }

  test('is Cognito’s, member for member', () => {
    expect(claims(grant.scope, admins, everything, 'n-0S6')).toEqual({
      sub,
      'cognito:groups': ['admins'],
      email_verified: true,
      'cognito:preferred_role': role,
      'cognito:roles': [role],
      iss: issuer,
      'cognito:username': 'ana',
      nonce: 'n-0S6',
      origin_jti: '5b1',
      aud: 'web',
      event_id: '64f5',
      token_use: 'id',
      auth_time: 1767225600,
      exp: 1767229200,
      iat: 1767225600,
      jti: '1f2',
      email: 'a@example.org',
      phone_number: '+15555550100',
      phone_number_verified: false,
      given_name: 'Ana',
      address: { formatted: '1 Main Street' },
      updated_at: 1767225600,
      'custom:tier': 'gold',
      at_hash: 'kPq',
      acr: 'urn:cognito:loa:1',
      amr: ['pwd'],
    })
  })

  test('leaves out what there is none of', () => {
    const bare = idTokenClaims(
      issuer,
      clientOf(userPool, { EnableTokenRevocation: false }),
      { ...grant, amr: [], scope: 'openid' },
      { user: { ...user, attributes: {} }, groups: [] },
      times,
      { atHash: 'kPq' },
    )
    expect(Object.keys(bare).toSorted()).toEqual(
      'acr at_hash aud auth_time cognito:username event_id exp iat iss sub token_use'.split(' '),
    )
  })

  test.each([
    ['no roles', [group('a'), group('b')], undefined, undefined],
    [
      'the strongest group’s',
      [group('a', { precedence: 0, roleArn: 'r0' }), group('b', { precedence: 1, roleArn: 'r1' })],
      ['r0', 'r1'],
      'r0',
    ],
    [
      'two as strong, one role',
      [group('a', { precedence: 1, roleArn: 'r' }), group('b', { precedence: 1, roleArn: 'r' })],
      ['r', 'r'],
      'r',
    ],
    [
      'two as strong, two roles',
      [group('a', { precedence: 1, roleArn: 'r0' }), group('b', { precedence: 1, roleArn: 'r1' })],
      ['r0', 'r1'],
      undefined,
    ],
    [
      'a precedence beats none',
      [group('a', { precedence: 9, roleArn: 'r0' }), group('b', { roleArn: 'r1' })],
      ['r0', 'r1'],
      'r0',
    ],
  ])('roles: %s', (_, groups, roles, preferred) => {
    const answer = claims('openid', groups)
    expect(answer['cognito:groups']).toEqual(groups.map(({ name }) => name))
    expect(answer['cognito:roles']).toEqual(roles)
    expect(answer['cognito:preferred_role']).toBe(preferred)
  })

  test('tells an operator’s own client, and no app of others, where else the person has accounts', () => {
    const identity = {
      ...{ providerName: 'Acme', providerType: 'OIDC' as const, issuer: 'https://acme.example', userId: 'ana' },
      ...{ primary: false, linkedAt: '2026-01-01T00:00:00.000Z' },
    }
    const linked = {
      ...user,
      identities: [identity, { ...identity, providerName: 'Google', providerType: 'Google' as const }],
    }
    const told = (client: typeof everything) => ({
      id: idTokenClaims(issuer, client, grant, { user: linked, groups: [] }, times, { atHash: 'x' }),
      userInfo: userInfoClaims(client, linked, ['openid']),
    })
    const { id, userInfo } = told(everything)
    const form = { userId: 'ana', primary: 'false', dateCreated: '1767225600000' }
    expect(id['identities']).toEqual([
      { ...form, providerName: 'Acme', providerType: 'OIDC', issuer: 'https://acme.example' },
      { ...form, providerName: 'Google', providerType: 'Google', issuer: null },
    ])
    expect(JSON.parse(userInfo['identities'] ?? '')).toEqual(id['identities'])
    const others = told(clientOf(userPool, { ThirdParty: true }))
    expect([others.id, others.userInfo]).toEqual([
      expect.not.objectContaining({ identities: expect.anything() as unknown }),
      expect.not.objectContaining({ identities: expect.anything() as unknown }),
    ])
  })

  test('attributes cannot pose as claims of the token', () => {
    const posing = { ...user, attributes: { ...user.attributes, iss: 'evil', aud: 'evil', 'cognito:groups': 'admins' } }
    const subject = { user: posing, groups: [] }
    const answer = idTokenClaims(issuer, clientOf(userPool), grant, subject, times, { atHash: 'x' })
    expect(answer).toMatchObject({ iss: issuer, aud: 'web' })
    expect(answer).not.toHaveProperty('cognito:groups')
  })
})

describe('the access token', () => {
  test('of a person is Cognito’s: no aud, no attributes', () => {
    expect(accessTokenClaims(issuer, everything, grant, { user, groups: admins }, times)).toEqual({
      sub,
      'cognito:groups': ['admins'],
      iss: issuer,
      version: 2,
      client_id: 'web',
      origin_jti: '5b1',
      event_id: '64f5',
      token_use: 'access',
      scope: 'phone openid profile email',
      auth_time: 1767225600,
      exp: 1767229200,
      iat: 1767225600,
      jti: '1f2',
      username: 'ana',
      acr: 'urn:cognito:loa:1',
      amr: ['pwd'],
    })
  })

  test('names the resource that was asked for', () => {
    const asked = { ...grant, resource: 'https://api.example.com' }
    const claims = accessTokenClaims(issuer, everything, asked, { user, groups: [] }, times)
    expect(claims).toMatchObject({ aud: 'https://api.example.com' })
    expect(claims).not.toHaveProperty('cognito:groups')
  })

  test('of the client itself has no person in it', () => {
    expect(clientAccessTokenClaims(issuer, everything, 'api/read', times)).toEqual({
      sub: 'web',
      token_use: 'access',
      scope: 'api/read',
      auth_time: 1767225600,
      iss: issuer,
      exp: 1767229200,
      iat: 1767225600,
      version: 2,
      jti: '1f2',
      client_id: 'web',
    })
  })
})

describe('released attributes', () => {
  const names = (scope: string, client = clientOf(userPool)) =>
    Object.keys(releasedAttributes(client, user, scope.split(' ')))
      .toSorted()
      .join(' ')
  const standard = 'address email email_verified given_name phone_number phone_number_verified updated_at'

  test.each([
    ['openid', standard],
    ['openid email', 'email email_verified'],
    ['openid phone', 'phone_number phone_number_verified'],
    ['openid profile', 'address given_name updated_at'],
    ['openid email phone profile', standard],
    ['openid aws.cognito.signin.user.admin', standard],
    ['openid api/read email', 'email email_verified'],
    ['openid constructor', standard],
    ['openid __proto__ toString', standard],
  ])('%s', (scope, released) => expect(names(scope)).toBe(released))

  test('only what the client may read; dev: attributes never', () => {
    const reader = clientOf(userPool, { ReadAttributes: ['email', 'custom:tier', 'dev:custom:secret'] })
    expect(names('openid', reader)).toBe('custom:tier email')
    expect(names('openid email', reader)).toBe('email')
    expect(names('openid profile', reader)).toBe('custom:tier')
    expect(names('openid', clientOf(userPool, { ReadAttributes: [] }))).toBe('')
  })

  test('userInfo says the same in strings', () => {
    expect(userInfoClaims(everything, user, ['openid', 'email', 'phone'])).toEqual({
      sub,
      username: 'ana',
      email: 'a@example.org',
      email_verified: 'true',
      phone_number: '+15555550100',
      phone_number_verified: 'false',
    })
  })
})
