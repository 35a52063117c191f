/** Cognito's names of second factors (UserMFASettingList), as far as the pages know them. */
export const mfaTypes = ['SOFTWARE_TOKEN_MFA', 'SMS_MFA', 'EMAIL_OTP', 'WEB_AUTHN'] as const

export type MfaType = (typeof mfaTypes)[number]

/** Those that are answered with a code: all but a passkey. */
export type CodeMfaType = Exclude<MfaType, 'WEB_AUTHN'>

export const isCodeMfaType = (name: string): name is CodeMfaType => isMfaType(name) && name !== 'WEB_AUTHN'

export const isMfaType = (name: string): name is MfaType => (mfaTypes as readonly string[]).includes(name)

/** What a proved factor adds to `amr`: Cognito's words, RFC 8176's where those are the same. */
export const amrOf: Readonly<Record<CodeMfaType, string>> = {
  SOFTWARE_TOKEN_MFA: 'otp',
  SMS_MFA: 'sms',
  EMAIL_OTP: 'email_otp',
}

/** Two factors have been proved (RFC 8176). */
export const multipleFactors = 'mfa'

/** The attribute to whose address the code of a factor goes; none for an app that makes its own. */
export const attributeOf = { SMS_MFA: 'phone_number', EMAIL_OTP: 'email' } as const satisfies Partial<
  Record<MfaType, 'email' | 'phone_number'>
>

export type MessagedMfaType = keyof typeof attributeOf

export const isMessaged = (type: MfaType): type is MessagedMfaType => type in attributeOf
