import { describe, expect, test } from 'vitest'
import { appClientFrom } from '../../src/domain/app-clients/app-client-settings.ts'
import { attributeProblems } from '../../src/domain/app-clients/attribute-access.ts'
import { userPoolConfigurationSchema } from '../../src/domain/user-pools/configuration.ts'
import { clientOf, poolWith } from './domain-fixture.ts'

const written = { ClientId: 'web', CallbackURLs: ['https://app.example.com/callback'] }

/** What is wrong with an app client of these settings, a line each. */
function problems(settings: Record<string, unknown>): string[] {
  const checked = userPoolConfigurationSchema.safeParse({ PoolName: 'pool', Clients: [{ ...written, ...settings }] })
  const issues = checked.success ? [] : checked.error.issues
  return issues.map(({ path, message }) => `${path.slice(2).join('.')} ${message}`)
}

const day = 86_400
const inUnits = { seconds: 1, minutes: 60, hours: 3600, days: day }
type Unit = keyof typeof inUnits

describe('the life of tokens', () => {
  const limits: [string, string, number, number, Record<string, unknown>][] = [
    ['AccessToken', 'accessTokenSeconds', 300, day, {}],
    ['IdToken', 'idTokenSeconds', 300, day, {}],
    ['RefreshToken', 'refreshTokenSeconds', 3600, 3650 * day, shortest()],
  ]
  function shortest(): Record<string, unknown> {
    return { AccessTokenValidity: 1, IdTokenValidity: 1 }
  }
  const table = limits.flatMap(([token, member, least, most, rest]) =>
    (Object.keys(inUnits) as Unit[]).map((unit) => [token, unit, member, least, most, rest] as const),
  )

  test.each(table)('%s in %s', (token, unit, member, least, most, rest) => {
    const seconds = inUnits[unit]
    const of = (value: number) => ({
      ...rest,
      [`${token}Validity`]: value,
      TokenValidityUnits: { [token]: unit },
    })
    const smallest = Math.max(1, Math.ceil(least / seconds))
    const largest = Math.floor(most / seconds)
    const lowest = rest['AccessTokenValidity'] === undefined ? smallest : Math.max(smallest, Math.ceil(3600 / seconds))
    for (const value of [lowest, largest]) {
      expect([value, problems(of(value))]).toEqual([value, []])
      expect(clientOf(poolWith(), of(value))).toMatchObject({ [member]: value * seconds })
    }
    for (const value of [smallest - 1, largest + 1]) {
      // Cognito reads a refresh token's 0 as its default of 30 days.
      if (value === 0 && token === 'RefreshToken') {
        expect(clientOf(poolWith(), of(value))).toMatchObject({ [member]: 30 * day })
        continue
      }
      expect([value, problems(of(value))]).not.toEqual([value, []])
    }
    for (const value of [-1, 1.5, '5', null, NaN, Infinity, 1e12]) {
      expect([value, problems(of(value as number)).length > 0]).toEqual([value, true])
    }
  })

  test('is told in the operator’s own member, and must not end before what it refreshes', () => {
    const hours = { AccessToken: 'hours', IdToken: 'hours', RefreshToken: 'hours' }
    const of = (access: number, id: number, refresh: number) =>
      problems({
        AccessTokenValidity: access,
        IdTokenValidity: id,
        RefreshTokenValidity: refresh,
        TokenValidityUnits: hours,
      })
    expect(of(24, 24, 24)).toEqual([])
    const message = 'RefreshTokenValidity must not be shorter than the access and ID token validity'
    expect([of(2, 1, 1), of(1, 2, 1)]).toEqual([[message], [message]])
    expect(problems({ TokenValidityUnits: { AccessToken: 'weeks' } })).toHaveLength(1)
    expect(problems({ TokenValidityUnits: { AccesToken: 'hours' } })).toHaveLength(1)
  })

  test('has Cognito’s defaults', () => {
    const expected = { accessTokenSeconds: 3600, idTokenSeconds: 3600, refreshTokenSeconds: 30 * day }
    expect(clientOf(poolWith())).toMatchObject({ ...expected, authSessionValidityMinutes: 3 })
  })
})

