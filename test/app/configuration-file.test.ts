import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseConfiguration, readConfigurationFile } from '../../src/app/configuration-file.ts'
import { defaultConfiguration } from '../../src/app/default-configuration.ts'
import { userPoolFrom } from '../../src/domain/user-pools/user-pool-settings.ts'
import { ConfigError } from '../../src/platform/config/config-error.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'

type Env = Record<string, string | undefined>

const parse = (text: string, env: Env = {}) => parseConfiguration(text, 'latchkey.yaml', env).userPools

/** What is said to be wrong with a file, without the file's name. */
function problems(text: string, env: Env = {}): string[] {
  try {
    parse(text, env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => problem.replace(/^latchkey\.yaml: /, ''))
  }
}

const pool = (members: string) => `UserPools: [{PoolName: a, ${members}}]`
const client = (members: string) => pool(`Clients: [{ClientId: web, CallbackURLs: [https://a.example/], ${members}}]`)
const inPool = (text: string) => `UserPools[0].${text}`
const inClient = (text: string) => `UserPools[0].Clients[0].${text}`

describe('a configuration file', () => {
  test('may be empty, or name things with nothing behind them', () => {
    for (const text of ['', '# nothing yet', '{}', 'UserPools:', 'UserPools: []\nIdentityPools:\nAccessKeys:']) {
      expect(parse(text)).toEqual([])
    }
    expect(parse('UserPools:\n  - PoolName: a\n    Clients:\n    Domains:\n')).toMatchObject([
      { name: 'a', clients: [] },
    ])
  })

  test('says what is known of the design’s example, as written', () => {
    const [example] = parse(
      `
UserPools:
  - Id: us-east-1_example
    PoolName: example
    Default: true
    Issuer: https://id.example.com
    Domains: [login.example.com, https://login.example.com:8443, http://localhost:3000]
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    MfaConfiguration: OPTIONAL
    Clients:
      - ClientId: web
        ClientSecret: \${WEB_SECRET}
        CallbackURLs: [http://localhost:4000/callback]
        LogoutURLs: [http://localhost:4000/]
        AllowedOAuthFlows: [code]
        AllowedOAuthScopes: [openid, email, profile, phone, aws.cognito.signin.user.admin]
        SupportedIdentityProviders: [COGNITO, Google]
    IdentityProviders: []
    ResourceServers: []
    Groups: []
    Users: []
    Triggers: {}
    Branding: {}
IdentityPools: []
`,
      { WEB_SECRET: 'correct-horse-battery' },
    )
    expect(example).toEqual({
      id: 'us-east-1_example',
      name: 'example',
      isDefault: true,
      issuer: 'https://id.example.com',
      domains: ['https://login.example.com', 'https://login.example.com:8443', 'http://localhost:3000'],
      settings: {
        UsernameAttributes: ['email'],
        AutoVerifiedAttributes: ['email'],
        MfaConfiguration: 'OPTIONAL',
        Branding: {},
      },
      clients: [
        {
          id: 'web',
          name: 'web',
          secrets: ['correct-horse-battery'],
          settings: {
            CallbackURLs: ['http://localhost:4000/callback'],
            LogoutURLs: ['http://localhost:4000/'],
            AllowedOAuthFlows: ['code'],
            AllowedOAuthScopes: ['openid', 'email', 'profile', 'phone', 'aws.cognito.signin.user.admin'],
            SupportedIdentityProviders: ['COGNITO', 'Google'],
          },
        },
      ],
      resourceServers: [],
      groups: [],
      triggers: {},
      identityProviders: [],
      users: [],
    })
  })

  test('that is no configuration at all is told so', () => {
    expect(problems('just text')).toEqual(['the file is "just text": must be a mapping (Name: value)'])
    expect(problems('- a')).toEqual(['the file must be a mapping (Name: value)'])
    expect(problems('UserPools: 3')).toEqual(['UserPools is 3: must be a list'])
    expect(problems('UserPools: [3, [4]]')).toEqual([
      'UserPools[0] is 3: must be a mapping (Name: value)',
      'UserPools[1] must be a mapping (Name: value)',
    ])
    expect(problems('a: 1\na: 2')).toEqual(['not valid YAML: Map keys must be unique at line 2, column 1'])
  })

  test('broken YAML is told with its place, never with the line itself', () => {
    const [problem] = problems('UserPools:\n  - Clients: [{ClientSecret: "correct-horse-battery\n')
    expect(problem).toMatch(/^not valid YAML: .* at line \d+, column \d+$/)
    expect(problem).not.toContain('horse')
    const bomb = Array.from(
      { length: 12 },
      (_, i) =>
        `l${i}: &l${i} [${Array(9)
          .fill(i ? `*l${i - 1}` : 'x')
          .join()}]`,
    )
    expect(problems(bomb.join('\n'))[0]).toMatch(/^not valid YAML: /)
  })
})

