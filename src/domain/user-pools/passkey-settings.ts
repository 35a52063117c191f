import { z } from 'zod'
import type { PasskeySettings } from '../passkeys/passkey.ts'

/* Cognito's WebAuthnConfiguration (SetUserPoolMfaConfig) and SignInPolicy. */

const hostName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

export const webAuthnConfiguration = z
  .strictObject({
    RelyingPartyId: z.string().regex(hostName, 'must be a host name in lower case, such as example.com').optional(),
    UserVerification: z.enum(['preferred', 'required']).default('preferred'),
    FactorConfiguration: z.enum(['SINGLE_FACTOR', 'MULTI_FACTOR_WITH_USER_VERIFICATION']).default('SINGLE_FACTOR'),
  })
  .optional()

export const signInPolicy = z
  .strictObject({
    AllowedFirstAuthFactors: z
      .array(z.enum(['PASSWORD', 'EMAIL_OTP', 'SMS_OTP', 'WEB_AUTHN']))
      .min(1)
      .max(4)
      .refine((factors) => factors.includes('PASSWORD'), 'must have PASSWORD among them')
      .default(['PASSWORD']),
  })
  .prefault({})

export const passkeySettingsOf = (written: z.output<typeof webAuthnConfiguration>): PasskeySettings => ({
  ...(written?.RelyingPartyId === undefined ? {} : { relyingPartyId: written.RelyingPartyId }),
  requiresUserVerification: written?.UserVerification === 'required',
  countsAsTwoFactors: written?.FactorConfiguration === 'MULTI_FACTOR_WITH_USER_VERIFICATION',
})