test.each([
  ['AuthSessionValidity', [3, 15], [2, 16, 3.5, '3']],
  ['AccessTokenFormat', ['COGNITO', 'RFC9068'], ['rfc9068', 'JWT', '']],
  ['PreventUserExistenceErrors', ['ENABLED', 'LEGACY'], ['enabled', true]],
  ['EnableTokenRevocation', [true, false], ['true', 1]],
  ['RequirePkce', [true, false], ['S256', 0]],
])('%s', (member, good, bad) => {
  for (const value of good) expect([value, problems({ [member]: value })]).toEqual([value, []])
  for (const value of bad) expect([value, problems({ [member]: value }).length]).toEqual([value, 1])
})

const urls = (count: number): string[] => Array.from({ length: count }, (_, index) => `https://app.example/${index}`)
const scopes = (count: number): string[] => Array.from({ length: count }, (_, index) => `api/scope-${index}`)

test.each([
  ['CallbackURLs', urls(100), urls(101)],
  ['LogoutURLs', urls(100), urls(101)],
  ['AllowedOAuthScopes', scopes(50), scopes(51)],
  // The longest identifier and the longest scope name that a resource server may have.
  ['AllowedOAuthScopes', [`${'i'.repeat(256)}/${'s'.repeat(256)}`], [`${'i'.repeat(257)}/${'s'.repeat(256)}`]],
  ['ClientId', 'x'.repeat(128), 'x'.repeat(129)],
  ['ClientId', '1example23456789abcdefghij', ''],
  ['ClientName', 'x'.repeat(128), 'x'.repeat(129)],
  ['ClientSecret', 'x'.repeat(16), 'x'.repeat(15)],
  ['ClientSecret', 'x'.repeat(128), 'x'.repeat(129)],
  ['SupportedIdentityProviders', ['x'.repeat(32)], ['x'.repeat(33)]],
])('%s: as many as Cognito takes, and no more', (member, most, tooMuch) => {
  expect(problems({ [member]: most })).toEqual([])
  expect(problems({ [member]: tooMuch })).toHaveLength(1)
})

test.each([0, 1, 60])('a grace of %i seconds', (seconds) => {
  const rotation = { Feature: 'ENABLED', RetryGracePeriodSeconds: seconds }
  expect(problems({ RefreshTokenRotation: rotation })).toEqual([])
  const settings = { RefreshTokenRotation: rotation }
  expect(clientOf(poolWith(), settings).refreshTokenRotation).toEqual({ enabled: true, graceSeconds: seconds })
})

test.each([-1, 61, 0.5, '60'])('no grace of %j seconds', (seconds) => {
  const [problem] = problems({ RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: seconds } })
  expect(problem).toMatch(/^RefreshTokenRotation\.RetryGracePeriodSeconds /)
})

describe('AllowedOAuthFlows', () => {
  const machine = { CallbackURLs: [], ClientSecret: 'x'.repeat(16), AllowedOAuthScopes: ['api/read'] }

  test('are of people, or of the client alone', () => {
    for (const flows of [['code'], ['implicit'], ['code', 'implicit']]) {
      expect([flows, problems({ AllowedOAuthFlows: flows })]).toEqual([flows, []])
    }
    expect(problems({ ...machine, AllowedOAuthFlows: ['client_credentials'] })).toEqual([])
    for (const flows of [
      ['client_credentials', 'code'],
      ['implicit', 'client_credentials'],
    ]) {
      expect(problems({ ...machine, AllowedOAuthFlows: flows })).toEqual([
        'AllowedOAuthFlows client_credentials cannot be combined with code or implicit',
      ])
    }
    expect(problems({ AllowedOAuthFlows: ['password'] })[0]).toMatch(/^AllowedOAuthFlows\.0 /)
  })

  test('of the client alone need a secret', () => {
    const { ClientSecret: _, ...open } = machine
    expect(problems({ ...open, AllowedOAuthFlows: ['client_credentials'] })).toEqual([
      'AllowedOAuthFlows client_credentials needs a ClientSecret',
    ])
  })
})

