import { z } from 'zod'
import type { AppClientRecord } from '../ports/store.ts'
import { signingAlgorithms } from '../tokens/signing-key.ts'
import { sessionLimitsOf, ssoSessionSchema } from '../user-pools/session-settings.ts'
import { brandingOf, brandingSchema } from '../user-pools/user-pool-settings.ts'
import { messageTemplatesOf, messageTemplatesSchema } from '../user-pools/message-template-settings.ts'
import { termsOf, termsSchema } from '../user-pools/terms.ts'
import type { AppClient } from './app-client.ts'
import { redirectUriProblem } from './redirect-uri.ts'

/** An app client's settings in Cognito's member names (CreateUserPoolClient). */

const registeredUri = z.string().superRefine((uri, context) => {
  const problem = redirectUriProblem(uri)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, input: uri })
})

const unit = z.enum(['seconds', 'minutes', 'hours', 'days'])
const validity = z.number().int().min(0).max(315_360_000)

/** Flows of Cognito's API; the pages and the OAuth endpoints ask for none of them. */
const authFlows = [
  'ALLOW_REFRESH_TOKEN_AUTH',
  'ALLOW_USER_SRP_AUTH',
  'ALLOW_USER_PASSWORD_AUTH',
  'ALLOW_ADMIN_USER_PASSWORD_AUTH',
  'ALLOW_CUSTOM_AUTH',
  'ALLOW_USER_AUTH',
  'ALLOW_CLIENT_TOKEN_AUTH',
] as const

/** Their names before they had a prefix. */
const legacyAuthFlows = ['ADMIN_NO_SRP_AUTH', 'CUSTOM_AUTH_FLOW_ONLY', 'USER_PASSWORD_AUTH'] as const

export const appClientSettingsSchema = z.strictObject({
  CallbackURLs: z.array(registeredUri).max(100).default([]),
  LogoutURLs: z.array(registeredUri).max(100).default([]),
  DefaultRedirectURI: registeredUri.optional(),
  AllowedOAuthFlows: z.array(z.enum(['code', 'implicit', 'client_credentials'])).default(['code']),
  AllowedOAuthScopes: z.array(z.string().min(1).max(513)).max(50).default(['openid', 'email', 'profile', 'phone']),
  AllowedOAuthFlowsUserPoolClient: z.boolean().optional(),
  ExplicitAuthFlows: z.array(z.enum([...authFlows, ...legacyAuthFlows])).optional(),
  SupportedIdentityProviders: z.array(z.string().min(1).max(32)).default(['COGNITO']),
  AccessTokenValidity: validity.default(1),
  IdTokenValidity: validity.default(1),
  RefreshTokenValidity: validity.default(30),
  TokenValidityUnits: z
    .strictObject({
      AccessToken: unit.default('hours'),
      IdToken: unit.default('hours'),
      RefreshToken: unit.default('days'),
    })
    .prefault({}),
  RefreshTokenRotation: z
    .strictObject({
      Feature: z.enum(['ENABLED', 'DISABLED']).default('DISABLED'),
      RetryGracePeriodSeconds: z.number().int().min(0).max(60).default(0),
    })
    .prefault({}),
  ReadAttributes: z.array(z.string()).optional(),
  WriteAttributes: z.array(z.string()).optional(),
  PreventUserExistenceErrors: z.enum(['ENABLED', 'LEGACY']).default('ENABLED'),
  EnableTokenRevocation: z.boolean().default(true),
  AccessTokenFormat: z.enum(['COGNITO', 'RFC9068']).default('COGNITO'),
  EnablePropagateAdditionalUserContextData: z.boolean().optional(),
  AuthSessionValidity: z.number().int().min(3).max(15).default(3),
  AnalyticsConfiguration: z.unknown().optional(),
  RequirePkce: z.boolean().optional(),
  SigningAlgorithm: z.enum(signingAlgorithms).optional(),
  ThirdParty: z.boolean().default(false),
  Branding: brandingSchema.prefault({}),
  MessageTemplates: messageTemplatesSchema.optional(),
  SSOSession: ssoSessionSchema.prefault({}),
  Terms: termsSchema.optional(),
})

export type AppClientSettings = z.output<typeof appClientSettingsSchema>

const secondsPerUnit = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 }

/**
 * The stored row with every default filled in.
 * @param secrets in clear, already opened; none for a public client
 */
