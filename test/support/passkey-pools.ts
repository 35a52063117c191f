import { callback } from './visitor.ts'

/* User pools in which people begin with a passkey, each with an app client named after it. */

const multiple = { FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION' }

const pools = {
  /** A passkey is all that it takes. */
  first: { MfaConfiguration: 'OPTIONAL', WebAuthnConfiguration: multiple },
  /** A passkey is one factor, and two are asked for. */
  single: { MfaConfiguration: 'ON', EmailMfaConfiguration: {}, SoftwareTokenMfaConfiguration: { Enabled: true } },
  /** Two factors are asked for, and a passkey is two. */
  both: {
    MfaConfiguration: 'ON',
    SoftwareTokenMfaConfiguration: { Enabled: true },
    WebAuthnConfiguration: multiple,
  },
} as const

export type PasskeyPool = keyof typeof pools

export const passkeyPoolId = (pool: PasskeyPool): string => `eu-west-1_${pool}`

const client = (id: string, more: object = {}): object => ({
  ClientId: id,
  CallbackURLs: [callback],
  LogoutURLs: ['https://app.example/'],
  AllowedOAuthFlows: ['code'],
  AllowedOAuthScopes: ['openid', 'email'],
  ...more,
})

export const passkeyPools = (): string =>
  JSON.stringify({
    UserPools: Object.entries(pools).map(([name, settings], index) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      Default: index === 0,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
      ...settings,
      Clients: [
        client(name, { ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] }),
        ...(name === 'first' ? [client('password-only')] : []),
      ],
    })),
  })
