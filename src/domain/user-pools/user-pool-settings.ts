import { z } from 'zod'
import { signingAlgorithms } from '../tokens/signing-key.ts'
import { standardAttributeNames } from '../users/attribute-schema.ts'
import type { CustomAttribute } from '../users/attribute-schema.ts'
import { acrConfiguration, acrValuesOf } from './acr-settings.ts'
import { deviceConfiguration, deviceSettingsOf } from './device-settings.ts'
import { eventWebhooksOf } from './event-webhook-settings.ts'
import { identityProvidersOf } from './identity-provider-settings.ts'
import { lockOutOf, lockOutSchema } from './lock-out-settings.ts'
import { rateLimitsOf, rateLimitsSchema } from './rate-limit-settings.ts'
import { breachedPasswordActions, compromisedCredentialsSchema } from './risk-settings.ts'
import { rememberMeOf, rememberMeSchema, sessionLimitsOf, ssoSessionSchema } from './session-settings.ts'
import { mfaMessagesOf, mfaSettings, mfaTypesOf } from './mfa-settings.ts'
import {
  emailConfiguration,
  messageTemplatesOf,
  messageTemplatesSchema,
  senderIdentityOf,
  smsConfiguration,
} from './message-template-settings.ts'
import { passkeySettingsOf, signInPolicy, webAuthnConfiguration } from './passkey-settings.ts'
import type { AttributeSetting, Branding, UserPool } from './user-pool.ts'
import type { UserPoolRecord } from '../ports/store.ts'
import { triggerTargetsOf } from './trigger-settings.ts'
import { termsOf, termsSchema } from './terms.ts'

/*
 * A user pool's settings in Cognito's member names (CreateUserPool): the form of the configuration file, of the stored
 * row and of the API alike (design decision 18). Members that Cognito describes and Latchkey does not act on yet are
 * listed apart, so that the output of `describe-user-pool` can be pasted and a misspelt member is still reported.
 */

const address = z.enum(['email', 'phone_number'])
const isNumber = 'must be a number'
const lengthText = z.union([z.number(), z.string().regex(/^\d+$/, isNumber)], isNumber).transform(Number)
const numberText = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/, isNumber)], isNumber).transform(Number)

const schemaAttribute = z.strictObject({
  Name: z
    .string()
    .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u, 'must be letters, digits and signs without blanks')
    .max(40),
  AttributeDataType: z.enum(['String', 'Number', 'DateTime', 'Boolean']).default('String'),
  DeveloperOnlyAttribute: z.boolean().default(false),
  Mutable: z.boolean().default(true),
  Required: z.boolean().default(false),
  StringAttributeConstraints: z
    .strictObject({ MinLength: lengthText.optional(), MaxLength: lengthText.optional() })
    .optional(),
  NumberAttributeConstraints: z
    .strictObject({ MinValue: numberText.optional(), MaxValue: numberText.optional() })
    .optional(),
})

const checkedSchemaAttribute = schemaAttribute.superRefine((attribute, context) => {
  const wrong = (member: string, message: string): void => context.addIssue({ code: 'custom', path: [member], message })
  // Anybody might write what only the operator's own programs are to write: ignoring this would be no service.
  if (attribute.DeveloperOnlyAttribute) wrong('DeveloperOnlyAttribute', 'is not supported by this release: remove it')
  if (isBuiltIn(attribute.Name)) return
  if (attribute.Required) wrong('Required', 'must be false: a custom attribute cannot be required')
  if (customName(attribute.Name).length > 20) wrong('Name', 'must have at most 20 characters after "custom:"')
})

const passwordPolicy = z.strictObject({
  MinimumLength: z.number().int().min(6).max(99).default(8),
  RequireUppercase: z.boolean().default(true),
  RequireLowercase: z.boolean().default(true),
  RequireNumbers: z.boolean().default(true),
  RequireSymbols: z.boolean().default(true),
  PasswordHistorySize: z.number().int().min(0).max(24).optional(),
  // Cognito reads 0 as its default.
  TemporaryPasswordValidityDays: z.number().int().min(0).max(365).default(7),
})

const recoveryMechanism = z.strictObject({
  Name: z.enum(['verified_email', 'verified_phone_number', 'admin_only']),
  Priority: z.number().int().min(1).max(2),
})

export const brandingSchema = z.strictObject({
  Name: z.string().min(1).max(80).optional(),
  LogoUrl: z
    .string()
    .regex(/^(https:\/\/|\/assets\/|data:image\/)/, 'must be an https URL')
    .optional(),
})

/** Of the audit trail; also for a user pool that is not there any more. */
export const defaultRetentionDays = 365