describe('every problem is told at once, with its place, its value and the mend', () => {
  test('across pools, clients and kinds', () => {
    expect(
      problems(`
Userpools: []
UserPools:
  - PoolName: 7
    Default: "yes"
    Defualt: true
    UsernameAttributes: [mail]
    UsernameAttribute: [email]
    MfaConfiguration: MAYBE
    Policies: {PasswordPolicy: {MinimumLength: 4, RequireUppercase: "yes", TemporaryPasswordValidityDays: 1.5}}
    Schema: [{Name: tier, AttributeDataType: Strin}]
    Domains: [login.example.com/x, "https://a:b@login.example.com"]
    Clients:
      - ClientId: a b
        ClientSecret: short
        CallbackURLs: javascript:alert(1)
      - CallbackURLs: [https://a.example/]
      - ClientId: ok
        CallbackURLs: [https://a.example/, http://a.example/]
        AllowedOAuthFlows: [implict]
        AccessTokenValidity: 25
        Foo: 1
    Users: [{Username: "", Passwrd: Analytical-1843}, 3]
    Groups: [{GroupName: "a b"}]
    ResourceServers: [{Identifier: a b}]
    IdentityProviders: [{ProviderName: Google, ProviderType: SAML}]
    Triggers: {PreSignUp: {Webhook: https://a.example/}}
  - {}
AccessKeys: [{AccessKeyId: AKIDEXAMPLE, SecretAccessKey: wJalrXUtnFEMI}]
`).toSorted(),
    ).toEqual(
      [
        'Userpools is no setting that Latchkey knows here: did you mean UserPools?',
        'AccessKeys is not supported by this release: remove it',
        'UserPools[1].PoolName is missing: it must be text',
        inPool('PoolName is 7: must be text: put it in quotes'),
        inPool('Default is "yes": must be true or false'),
        inPool('Defualt is no setting that Latchkey knows here: did you mean Default?'),
        inPool('UsernameAttributes[0] is "mail": must be one of "email", "phone_number"'),
        inPool('UsernameAttribute is no setting that Latchkey knows here: did you mean UsernameAttributes?'),
        inPool('MfaConfiguration is "MAYBE": must be one of "OFF", "OPTIONAL", "ON"'),
        inPool('Policies.PasswordPolicy.MinimumLength is 4: must be 6 or more'),
        inPool('Policies.PasswordPolicy.RequireUppercase is "yes": must be true or false'),
        inPool('Policies.PasswordPolicy.TemporaryPasswordValidityDays is 1.5: must be a whole number'),
        inPool('Schema[0].AttributeDataType is "Strin": must be one of "String", "Number", "DateTime", "Boolean"'),
        inPool('Domains[0] is "login.example.com/x": must be a host such as login.example.com, or https://host'),
        inPool(
          'Domains[1] is "https://…@login.example.com": must be a host such as login.example.com, or https://host',
        ),
        inPool('Clients[0].ClientId is "a b": must be 1 to 128 letters, digits, "_", "+" or "-"'),
        inPool('Clients[0].ClientSecret must be 16 to 128 printable characters without blanks'),
        inPool('Clients[0].CallbackURLs is "javascript:alert(1)": must be a list'),
        inPool('Clients[1] needs a ClientId or a ClientName'),
        inPool(
          'Clients[2].CallbackURLs[1] is "http://a.example/": must use https (plain http is for localhost, 127.0.0.1 and [::1])',
        ),
        inPool('Clients[2].AllowedOAuthFlows[0] is "implict": must be one of "code", "implicit", "client_credentials"'),
        inPool('Clients[2].AccessTokenValidity is 25: must be between 5 minutes and 24 hours'),
        inPool('Clients[2].Foo is no setting that Latchkey knows here: check its spelling, or remove it'),
        inPool('Users[0].Username is "": must not be empty'),
        inPool('Users[0].Passwrd is no setting that Latchkey knows here: did you mean Password?'),
        inPool('Users[1] is 3: must be a mapping (Name: value)'),
        inPool('Groups[0].GroupName is "a b": must be letters, digits and signs without blanks'),
        inPool('ResourceServers[0].Identifier is "a b": must not hold blanks, quotes or backslashes'),
        inPool('ResourceServers[0].Name is missing: it must be text'),
        inPool(
          'IdentityProviders[0].ProviderType is "SAML": must be OIDC or Google: this release federates to no others',
        ),
        inPool('Triggers.PreSignUp.Secret is missing: a webhook is signed'),
      ].toSorted(),
    )
  })

  test.each([
    [pool('Id: nonsense'), inPool('Id is "nonsense": must look like us-east-1_example')],
    [
      pool('Issuer: https://id.example.com/'),
      inPool('Issuer is "https://id.example.com/": must have no trailing slash'),
    ],
    [pool('Issuer: id.example.com'), inPool('Issuer is "id.example.com": must be a URL such as')],
    [pool('UsernameAttributes: [email], AliasAttributes: [email]'), inPool('AliasAttributes cannot stand beside')],
    [
      pool('MfaConfiguration: "ON", SoftwareTokenMfaConfiguration: {Enabled: false}'),
      inPool('MfaConfiguration is "ON": needs a factor'),
    ],
    [
      pool('EmailMfaConfiguration: {Message: no code}'),
      inPool('EmailMfaConfiguration.Message is "no code": must contain "{####}"'),
    ],
    [pool('EmailVerificationMessage: no code'), inPool('EmailVerificationMessage is "no code": must contain "{####}"')],
    [
      pool('VerificationMessageTemplate: {EmailMessage: no code}'),
      inPool('VerificationMessageTemplate.EmailMessage is "no code": must contain "{####}"'),
    ],
    [pool('Schema: [{Name: tier, Required: true}]'), inPool('Schema[0].Required is true: must be false')],
    [pool('Schema: [{Name: tier, DeveloperOnlyAttribute: true}]'), inPool('Schema[0].DeveloperOnlyAttribute is true:')],
    [pool(`Schema: [{Name: ${'x'.repeat(21)}}]`), /Schema\[0\]\.Name is "x+": must have at most 20 characters/],
    [
      pool('Schema: [{Name: n, StringAttributeConstraints: {MinLength: many}}]'),
      /MinLength is "many": must be a number/,
    ],
    [
      pool('Groups: [{GroupName: staff, Precedence: 2147483648}]'),
      inPool('Groups[0].Precedence is 2147483648: must be 2147483647 or less'),
    ],
    [pool('AccountRecoverySetting: {RecoveryMechanisms: []}'), /RecoveryMechanisms must have at least 1 entry/],
    [pool('Users: [{Username: a, Password: x, PasswordHash: y}]'), /Users\[0\]\.PasswordHash must be an argon2id hash/],
    [pool('Users: [{Username: a, Attributes: {name: [1]}}]'), /Users\[0\]\.Attributes\.name must be text, a number/],
    [client('AccessTokenValidity: 25'), inClient('AccessTokenValidity is 25: must be between 5 minutes and 24 hours')],
    [
      client('IdTokenValidity: 4, TokenValidityUnits: {IdToken: minutes}'),
      inClient('IdTokenValidity is 4: must be between 5 minutes and 24 hours'),
    ],
    [client('AccessTokenValidity: 0'), inClient('AccessTokenValidity is 0: must be between')],
    [client('RefreshTokenValidity: 3651'), inClient('RefreshTokenValidity is 3651: must be between 60 minutes and')],
    [
      client('RefreshTokenValidity: 59, TokenValidityUnits: {RefreshToken: minutes}'),
      inClient('RefreshTokenValidity is 59:'),
    ],
    [
      client('AccessTokenValidity: 24, RefreshTokenValidity: 23, TokenValidityUnits: {RefreshToken: hours}'),
      inClient('RefreshTokenValidity is 23: must not be shorter than the access and ID token validity'),
    ],
    [pool('SSOSession: {MaxValidityMinutes: -1}'), inPool('SSOSession.MaxValidityMinutes is -1: must be 0 or more')],
    [
      client('SSOSession: {MaxValidityMinutes: 129601}'),
      inClient('SSOSession.MaxValidityMinutes is 129601: must be 129600 or less'),
    ],
    [client('SSOSession: {IdleMinutes: 0}'), inClient('SSOSession.IdleMinutes is 0: must be 1 or more')],
    [pool('SSOSession: {Minutes: 5}'), inPool('SSOSession.Minutes is no setting that Latchkey knows here')],
    [pool('RememberMe: {MaxValidityMinutes: 0}'), inPool('RememberMe.MaxValidityMinutes is 0: must be 1 or more')],
    [pool('RememberMe: {}'), inPool('RememberMe.MaxValidityMinutes is missing')],
    [pool('RememberMe: true'), inPool('RememberMe is true: must be')],
    [client('RememberMe: {MaxValidityMinutes: 5}'), inClient('RememberMe is no setting that Latchkey knows here')],
    [client('AuthSessionValidity: 16'), inClient('AuthSessionValidity is 16: must be 15 or less')],
    [
      client('DefaultRedirectURI: https://b.example/'),
      inClient('DefaultRedirectURI is "https://b.example/": must be one of'),
    ],
    [
      client('AllowedOAuthFlows: [client_credentials]'),
      inClient('AllowedOAuthFlows client_credentials needs a ClientSecret'),
    ],
    [
      client('AllowedOAuthFlows: [code, client_credentials]'),
      inClient('AllowedOAuthFlows client_credentials cannot be'),
    ],
    [client('HasSecret: true'), inClient('HasSecret is no setting that Latchkey knows here')],
    [pool('Clients: [{ClientId: web}]'), inClient('CallbackURLs must name at least one URL where sign-in ends')],
  ])('%s', (text, expected) => {
    const found = problems(text)
    expect(found[0]).toMatch(expected instanceof RegExp ? expected : new RegExp(`^${escape(expected)}`))
  })

  test.each([
    'javascript:alert(1)',
    'http://app.example.com/',
    'https://app.example.com/#x',
    'https://*.example.com/',
    'https://app.example.com/?code=1',
    'https://user:pw@app.example.com/',
    '//app.example.com/',
  ])('a redirect to %s, in whatever member', (uri) => {
    const quoted = JSON.stringify(uri)
    const text = pool(
      `Clients: [{ClientId: web, CallbackURLs: [${quoted}], LogoutURLs: [https://a.example/, ${quoted}], DefaultRedirectURI: ${quoted}}]`,
    )
    expect(problems(text).map((problem) => problem.split(' ')[0])).toEqual([
      inClient('CallbackURLs[0]'),
      inClient('LogoutURLs[1]'),
      inClient('DefaultRedirectURI'),
    ])
  })

  test('what stands twice', () => {
    const twice = `
UserPools:
  - {Id: eu_a, PoolName: a, Default: true, Domains: [login.example.com], Issuer: https://id.example.com}
  - Id: eu_a
    PoolName: a
    Default: true
    Domains: [https://LOGIN.example.com/]
    Issuer: https://id.example.com
    Clients:
      - {ClientId: web, CallbackURLs: [https://a.example/]}
      - {ClientId: web, CallbackURLs: [https://a.example/]}
      - {ClientName: web, CallbackURLs: [https://a.example/]}
    Groups: [{GroupName: g}, {GroupName: g}]
    ResourceServers: [{Identifier: r, Name: r}, {Identifier: r, Name: r}]
    Users: [{Username: u}, {Username: u}]
    Nonsense: 1
`
    expect(problems(twice).map((problem) => problem.split(/ is |: /)[0])).toEqual([
      'UserPools[1].Nonsense',
      'UserPools[1].Id',
      'UserPools[1].PoolName',
      'UserPools[1].Issuer',
      'UserPools[1].Default',
      'UserPools[1].Domains[0]',
      'UserPools[1].Clients[1].ClientId',
      'UserPools[1].Clients[2].ClientName',
      'UserPools[1].ResourceServers[1].Identifier',
      'UserPools[1].Groups[1].GroupName',
      'UserPools[1].Users[1].Username',
    ])
  })
})

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

