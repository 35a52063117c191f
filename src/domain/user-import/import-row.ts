import { z } from 'zod'
import { maximumIdentities } from '../identity-providers/identity-provider.ts'
import { mfaTypes } from '../mfa/mfa-type.ts'

/*
 * A user as files for import have it, in Cognito's member names; an export's lines are of this form. Everything but the name
 * may be left out.
 */

const text = z.string().max(2048)
const isTime = 'must be a time such as 2026-01-31T12:00:00Z'
const time = z.iso.datetime({ offset: true, error: isTime }).transform((value) => new Date(value))
const attributeValue = z.union([z.string(), z.number(), z.boolean()]).transform(String)

/** An object, or the list of names and values of Cognito's ListUsers. */
const attributes = z.union([
  z.record(z.string().max(64), attributeValue),
  z
    .array(z.looseObject({ Name: z.string().max(64), Value: attributeValue.default('') }))
    .transform((list) => Object.fromEntries(list.map(({ Name, Value }) => [Name, Value]))),
])

const softwareToken = z.strictObject({
  /** Base32, as apps are given it. */
  Secret: z.string().regex(/^[A-Z2-7 ]{16,128}=*$/i, 'must be Base32'),
  LastTimeStep: z.int().min(0).default(0),
  CreatedAt: time.optional(),
  LastUsedAt: time.optional(),
})

const base64url = z
  .string()
  .regex(/^[\w-]+$/, 'must be base64url')
  .max(2048)

const passkey = z.strictObject({
  CredentialId: base64url,
  RelyingPartyId: z.hostname(),
  /** COSE_Key. */
  PublicKey: base64url,
  Counter: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32)
    .default(0),
  Transports: z.array(z.string().max(32)).max(10).default([]),
  IsPlatform: z.boolean().default(false),
  FriendlyCredentialName: z.string().max(256).default('Passkey'),
  CreatedAt: time.optional(),
  LastUsedAt: time.optional(),
})

/** An account at an identity provider that the user signs in with. */
const identity = z.strictObject({
  ProviderName: z.string().min(1).max(32),
  ProviderType: z.enum(['OIDC', 'Google']),
  Issuer: z.string().min(1).max(2048),
  UserId: z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be a subject'),
  Primary: z.boolean().default(false),
  LinkedAt: time,
})

export const importRow = z.strictObject({
  /** May be left out where the user pool signs in by address, and the address is an attribute. */
  Username: z.string().min(1).max(256).optional(),
  /** Kept as `sub`; else there is a new one. */
  Sub: z
    .string()
    .regex(/^[\w-]{1,128}$/, 'must be letters, digits, - and _')
    .optional(),
  UserStatus: z
    .enum(['CONFIRMED', 'UNCONFIRMED', 'FORCE_CHANGE_PASSWORD', 'RESET_REQUIRED', 'EXTERNAL_PROVIDER'], {
      error: 'must be CONFIRMED, UNCONFIRMED, FORCE_CHANGE_PASSWORD, RESET_REQUIRED or EXTERNAL_PROVIDER',
    })
    .optional(),
  Enabled: z.boolean().default(true),
  Attributes: attributes.default({}),
  PasswordHash: text.optional(),
  TemporaryPasswordExpiresAt: time.optional(),
  Groups: z.array(z.string().min(1).max(128)).max(100).default([]),
  UserMFASettingList: z.array(z.enum(mfaTypes)).optional(),
  PreferredMfaSetting: z.enum(mfaTypes).optional(),
  SoftwareTokens: z.array(softwareToken).max(5).default([]),
  Passkeys: z.array(passkey).max(20).default([]),
  Identities: z.array(identity).max(maximumIdentities).default([]),
  UserCreateDate: time.optional(),
  UserLastModifiedDate: time.optional(),
})

/** As it is written. */
export type ImportRow = z.input<typeof importRow>
/** As it is read. */
export type CheckedRow = z.output<typeof importRow>

/** What is wrong with a row, without its values: they may be secrets. */
export const rowProblem = (issues: readonly z.core.$ZodIssue[]): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ')
