import type { Identity } from '../identity-providers/identity-provider.ts'
import type { MfaType } from '../mfa/mfa-type.ts'

/** Cognito's UserStatus. */
export type UserStatus =
  | 'UNCONFIRMED'
  | 'CONFIRMED'
  | 'FORCE_CHANGE_PASSWORD'
  | 'RESET_REQUIRED'
  | 'EXTERNAL_PROVIDER'
  | 'ARCHIVED'
  | 'COMPROMISED'
  | 'UNKNOWN'

/** Attribute values by name, all strings as Cognito stores them; custom ones under `custom:`. `sub` is not among them. */
export type UserAttributes = Readonly<Record<string, string>>

export interface User {
  userPoolId: string
  /** The only key that never changes; also the `sub` claim. */
  sub: string
  /** As typed; equals `sub` in pools that sign in by address. */
  username: string
  status: UserStatus
  enabled: boolean
  attributes: UserAttributes
  /** A PHC string; absent: no password can sign in. */
  passwordHash?: string
  /** When a temporary password stops working. */
  temporaryPasswordExpiresAt?: Date
  /** Tokens and sessions that began before this are dead (GlobalSignOut). */
  signedOutAt?: Date
  /** Second factors that the user has chosen, in their order (Cognito: UserMFASettingList); absent: none. */
  mfaTypes?: readonly MfaType[]
  /** Asked for without a choice (Cognito: PreferredMfaSetting). */
  preferredMfa?: MfaType
  hasPasskeys?: boolean
  /** Accounts at identity providers that this user signs in with; absent: none. */
  identities?: readonly Identity[]
  createdAt: Date
  updatedAt: Date
}

export interface Group {
  userPoolId: string
  name: string
  description?: string
  /** 0 is strongest. */
  precedence?: number
  roleArn?: string
}