test('DefaultRedirectURI is one of CallbackURLs', () => {
  const [callback = ''] = written.CallbackURLs
  expect(problems({ DefaultRedirectURI: callback })).toEqual([])
  for (const uri of [`${callback}/`, 'https://evil.example/']) {
    expect(problems({ DefaultRedirectURI: uri })).toEqual(['DefaultRedirectURI must be one of CallbackURLs'])
  }
})

describe('ExplicitAuthFlows', () => {
  const rotating = { RefreshTokenRotation: { Feature: 'ENABLED' } }

  test('are Cognito’s, and no others', () => {
    const flows = ['ALLOW_USER_AUTH', 'ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']
    expect(problems({ ExplicitAuthFlows: flows })).toEqual([])
    expect(problems({ ExplicitAuthFlows: ['ALLOW_PASSWORD'] })[0]).toMatch(/^ExplicitAuthFlows\.0 /)
    const mixed = problems({ ExplicitAuthFlows: ['USER_PASSWORD_AUTH', 'ALLOW_USER_AUTH'] })
    expect(mixed).toEqual(['ExplicitAuthFlows names without ALLOW_ cannot stand beside names with it'])
  })

  test('do not refresh through the API beside rotation', () => {
    const flows = { ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'] }
    const message = 'ExplicitAuthFlows ALLOW_REFRESH_TOKEN_AUTH cannot stand beside RefreshTokenRotation'
    expect(problems({ ...flows, ...rotating })).toEqual([message])
    expect(problems(rotating)).toEqual([])
    expect(clientOf(poolWith(), rotating).explicitAuthFlows).toEqual(['ALLOW_USER_SRP_AUTH', 'ALLOW_CUSTOM_AUTH'])
    expect(clientOf(poolWith()).explicitAuthFlows).toContain('ALLOW_REFRESH_TOKEN_AUTH')
  })
})

describe('attributes', () => {
  const userPool = poolWith({
    Schema: [
      { Name: 'tier' },
      { Name: 'email', Required: true },
      { Name: 'sub', Required: true },
      { Name: 'email_verified', Required: true },
    ],
  })
  const standard = {
    ReadAttributes: ['email', 'custom:tier', 'sub', 'identities'],
    WriteAttributes: ['email', 'custom:tier'],
  }

  test('that the pool knows may be listed; required ones must be writable', () => {
    expect(attributeProblems(userPool, {})).toEqual([])
    expect(attributeProblems(userPool, standard)).toEqual([])
    expect(attributeProblems(userPool, { WriteAttributes: ['name'] })).toEqual([
      'WriteAttributes lacks "email", which the user pool requires: add it',
    ])
    expect(
      attributeProblems(userPool, { ReadAttributes: ['custom:teir'], WriteAttributes: ['email', 'tier'] }),
    ).toEqual([
      `ReadAttributes names "custom:teir", which user pool ${userPool.id} does not define`,
      `WriteAttributes names "tier", which user pool ${userPool.id} does not define`,
    ])
  })
})

test.each([
  ['ClientSecrets', { ClientSecrets: [] }],
  ['ClientSecrets', { ClientSecrets: ['a'.repeat(16), 'b'.repeat(16), 'c'.repeat(16)] }],
  ['ClientSecrets', { ClientSecret: 'a'.repeat(16), ClientSecrets: ['b'.repeat(16), 'c'.repeat(16)] }],
  ['ClientSecrets', { ClientSecret: 'a'.repeat(16), ClientSecrets: ['a'.repeat(16)] }],
  ['ClientSecrets.0', { ClientSecrets: ['short'] }],
])('%s: %j is refused, and not shown', (place, settings) => {
  const [problem] = problems(settings)
  expect(problem).toMatch(new RegExp(`^${place.replace('.', '\\.')} `))
  expect(problem).not.toMatch(/a{16}|short/)
})

test('an app client that is closed to OAuth needs no callback URL and has no flow', () => {
  const closed = { CallbackURLs: [], AllowedOAuthFlowsUserPoolClient: false }
  expect(problems(closed)).toEqual([])
  const record = { userPoolId: 'eu-west-1_one', id: 'api', name: 'api', settings: closed }
  expect(appClientFrom(record, []).allowedOAuthFlows).toEqual([])
})
