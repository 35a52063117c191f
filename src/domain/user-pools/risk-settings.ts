import { z } from 'zod'

/** Cognito's SetRiskConfiguration, as far as it is acted on; `WARN` is ours. */
export const compromisedCredentialsSchema = z
  .strictObject({
    /** Kept, and not acted on: see decision 22. */
    EventFilter: z.array(z.enum(['SIGN_IN', 'PASSWORD_CHANGE', 'SIGN_UP'])).optional(),
    Actions: z.strictObject({ EventAction: z.enum(['BLOCK', 'WARN', 'NO_ACTION']) }),
  })
  .prefault({ Actions: { EventAction: 'BLOCK' } })

/** What becomes of a password that is known from breaches. */
export const breachedPasswordActions = { BLOCK: 'refuse', WARN: 'warn', NO_ACTION: 'take' } as const
