import { describe, expect, test } from 'vitest'
import {
  configuredIdentityProviders,
  identityProvidersOf,
  identityProvidersSchema,
} from '../../src/domain/user-pools/identity-provider-settings.ts'
import { mapAttributes } from '../../src/domain/identity-providers/map-attributes.ts'
import { userPoolFrom } from '../../src/domain/user-pools/user-pool-settings.ts'
import type { User } from '../../src/domain/users/user.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'

const sealedBox = createSealedBox('a secret that is long enough for this', systemRandom)
const details = { client_id: 'us', client_secret: 'the secret', oidc_issuer: 'https://acme.example' }
const acme = { ProviderName: 'Acme', ProviderType: 'OIDC', ProviderDetails: details }

test('a provider as Cognito describes it, and its secret sealed', () => {
  const described = { UserPoolId: 'x', CreationDate: 1, LastModifiedDate: 2, ...acme }
  const named = identityProvidersSchema.parse([{ ...described, AttributeMapping: { username: 'sub', email: 'email' } }])
  const stored = configuredIdentityProviders(sealedBox, undefined, named)
  expect(JSON.stringify(stored)).not.toContain('the secret')
  expect(identityProvidersOf(stored)).toMatchObject([
    {
      name: 'Acme',
      type: 'OIDC',
      issuer: 'https://acme.example',
      scopes: 'openid',
      requiresMfa: true,
      allowPrivateAddresses: false,
    },
  ])
  // Applying the same changes nothing; another secret does, and one that is not named is gone (threat row C16).
  expect(configuredIdentityProviders(sealedBox, stored, named)).toEqual(stored)
  expect(configuredIdentityProviders(sealedBox, stored, undefined)).toEqual(stored)
  const other = identityProvidersSchema.parse([{ ...acme, ProviderDetails: { ...details, client_secret: 'another' } }])
  expect(configuredIdentityProviders(sealedBox, stored, other)).not.toEqual(stored)
  const { client_secret: _secret, ...moved } = { ...details, oidc_issuer: 'https://evil.example' }
  const [kept] = identityProvidersOf(
    configuredIdentityProviders(
      sealedBox,
      stored,
      identityProvidersSchema.parse([{ ...acme, ProviderDetails: moved }]),
    ),
  )
  expect(kept).not.toHaveProperty('sealedClientSecret')
})

test('Google needs no more than its client', () => {
  const google = {
    ProviderName: 'Google',
    ProviderType: 'Google',
    ProviderDetails: { client_id: 'us', client_secret: 's' },
  }
  const [provider] = identityProvidersOf(
    configuredIdentityProviders(sealedBox, undefined, identityProvidersSchema.parse([google])),
  )
  expect(provider).toMatchObject({ issuer: 'https://accounts.google.com', scopes: 'openid email profile' })
})

test.each<[string, object, string]>([
  ['another kind', { ProviderType: 'SAML' }, 'OIDC or Google'],
  ['the name of the pool’s own accounts', { ProviderName: 'COGNITO' }, '2 to 32'],
  ['a name that a user name could be taken apart at', { ProviderName: 'a_b' }, '2 to 32'],
  ['a user name from elsewhere', { AttributeMapping: { username: 'email' } }, 'can only be sub'],
  ['an attribute that is none', { AttributeMapping: { cognito: 'email' } }, 'no attribute'],
  ['an issuer without TLS', { ProviderDetails: { ...details, oidc_issuer: 'http://acme.example' } }, 'https'],
  ['an issuer with a slash', { ProviderDetails: { ...details, oidc_issuer: 'https://acme.example/' } }, 'slash'],
  ['some endpoints', { ProviderDetails: { ...details, token_url: 'https://acme.example/t' } }, 'is missing'],
  ['no openid', { ProviderDetails: { ...details, authorize_scopes: 'email' } }, 'openid'],
  ['a member that nobody knows', { RequireMFA: false }, 'RequireMFA'],
])('%s is refused', (_what, change, message) => {
  expect(identityProvidersSchema.safeParse([{ ...acme, ...change }]).error?.message).toContain(message)
})

