import { userPoolConfigurationSchema } from '../domain/user-pools/configuration.ts'
import type { UserPoolConfiguration } from '../domain/user-pools/configuration.ts'
import { demoPaths } from '../demo/demo-paths.ts'

export const demoClientId = 'demo'
export const secondDemoClientId = 'demo-two'

/** What a first run without any configuration gets (design §5): a user pool to try, and the demo's two app clients. */
export function defaultConfiguration(publicUrl: string): UserPoolConfiguration {
  const demoClient = {
    CallbackURLs: [`${publicUrl}${demoPaths.callback}`],
    LogoutURLs: [`${publicUrl}${demoPaths.home}`],
    AllowedOAuthFlows: ['code'],
    ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    AllowedOAuthScopes: ['openid', 'email', 'profile', 'phone', 'aws.cognito.signin.user.admin'],
  }
  return userPoolConfigurationSchema.parse({
    PoolName: 'default',
    Default: true,
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email'],
    Schema: [{ Name: 'email', Required: true }],
    RememberMe: { MaxValidityMinutes: 43_200 },
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN'] } },
    WebAuthnConfiguration: { FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION' },
    MfaConfiguration: 'OPTIONAL',
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
    SoftwareTokenMfaConfiguration: { Enabled: true },
    EmailMfaConfiguration: {},
    Clients: [
      { ClientId: demoClientId, ClientName: 'Demo', ...demoClient },
      { ClientId: secondDemoClientId, ClientName: 'Second demo', ...demoClient },
    ],
  })
}
