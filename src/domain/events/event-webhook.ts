import type { AuditEventType, AuditResponse } from '../audit/audit-event.ts'

/** A receiver of a user pool's events. */
export interface EventWebhook {
  /** Unique in its pool: under it stands how far it has been told. */
  name: string
  url: string
  sealedSecrets: readonly string[]
  allowPrivateAddresses: boolean
  /** Of one attempt. */
  timeoutMs: number
  types: readonly AuditEventType[]
  outcomes: readonly AuditResponse[]
}

/** How far a receiver has been told. */
export interface EventDelivery {
  userPoolId: string
  name: string
  /** Of the last event that it has, or need not have: its number in the audit trail. */
  sequence: number
  /** Times that the next one was tried. */
  attempts: number
  /** Events that the receiver would not take, and that were passed over. */
  skipped: number
  nextAt: Date
  deliveredAt?: Date
  lastError?: string
}

/** What a receiver is told without being asked: what befalls people and their accounts. */
export const usualEventTypes: readonly AuditEventType[] = [
  'SignUp',
  'ConfirmSignUp',
  'SignIn',
  'SignOut',
  'GlobalSignOut',
  'ForgotPassword',
  'PasswordChange',
  'MfaSetUp',
  'MfaReset',
  'RecoveryCodesCreate',
  'PasskeyAdd',
  'PasskeyRemove',
  'DeviceRemember',
  'DeviceForget',
  'IdentityLink',
  'IdentityUnlink',
  'AttributeChange',
  'VerifyAttribute',
  'Consent',
  'ConsentWithdraw',
  'UserCreate',
  'UserConfirm',
  'UserEnable',
  'UserDisable',
  'UserSetPassword',
  'UserUpdate',
  'UserAddToGroup',
  'UserDelete',
]
