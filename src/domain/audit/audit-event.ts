import type { SealedBox } from '../../security/sealed-box.ts'

/**
 * What can be told. The first five are Cognito's (AdminListUserAuthEvents), the others ours in the same style; what an
 * operator or the configuration does begins with the thing that it is done to.
 */
export const auditEventTypes = [
  'SignIn',
  'SignUp',
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
  'ResendCode',
  'ConfirmSignUp',
  'AttributeChange',
  'AttributeChangeCancel',
  'VerifyAttribute',
  'Consent',
  'ConsentWithdraw',
  'TokenIssue',
  'TokenRefresh',
  'TokenReuse',
  'TokenRevoke',
  'SignOut',
  'GlobalSignOut',
  'ClientAuthentication',
  'UserCreate',
  'UserConfirm',
  'UserEnable',
  'UserDisable',
  'UserSetPassword',
  'UserUpdate',
  'UserAddToGroup',
  'UserDelete',
  'UserExport',
  'UserImport',
  'GroupCreate',
  'GroupUpdate',
  'AppClientCreate',
  'AppClientUpdate',
  'AppClientDelete',
  'AppClientSecretAdd',
  'AppClientSecretReplace',
  'AppClientSecretDelete',
  'ResourceServerCreate',
  'ResourceServerUpdate',
  'ResourceServerDelete',
  'UserPoolCreate',
  'UserPoolUpdate',
  'UserPoolSignOut',
  'UserPoolDelete',
  'KeyRotation',
  'MessageRetry',
] as const

export type AuditEventType = (typeof auditEventTypes)[number]

/** Cognito's EventResponseType. `InProgress`: more is asked for before it is done. */
export type AuditResponse = 'Pass' | 'Fail' | 'InProgress'

/** `user`: somebody at a browser or program; `operator`: the command line; `server`: what it does by itself. */
export type AuditActor = 'user' | 'operator' | 'server'

/** Who did what from where with what outcome. Never what was typed, no address of a user, no value of an attribute. */
export interface AuditEvent {
  id: string
  userPoolId: string
  at: Date
  eventType: AuditEventType
  response: AuditResponse
  /** Why not, in the words of the domain's refusals: the true reason, whatever a page may tell. */
  reason?: string
  /** Whom it is about: the `sub` of a user, or `name:` and a keyed digest of a name that nobody had. */
  subject?: string
  clientId?: string
  actor: AuditActor
  /** The operator's account on the machine. */
  operator?: string
  address?: string
  userAgent?: string
  /** As in the log, and on error pages. */
  requestId?: string
  /** A JSON object: names of things, never their values. */
  detail?: string
}

/** As stored: with its digest, keyed by the server's secret. */
export interface SealedAuditEvent extends AuditEvent {
  digest: string
}

/** In its place in the trail of its user pool. */
export interface LinkedAuditEvent extends SealedAuditEvent {
  /** 1, 2, 3 and so on, without gaps. */
  sequence: number
}

/** Every member, in one order for ever: a row whose columns say anything else has another digest. */
export function eventDigest(sealedBox: Pick<SealedBox, 'digest'>, event: AuditEvent): string {
  const members: (keyof AuditEvent)[] = [
    ...(['id', 'userPoolId', 'eventType', 'response', 'reason', 'subject', 'clientId'] as const),
    ...(['actor', 'operator', 'address', 'userAgent', 'requestId', 'detail'] as const),
  ]
  const values = members.map((member) => event[member] ?? null)
  return sealedBox.digest(JSON.stringify([event.at.toISOString(), ...values]), 'audit event')
}

/** What stands for a name that nobody has: people type passwords into the field for it. */
export const unknownSubject = (sealedBox: Pick<SealedBox, 'digest'>, userPoolId: string, nameKey: string): string =>
  `name:${sealedBox.digest(`${userPoolId}\n${nameKey}`, 'audit name')}`
