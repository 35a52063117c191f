import { z } from 'zod'
import type { MfaType } from '../mfa/mfa-type.ts'
import { passkeySettingsOf } from './passkey-settings.ts'
import type { webAuthnConfiguration } from './passkey-settings.ts'

/* Cognito's SetUserPoolMfaConfig, whose members stand beside those of the user pool. */

const codeMessage = z.string().min(6).max(20_000).includes('{####}')

export const mfaSettings = {
  MfaConfiguration: z.enum(['OFF', 'OPTIONAL', 'ON']).default('OFF'),
  SoftwareTokenMfaConfiguration: z.strictObject({ Enabled: z.boolean().default(false) }).optional(),
  SmsMfaConfiguration: z
    .strictObject({
      SmsAuthenticationMessage: codeMessage.max(140).optional(),
      SmsConfiguration: z.unknown().optional(),
    })
    .optional(),
  EmailMfaConfiguration: z
    .strictObject({ Message: codeMessage.optional(), Subject: z.string().min(1).max(140).optional() })
    .optional(),
  SmsAuthenticationMessage: codeMessage.max(140).optional(),
}

type MfaSettings = z.output<z.ZodObject<typeof mfaSettings>> & {
  WebAuthnConfiguration?: z.output<typeof webAuthnConfiguration>
}

/**
 * The kinds of second factor that count: those that are named, and authenticator apps where none is. Passkeys stand beside
 * others, never alone: somebody whose passkeys are of another device or domain must have a way in.
 */
export function mfaTypesOf(settings: MfaSettings): readonly MfaType[] {
  const { SoftwareTokenMfaConfiguration: app, SmsMfaConfiguration: sms, EmailMfaConfiguration: email } = settings
  const isNamed = app !== undefined || sms !== undefined || email !== undefined
  return [
    ...(app?.Enabled === true || !isNamed ? (['SOFTWARE_TOKEN_MFA'] as const) : []),
    ...(sms === undefined ? [] : (['SMS_MFA'] as const)),
    ...(email === undefined ? [] : (['EMAIL_OTP'] as const)),
    ...(passkeySettingsOf(settings.WebAuthnConfiguration).countsAsTwoFactors ? (['WEB_AUTHN'] as const) : []),
  ]
}

/** The pool's own texts of messages with a code, if it has any. */
export function mfaMessagesOf(settings: MfaSettings): {
  mfaSubject?: string
  mfaMessage?: string
  mfaSmsMessage?: string
} {
  const { Subject: subject, Message: message } = settings.EmailMfaConfiguration ?? {}
  const sms = settings.SmsMfaConfiguration?.SmsAuthenticationMessage ?? settings.SmsAuthenticationMessage
  return {
    ...(subject === undefined ? {} : { mfaSubject: subject }),
    ...(message === undefined ? {} : { mfaMessage: message }),
    ...(sms === undefined ? {} : { mfaSmsMessage: sms }),
  }
}