describe('variables', () => {
  test('are filled in anywhere in a text, hashes are left alone', () => {
    const phc = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2g'
    const [filled] = parse(
      pool('Users: [{Username: "${WHO}@${WHERE}", PasswordHash: "' + phc + '"}], Domains: ["${WHERE}"]'),
      { WHO: 'ana', WHERE: 'example.org' },
    )
    expect(filled).toMatchObject({
      domains: ['https://example.org'],
      users: [{ Username: 'ana@example.org', PasswordHash: phc }],
    })
  })

  test('missing ones are all named, once each place', () => {
    expect(problems('UserPools: [{PoolName: "${NAME}", Domains: ["${HOST_A}", "${HOST_B}"]}]', { HOST_B: '' })).toEqual(
      [
        'UserPools[0].PoolName is "${NAME}": NAME is not set in the environment',
        'UserPools[0].Domains[0] is "${HOST_A}": HOST_A is not set in the environment',
        'UserPools[0].Domains[1] is "${HOST_B}": HOST_B is not set in the environment',
      ],
    )
  })

  test('what they stand for is never shown', () => {
    const found = problems(client('LogoutURLs: ["${SOME_URL}"], ClientSecret: "${SECRET}"'), {
      SOME_URL: 'postgres://user:hunter2@db/',
      SECRET: 'hunter2',
    })
    expect(found).toEqual([
      inClient('LogoutURLs[0] is "${SOME_URL}": must not carry a user name or password'),
      inClient('ClientSecret must be 16 to 128 printable characters without blanks'),
    ])
    const shown = problems(client('LogoutURLs: ["${SOME_URL}"]'), { SOME_URL: 'http://hunter2.example/' })
    expect(shown[0]).toMatch(/LogoutURLs\[0\] is "\$\{SOME_URL\}": must use https/)
  })

  test('cannot bring in structure', () => {
    const [named] = parse('UserPools: [{PoolName: "${NAME}"}]', { NAME: 'a", Default: true, "x' })
    expect(named).toMatchObject({ name: 'a", Default: true, "x', isDefault: undefined })
  })
})