export function appClientFrom(record: AppClientRecord, secrets: readonly string[]): AppClient {
  const settings = appClientSettingsSchema.parse(record.settings)
  return {
    userPoolId: record.userPoolId,
    id: record.id,
    name: record.name,
    secrets,
    callbackUrls: settings.CallbackURLs,
    logoutUrls: settings.LogoutURLs,
    ...(settings.DefaultRedirectURI === undefined ? {} : { defaultRedirectUri: settings.DefaultRedirectURI }),
    allowedOAuthFlows: settings.AllowedOAuthFlowsUserPoolClient === false ? [] : settings.AllowedOAuthFlows,
    allowedOAuthScopes: settings.AllowedOAuthScopes,
    explicitAuthFlows: settings.ExplicitAuthFlows ?? usualAuthFlows(settings),
    supportedIdentityProviders: settings.SupportedIdentityProviders,
    ...lifetimes(settings),
    refreshTokenRotation: {
      enabled: settings.RefreshTokenRotation.Feature === 'ENABLED',
      graceSeconds: settings.RefreshTokenRotation.RetryGracePeriodSeconds,
    },
    ...(settings.ReadAttributes === undefined ? {} : { readAttributes: settings.ReadAttributes }),
    ...(settings.WriteAttributes === undefined ? {} : { writeAttributes: settings.WriteAttributes }),
    preventUserExistenceErrors: settings.PreventUserExistenceErrors === 'ENABLED',
    enableTokenRevocation: settings.EnableTokenRevocation,
    accessTokenFormat: settings.AccessTokenFormat,
    authSessionValidityMinutes: settings.AuthSessionValidity,
    requirePkce: settings.RequirePkce ?? secrets.length === 0,
    ...(settings.SigningAlgorithm === undefined ? {} : { signingAlgorithm: settings.SigningAlgorithm }),
    thirdParty: settings.ThirdParty,
    branding: brandingOf(settings.Branding),
    messageTemplates: messageTemplatesOf(settings.MessageTemplates),
    ssoSession: sessionLimitsOf(settings.SSOSession),
    ...(settings.Terms === undefined ? {} : { terms: termsOf(settings.Terms) }),
  }
}

/** Cognito's default; rotation and refreshing through the API exclude each other. */
const usualAuthFlows = (settings: AppClientSettings): readonly string[] => [
  ...(settings.RefreshTokenRotation.Feature === 'ENABLED' ? [] : ['ALLOW_REFRESH_TOKEN_AUTH']),
  'ALLOW_USER_SRP_AUTH',
  'ALLOW_CUSTOM_AUTH',
]

/** Token lifetimes in seconds; Cognito reads a refresh token validity of 0 as 30 days. */
function lifetimes(
  settings: AppClientSettings,
): Pick<AppClient, 'accessTokenSeconds' | 'idTokenSeconds' | 'refreshTokenSeconds'> {
  const units = settings.TokenValidityUnits
  const refresh = settings.RefreshTokenValidity * secondsPerUnit[units.RefreshToken]
  return {
    accessTokenSeconds: settings.AccessTokenValidity * secondsPerUnit[units.AccessToken],
    idTokenSeconds: settings.IdTokenValidity * secondsPerUnit[units.IdToken],
    refreshTokenSeconds: refresh === 0 ? 30 * 86_400 : refresh,
  }
}

/** What is wrong with a client's settings taken together, in words that name the member and the mend. */
export function appClientProblems(settings: AppClientSettings, hasSecret: boolean): readonly string[] {
  const problems: string[] = []
  const times = lifetimes(settings)
  const outside = (seconds: number): boolean => seconds < 300 || seconds > 86_400
  if (outside(times.accessTokenSeconds)) problems.push('AccessTokenValidity must be between 5 minutes and 24 hours')
  if (outside(times.idTokenSeconds)) problems.push('IdTokenValidity must be between 5 minutes and 24 hours')
  if (times.refreshTokenSeconds < 3600 || times.refreshTokenSeconds > 3650 * 86_400) {
    problems.push('RefreshTokenValidity must be between 60 minutes and 10 years')
  }
  if (times.refreshTokenSeconds < Math.max(times.accessTokenSeconds, times.idTokenSeconds)) {
    problems.push('RefreshTokenValidity must not be shorter than the access and ID token validity')
  }
  problems.push(...authFlowProblems(settings))
  const flows = settings.AllowedOAuthFlows
  if (flows.includes('client_credentials')) {
    if (flows.length > 1)
      problems.push('AllowedOAuthFlows: client_credentials cannot be combined with code or implicit')
    if (!hasSecret) problems.push('AllowedOAuthFlows: client_credentials needs a ClientSecret')
  } else if (settings.CallbackURLs.length === 0 && settings.AllowedOAuthFlowsUserPoolClient !== false) {
    problems.push('CallbackURLs must name at least one URL where sign-in ends')
  }
  if (settings.DefaultRedirectURI !== undefined && !settings.CallbackURLs.includes(settings.DefaultRedirectURI)) {
    problems.push('DefaultRedirectURI must be one of CallbackURLs')
  }
  return problems
}

function authFlowProblems({
  ExplicitAuthFlows: flows = [],
  RefreshTokenRotation: rotation,
}: AppClientSettings): string[] {
  const legacy = flows.filter((flow) => (legacyAuthFlows as readonly string[]).includes(flow))
  if (legacy.length > 0 && legacy.length < flows.length) {
    return ['ExplicitAuthFlows: names without ALLOW_ cannot stand beside names with it']
  }
  if (rotation.Feature === 'ENABLED' && flows.includes('ALLOW_REFRESH_TOKEN_AUTH')) {
    return ['ExplicitAuthFlows: ALLOW_REFRESH_TOKEN_AUTH cannot stand beside RefreshTokenRotation']
  }
  return []
}