export const userPoolSettingsSchema = z.strictObject({
  UsernameAttributes: z.array(address).default([]),
  AliasAttributes: z.array(z.enum(['email', 'phone_number', 'preferred_username'])).default([]),
  AutoVerifiedAttributes: z.array(address).default([]),
  UsernameConfiguration: z.strictObject({ CaseSensitive: z.boolean().default(false) }).prefault({}),
  Policies: z.strictObject({ PasswordPolicy: passwordPolicy.prefault({}), SignInPolicy: signInPolicy }).prefault({}),
  EmailConfiguration: emailConfiguration.optional(),
  SmsConfiguration: smsConfiguration.optional(),
  MessageTemplates: messageTemplatesSchema.optional(),
  AdminCreateUserConfig: z
    .strictObject({
      AllowAdminCreateUserOnly: z.boolean().default(false),
      UnusedAccountValidityDays: z.number().int().optional(),
      InviteMessageTemplate: z.unknown().optional(),
    })
    .prefault({}),
  AccountRecoverySetting: z.strictObject({ RecoveryMechanisms: z.array(recoveryMechanism).min(1).max(2) }).prefault({
    RecoveryMechanisms: [
      { Name: 'verified_email', Priority: 1 },
      { Name: 'verified_phone_number', Priority: 2 },
    ],
  }),
  Schema: z.array(checkedSchemaAttribute).max(80).default([]),
  UserAttributeUpdateSettings: z
    .strictObject({ AttributesRequireVerificationBeforeUpdate: z.array(address).optional() })
    .prefault({}),
  ...mfaSettings,
  WebAuthnConfiguration: webAuthnConfiguration,
  DeviceConfiguration: deviceConfiguration,
  AcrConfiguration: acrConfiguration,
  LockOut: lockOutSchema.prefault({}),
  RateLimits: rateLimitsSchema.prefault({}),
  EmailVerificationSubject: z.string().max(140).optional(),
  EmailVerificationMessage: z.string().max(20_000).includes('{####}').optional(),
  VerificationMessageTemplate: z
    .looseObject({
      EmailSubject: z.string().max(140).optional(),
      EmailMessage: z.string().max(20_000).includes('{####}').optional(),
      DefaultEmailOption: z.enum(['CONFIRM_WITH_CODE', 'CONFIRM_WITH_LINK']).default('CONFIRM_WITH_CODE'),
      EmailSubjectByLink: z.string().max(140).optional(),
      EmailMessageByLink: z
        .string()
        .max(20_000)
        .regex(/\{##[^#{}]+##\}/, 'must contain "{##" and "##}" around the text of the link')
        .optional(),
    })
    .optional(),
  // Read by the sweep as it is written (persistence/unconfirmed-users.ts).
  UnconfirmedSignUpValidityDays: z.number().int().min(1).max(365).optional(),
  SigningAlgorithm: z.enum(signingAlgorithms).default('RS256'),
  SigningKeyRotationDays: z.number().int().min(1).max(3650).optional(),
  Audit: z
    .strictObject({ RetentionDays: z.number().int().min(1).max(3650).default(defaultRetentionDays) })
    .prefault({}),
  CompromisedCredentialsRiskConfiguration: compromisedCredentialsSchema,
  Branding: brandingSchema.prefault({}),
  SSOSession: ssoSessionSchema.prefault({}),
  RememberMe: rememberMeSchema.optional(),
  Terms: termsSchema.optional(),
})

/** Members of Cognito's CreateUserPool and DescribeUserPool that are kept but not acted on. */
export const inertUserPoolMembers = [
  'Arn',
  'CreationDate',
  'CustomDomain',
  'DcrConfiguration',
  'DeletionProtection',
  'Domain',
  'EmailConfigurationFailure',
  'EstimatedNumberOfUsers',
  'IssuerConfiguration',
  'KeyConfiguration',
  'LambdaConfig',
  'LastModifiedDate',
  'SchemaAttributes',
  'SmsConfigurationFailure',
  'SmsVerificationMessage',
  'Issuer',
  'Status',
  'UserPoolAddOns',
  'UserPoolTags',
  'UserPoolTier',
] as const

export type UserPoolSettings = z.output<typeof userPoolSettingsSchema>

/** The stored row with every default filled in. */
export function userPoolFrom(record: UserPoolRecord): UserPool {
  const known = Object.fromEntries(
    Object.entries(record.settings).filter(([name]) => !(inertUserPoolMembers as readonly string[]).includes(name)),
  )
  const settings = userPoolSettingsSchema.parse(known)
  const policy = settings.Policies.PasswordPolicy
  return {
    id: record.id,
    name: record.name,
    version: record.version,
    isDefault: record.isDefault,
    issuer: record.issuer,
    domains: record.domains,
    aliasAttributes: settings.AliasAttributes,
    usernameAttributes: settings.UsernameAttributes,
    autoVerifiedAttributes: settings.AutoVerifiedAttributes,
    confirmsByLink: settings.VerificationMessageTemplate?.DefaultEmailOption === 'CONFIRM_WITH_LINK',
    caseSensitiveUsernames: settings.UsernameConfiguration.CaseSensitive,
    passwordPolicy: {
      minimumLength: policy.MinimumLength,
      requireUppercase: policy.RequireUppercase,
      requireLowercase: policy.RequireLowercase,
      requireNumbers: policy.RequireNumbers,
      requireSymbols: policy.RequireSymbols,
      temporaryPasswordValidityDays: policy.TemporaryPasswordValidityDays || 7,
    },
    allowAdminCreateUserOnly: settings.AdminCreateUserConfig.AllowAdminCreateUserOnly,
    recoveryMechanisms: settings.AccountRecoverySetting.RecoveryMechanisms.toSorted(
      (a, b) => a.Priority - b.Priority,
    ).map(({ Name }) => Name),
    standardAttributes: standardAttributesOf(settings),
    customAttributes: customAttributesOf(settings),
    messages: { ...messagesOf(settings), ...mfaMessagesOf(settings) },
    messageTemplates: messageTemplatesOf(settings.MessageTemplates),
    sender: senderIdentityOf(settings.EmailConfiguration, settings.SmsConfiguration),
    // Cognito has none by default, and people lock themselves out with a misspelt address.
    verifiedBeforeUpdate:
      settings.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate ?? settings.AutoVerifiedAttributes,
    auditRetentionDays: settings.Audit.RetentionDays,
    onBreachedPassword: breachedPasswordActions[settings.CompromisedCredentialsRiskConfiguration.Actions.EventAction],
    mfaConfiguration: settings.MfaConfiguration,
    firstFactors: settings.Policies.SignInPolicy.AllowedFirstAuthFactors,
    acrValues: acrValuesOf(settings.AcrConfiguration),
    passkeys: passkeySettingsOf(settings.WebAuthnConfiguration),
    ...deviceSettingsOf(settings.DeviceConfiguration),
    mfaTypes: mfaTypesOf(settings),
    lockOut: lockOutOf(settings.LockOut),
    rateLimits: rateLimitsOf(settings.RateLimits),
    signingAlgorithm: settings.SigningAlgorithm,
    branding: brandingOf(settings.Branding),
    ssoSession: { maxSeconds: 3600, ...sessionLimitsOf(settings.SSOSession) },
    ...(settings.RememberMe === undefined ? {} : { rememberMe: rememberMeOf(settings.RememberMe) }),
    triggers: triggerTargetsOf(record.triggers),
    eventWebhooks: eventWebhooksOf(record.eventWebhooks),
    identityProviders: identityProvidersOf(record.identityProviders),
    passwordForms: record.passwordForms ?? [],
    ...(settings.Terms === undefined ? {} : { terms: termsOf(settings.Terms) }),
  }
}

const isStandard = (name: string): boolean => (standardAttributeNames as readonly string[]).includes(name)

/** `sub` and `identities` are described among the attributes, but never set. */
const isBuiltIn = (name: string): boolean => isStandard(name) || name === 'sub' || name === 'identities'

const customName = (name: string): string => name.replace(/^custom:/, '')

/** Sign-up by address makes that address required; otherwise what the schema says. */
function standardAttributesOf(settings: UserPoolSettings): AttributeSetting[] {
  const named = settings.Schema.filter(({ Name }) => isStandard(Name)).map((attribute) => ({
    name: attribute.Name,
    required: attribute.Required,
    mutable: attribute.Mutable,
  }))
  return named
}

function customAttributesOf(settings: UserPoolSettings): CustomAttribute[] {
  return settings.Schema.filter(({ Name }) => !isBuiltIn(Name)).map((attribute) => {
    const { MinLength, MaxLength } = attribute.StringAttributeConstraints ?? {}
    const { MinValue, MaxValue } = attribute.NumberAttributeConstraints ?? {}
    return {
      name: customName(attribute.Name),
      type: attribute.AttributeDataType,
      mutable: attribute.Mutable,
      ...(MinLength === undefined ? {} : { minLength: MinLength }),
      ...(MaxLength === undefined ? {} : { maxLength: MaxLength }),
      ...(MinValue === undefined ? {} : { minValue: MinValue }),
      ...(MaxValue === undefined ? {} : { maxValue: MaxValue }),
    }
  })
}

function messagesOf(settings: UserPoolSettings): UserPool['messages'] {
  const subject = settings.VerificationMessageTemplate?.EmailSubject ?? settings.EmailVerificationSubject
  const message = settings.VerificationMessageTemplate?.EmailMessage ?? settings.EmailVerificationMessage
  const { EmailSubjectByLink: linkSubject, EmailMessageByLink: linkMessage } =
    settings.VerificationMessageTemplate ?? {}
  return {
    ...(subject === undefined ? {} : { verificationSubject: subject }),
    ...(message === undefined ? {} : { verificationMessage: message }),
    ...(linkSubject === undefined ? {} : { linkSubject }),
    ...(linkMessage === undefined ? {} : { linkMessage }),
  }
}

export function brandingOf(branding: z.output<typeof brandingSchema>): Branding {
  return {
    ...(branding.Name === undefined ? {} : { name: branding.Name }),
    ...(branding.LogoUrl === undefined ? {} : { logoUrl: branding.LogoUrl }),
  }
}