/** As `aws cognito-idp describe-user-pool` and `describe-user-pool-client` print them. */
const described = {
  Id: 'eu-west-1_Ab12Cd34E',
  Name: 'customers',
  Policies: {
    PasswordPolicy: {
      MinimumLength: 8,
      RequireUppercase: true,
      RequireLowercase: true,
      RequireNumbers: true,
      RequireSymbols: false,
      TemporaryPasswordValidityDays: 0,
    },
    SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD'] },
  },
  DeletionProtection: 'ACTIVE',
  LambdaConfig: {},
  LastModifiedDate: '2026-01-01T00:00:00.000000+01:00',
  CreationDate: 1767225600.123,
  SchemaAttributes: [
    {
      Name: 'sub',
      AttributeDataType: 'String',
      DeveloperOnlyAttribute: false,
      Mutable: false,
      Required: true,
      StringAttributeConstraints: { MinLength: '1', MaxLength: '2048' },
    },
    { Name: 'email', AttributeDataType: 'String', DeveloperOnlyAttribute: false, Mutable: true, Required: true },
    { Name: 'email_verified', AttributeDataType: 'Boolean', Mutable: true, Required: false },
    { Name: 'updated_at', AttributeDataType: 'Number', NumberAttributeConstraints: { MinValue: '0' } },
    { Name: 'identities', AttributeDataType: 'String', Mutable: true, StringAttributeConstraints: {} },
    {
      Name: 'custom:tier',
      AttributeDataType: 'String',
      DeveloperOnlyAttribute: false,
      Mutable: true,
      Required: false,
      StringAttributeConstraints: { MaxLength: '256' },
    },
  ],
  AutoVerifiedAttributes: ['email'],
  UsernameAttributes: ['email'],
  VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_CODE' },
  UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ['email'] },
  MfaConfiguration: 'OFF',
  EstimatedNumberOfUsers: 1234,
  EmailConfiguration: { EmailSendingAccount: 'COGNITO_DEFAULT' },
  UserPoolTags: { team: 'web' },
  Domain: 'customers',
  AdminCreateUserConfig: { AllowAdminCreateUserOnly: false, UnusedAccountValidityDays: 7 },
  UsernameConfiguration: { CaseSensitive: false },
  Arn: 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Ab12Cd34E',
  AccountRecoverySetting: { RecoveryMechanisms: [{ Priority: 1, Name: 'verified_email' }] },
  UserPoolTier: 'ESSENTIALS',
}