test('a name stands once, whatever its letters', () => {
  expect(identityProvidersSchema.safeParse([acme, { ...acme, ProviderName: 'ACME' }]).success).toBe(false)
})

describe('attributes of a provider', () => {
  const userPool = userPoolFrom({
    ...{ id: 'eu-west-1_a', name: 'a', version: 1, isDefault: false, issuer: 'https://id.example', domains: [] },
    issuerFollowsPublicUrl: false,
    settings: {
      Schema: [
        { Name: 'groups', AttributeDataType: 'String', Mutable: true },
        { Name: 'staff', AttributeDataType: 'String', Mutable: false },
        { Name: 'email', Required: true },
      ],
    },
    identityProviders: configuredIdentityProviders(
      sealedBox,
      undefined,
      identityProvidersSchema.parse([
        {
          ...acme,
          AttributeMapping: {
            ...{ email: 'mail', email_verified: 'proved', name: 'name', locale: 'locale' },
            ...{ 'custom:groups': 'groups', 'custom:staff': 'number', website: 'constructor' },
          },
        },
      ]),
    ),
  })
  const [provider] = userPool.identityProviders
  const map = (claims: object, user?: Partial<User>) =>
    mapAttributes(
      userPool,
      provider!,
      { ...claims },
      user && ({ status: 'EXTERNAL_PROVIDER', attributes: {}, ...user } as User),
    )

  test('become texts, as Cognito stores them', () => {
    const claims = {
      mail: 'ada@example.com',
      proved: true,
      groups: ['a b', 'c,d', 7],
      number: 42,
      name: '',
      locale: null,
    }
    expect(map(claims)).toEqual({
      ok: true,
      attributes: {
        ...{ email: 'ada@example.com', email_verified: 'true', 'custom:groups': '[a+b,c%2Cd,7]', 'custom:staff': '42' },
      },
    })
  })

  test('a new address is unproved until it is said to be proved, an old one stays as it is', () => {
    expect(map({ mail: 'new@example.com' })).toMatchObject({ attributes: { email_verified: 'false' } })
    const known = { attributes: { email: 'old@example.com', email_verified: 'true' } }
    expect(map({ mail: 'new@example.com' }, known)).toMatchObject({ attributes: { email_verified: 'false' } })
    expect(map({ mail: 'old@example.com' }, known)).toEqual({ ok: true, attributes: { email: 'old@example.com' } })
  })

  test('what may not change stays, and what the owner has proved here is theirs', () => {
    const known = { attributes: { email: 'a@example.com', 'custom:staff': '1' } }
    expect(map({ mail: 'a@example.com', number: 2 }, known)).toMatchObject({ attributes: { email: 'a@example.com' } })
    expect(map({ number: 2 }, { attributes: { email: 'a@example.com' } })).toMatchObject({
      attributes: { 'custom:staff': '2' },
    })
    const own = { status: 'CONFIRMED' as const, attributes: { email: 'own@example.com', email_verified: 'true' } }
    expect(map({ mail: 'evil@example.com', proved: true, name: 'N' }, own)).toEqual({
      ok: true,
      attributes: { name: 'N' },
    })
  })

  test('what is missing or of no use is told by name', () => {
    expect(map({})).toEqual({ ok: false, problem: 'missing', attributes: ['email'] })
    expect(map({ mail: 'not an address' })).toEqual({ ok: false, problem: 'invalid', attributes: ['email'] })
    expect(map({ mail: 'a@example.com', name: 'x'.repeat(2049) })).toEqual({
      ok: false,
      problem: 'invalid',
      attributes: ['name'],
    })
    expect(map({ mail: 'a@example.com', name: 'a\0b' })).toEqual({
      ok: false,
      problem: 'invalid',
      attributes: ['name'],
    })
  })
})
