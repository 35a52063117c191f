import type { NoticeSubject } from '../notices/notice.ts'

/** What an e-mail tells of; each has a template under `views/emails`. */
export type MessageKind =
  | 'verification'
  | 'verificationLink'
  | 'reset'
  | 'signInCode'
  | 'mfaCode'
  | 'addressVerification'
  | 'addressChanging'
  | 'addressChanged'
  | 'accountExists'
  | 'invitation'
  | 'notice'

/** Texts of a pool in Cognito's own form (`{####}` and `{username}` are filled in). */
export interface MessageTemplateOverrides {
  verificationSubject?: string
  verificationMessage?: string
  /** As above; `{##text##}` becomes the link. */
  linkSubject?: string
  linkMessage?: string
  /** Of a code that is a second factor (Cognito: EmailMfaConfiguration, SmsAuthenticationMessage). */
  mfaSubject?: string
  mfaMessage?: string
  mfaSmsMessage?: string
}

/** A message to be delivered; written in the same transaction as what it tells of (design decision 14). */
export interface OutgoingMessage {
  kind: MessageKind
  userPoolId: string
  medium: 'EMAIL' | 'SMS'
  /** The bare address. */
  recipient: string
  /** BCP 47 tags, best first. */
  languages: readonly string[]
  username: string
  /** In whose sign-in or account page it was made. */
  clientId?: string
  /** Verification or reset code, or temporary password. */
  code?: string
  validForMinutes?: number
  /** Of a notice: what has happened, when (ISO 8601), and from which address. */
  about?: NoticeSubject
  happenedAt?: string
  from?: string
  /** Where the message leads; built from configured origins only (threat row E1). */
  link?: string
  /** It reaches nobody, and is worked on like any other: no time tells who has an account (threat row B14). */
  forNobody?: true
  /** For whom, and at what, triggers are asked; absent: it is none of Cognito's messages. */
  trigger?: { source: MessageSource; userSub: string; clientId?: string }
}

/** What follows `CustomMessage_`. */
export const customMessageSources = [
  'SignUp',
  'ResendCode',
  'ForgotPassword',
  'UpdateUserAttribute',
  'VerifyUserAttribute',
  'Authentication',
  'AdminCreateUser',
] as const

export type CustomMessageSource = (typeof customMessageSources)[number]

/** What follows `CustomEmailSender_`: CustomMessage is not asked for the last, whose words are a notice's. */
export const messageSources = [...customMessageSources, 'AccountTakeOverNotification'] as const

export type MessageSource = (typeof messageSources)[number]