describe('what describe-user-pool prints', () => {
  const asFile = (userPool: object) => JSON.stringify({ UserPools: [userPool] })

  test('can be pasted, and means the same', () => {
    const [pasted] = parse(asFile(described))
    expect(pasted).toMatchObject({ id: 'eu-west-1_Ab12Cd34E', name: 'customers' })
    const userPool = userPoolFrom({
      id: 'eu-west-1_Ab12Cd34E',
      name: 'customers',
      version: 1,
      isDefault: false,
      issuer: 'https://id.example.com',
      issuerFollowsPublicUrl: false,
      domains: [],
      settings: pasted?.settings ?? {},
    })
    expect(userPool).toMatchObject({
      usernameAttributes: ['email'],
      recoveryMechanisms: ['verified_email'],
      passwordPolicy: { requireSymbols: false, temporaryPasswordValidityDays: 7 },
      customAttributes: [{ name: 'tier', type: 'String', mutable: true, maxLength: 256 }],
    })
    expect(userPool.standardAttributes.find(({ name }) => name === 'email')).toMatchObject({ required: true })
  })

  test('problems in it are told in its own words', () => {
    const SchemaAttributes = [{ Name: 'custom:a', AttributeDataType: 'Text' }]
    expect(problems(asFile({ ...described, Name: 7, SchemaAttributes }))).toEqual([
      'UserPools[0].SchemaAttributes[0].AttributeDataType is "Text": must be one of "String", "Number", "DateTime", "Boolean"',
      'UserPools[0].Name is 7: must be text: put it in quotes',
    ])
  })

  test('an app client’s description can be pasted too', () => {
    const [pasted] = parse(
      asFile({
        PoolName: 'a',
        Clients: [
          {
            UserPoolId: 'eu-west-1_Ab12Cd34E',
            ClientName: 'web',
            ClientId: '1example23456789abcdefghij',
            ClientSecret: 'correct-horse-battery',
            LastModifiedDate: '2026-01-01T00:00:00+01:00',
            CreationDate: '2026-01-01T00:00:00+01:00',
            RefreshTokenValidity: 30,
            AccessTokenValidity: 60,
            IdTokenValidity: 60,
            TokenValidityUnits: { AccessToken: 'minutes', IdToken: 'minutes', RefreshToken: 'days' },
            ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH'],
            SupportedIdentityProviders: ['COGNITO'],
            CallbackURLs: ['https://app.example.com/callback'],
            AllowedOAuthFlows: ['code'],
            AllowedOAuthScopes: ['openid'],
            AllowedOAuthFlowsUserPoolClient: true,
            PreventUserExistenceErrors: 'ENABLED',
            EnableTokenRevocation: true,
            EnablePropagateAdditionalUserContextData: false,
            AuthSessionValidity: 3,
          },
        ],
      }),
    )
    expect(pasted?.clients[0]?.settings).not.toHaveProperty('UserPoolId')
  })
})

describe('finding the file', () => {
  test('the one that is named has to be there', async () => {
    const environment = readEnvironment({ LATCHKEY_CONFIG: '/nowhere/latchkey.yaml' })
    await expect(readConfigurationFile(environment, {})).rejects.toThrow(
      /LATCHKEY_CONFIG names \/nowhere\/latchkey\.yaml, which cannot be read/,
    )
  })

  test('it is read, and its problems name it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-config-'))
    try {
      const file = join(folder, 'pools.yaml')
      const environment = readEnvironment({ LATCHKEY_CONFIG: file })
      await writeFile(file, 'UserPools: [{PoolName: "${NAME}"}]')
      expect((await readConfigurationFile(environment, { NAME: 'a' }))?.userPools).toMatchObject([{ name: 'a' }])
      await expect(readConfigurationFile(environment, {})).rejects.toThrow(`${file}: UserPools[0].PoolName`)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

test('the first run’s configuration holds to the rules of the file', () => {
  expect(defaultConfiguration('http://localhost:3000')).toMatchObject({
    name: 'default',
    isDefault: true,
    clients: [{ id: 'demo' }, { id: 'demo-two' }],
  })
})
