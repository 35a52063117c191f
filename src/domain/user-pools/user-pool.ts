import type { EventWebhook } from '../events/event-webhook.ts'
import type { IdentityProvider } from '../identity-providers/identity-provider.ts'
import type { LockOut } from '../lock-out/lock-out.ts'
import type { MessageTemplateOverrides } from '../messages/message.ts'
import type { MessageTemplates, SenderIdentity } from '../messages/message-template.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { MfaType } from '../mfa/mfa-type.ts'
import type { PasskeySettings } from '../passkeys/passkey.ts'
import type { SigningAlgorithm } from '../tokens/signing-key.ts'
import type { TriggerTargets } from '../triggers/trigger-target.ts'
import type { CustomAttribute } from '../users/attribute-schema.ts'
import type { Terms } from './terms.ts'

/** Names a sign-in may use beside or in place of a user name (Cognito: AliasAttributes, UsernameAttributes). */
export type AliasAttribute = 'email' | 'phone_number' | 'preferred_username'
export type UsernameAttribute = 'email' | 'phone_number'
export type VerifiableAttribute = 'email' | 'phone_number'

export interface PasswordPolicy {
  minimumLength: number
  requireUppercase: boolean
  requireLowercase: boolean
  requireNumbers: boolean
  requireSymbols: boolean
  temporaryPasswordValidityDays: number
}

/** Cognito's AllowedFirstAuthFactors: what a sign-in may begin with. */
export type FirstFactor = 'PASSWORD' | 'EMAIL_OTP' | 'SMS_OTP' | 'WEB_AUTHN'

export type RecoveryMechanism = 'verified_email' | 'verified_phone_number' | 'admin_only'

export interface AttributeSetting {
  name: string
  required: boolean
  mutable: boolean
}

/** A user pool's settings with every default filled in: what the rest of the code reads. */
export interface UserPool {
  id: string
  name: string
  /** Grows with every change of the pool, its app clients, keys or resource servers. */
  version: number
  isDefault: boolean
  /** `iss` of every token; permanent (design decision 5). */
  issuer: string
  /** Origins of the pool's own domains, first one first, such as `https://login.example.com`. */
  domains: readonly string[]
  aliasAttributes: readonly AliasAttribute[]
  /** When not empty, the address is the sign-in name and the stored user name is the `sub`. */
  usernameAttributes: readonly UsernameAttribute[]
  autoVerifiedAttributes: readonly VerifiableAttribute[]
  /** An e-mail address is confirmed by a link in place of a code (Cognito: CONFIRM_WITH_LINK). */
  confirmsByLink: boolean
  caseSensitiveUsernames: boolean
  passwordPolicy: PasswordPolicy
  allowAdminCreateUserOnly: boolean
  /** By ascending priority. */
  recoveryMechanisms: readonly RecoveryMechanism[]
  /** Standard attributes whose settings differ from the default (optional, mutable). */
  standardAttributes: readonly AttributeSetting[]
  customAttributes: readonly CustomAttribute[]
  messages: MessageTemplateOverrides
  /** The operator's own words, in place of Cognito's members and ours. */
  messageTemplates: MessageTemplates
  sender: SenderIdentity
  /** Addresses that change only once the new one is verified (AttributesRequireVerificationBeforeUpdate). */
  verifiedBeforeUpdate: readonly VerifiableAttribute[]
  /** How long the audit trail keeps an event. */
  auditRetentionDays: number
  /** What becomes of a password that is known from breaches, where BREACHED_PASSWORDS names a list. */
  onBreachedPassword: 'refuse' | 'warn' | 'take'
  mfaConfiguration: 'OFF' | 'OPTIONAL' | 'ON'
  /** A password is always among them. */
  firstFactors: readonly FirstFactor[]
  passkeys: PasskeySettings
  /** Absent: no device is remembered. */
  devices?: DeviceSettings
  /** What `acr` says of the four levels of assurance, the lowest first. */
  acrValues: readonly string[]
  /** Second factors that count. */
  mfaTypes: readonly MfaType[]
  lockOut: LockOut
  rateLimits: RateLimits
  signingAlgorithm: SigningAlgorithm
  branding: Branding
  /** How long a browser's sign-in lasts; Cognito: one hour. */
  ssoSession: SessionLimits
  /** The same for whoever asks to be kept signed in; absent: nobody is offered that. */
  rememberMe?: SessionLimits
  triggers: TriggerTargets
  /** Who is told of what has happened. */
  eventWebhooks: readonly EventWebhook[]
  /** At which others its users may sign in. */
  identityProviders: readonly IdentityProvider[]
  /** Forms of the imported password hashes that its users may have (security/imported-hash.ts). */
  passwordForms: readonly string[]
  /** Absent: sign-up speaks of none. */
  terms?: Terms
}

export interface SessionLimits {
  /** From the sign-in on; 0: no single sign-on. */
  maxSeconds: number
  /** From the last use on; absent: a session may lie unused until its end. */
  idleSeconds?: number
}

/** Cognito's DeviceConfiguration. */
export interface DeviceSettings {
  /** A remembered device stands in for the second factor (ChallengeRequiredOnNewDevice). */
  replaceMfa: boolean
  /** Only where the person asks for it (DeviceOnlyRememberedOnUserPrompt), else always. */
  onUserPrompt: boolean
  seconds: number
}

export interface Branding {
  name?: string
  logoUrl?: string
}
