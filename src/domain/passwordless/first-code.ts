import type { AppClient } from '../app-clients/app-client.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'

/** Cognito's EMAIL_OTP and SMS_OTP of USER_AUTH: a code in place of a password. */
export const firstCodes = ['EMAIL_OTP', 'SMS_OTP'] as const

export type FirstCode = (typeof firstCodes)[number]

export const isFirstCode = (name: string): name is FirstCode => (firstCodes as readonly string[]).includes(name)

/** To which address of the user it goes, and what its proof adds to `amr`. */
export const firstCodeParts: Readonly<Record<FirstCode, { attribute: VerifiableAttribute; amr: string }>> = {
  EMAIL_OTP: { attribute: 'email', amr: 'email_otp' },
  SMS_OTP: { attribute: 'phone_number', amr: 'sms' },
}

/** Those that people may begin with at this app client (AllowedFirstAuthFactors, ALLOW_USER_AUTH). */
export const offeredFirstCodes = (userPool: UserPool, { explicitAuthFlows }: AppClient): readonly FirstCode[] =>
  explicitAuthFlows.includes('ALLOW_USER_AUTH')
    ? firstCodes.filter((factor) => userPool.firstFactors.includes(factor))
    : []

/**
 * Whether a code may stand for this user: one that is confirmed, at an address that is proved. Before that the account may be
 * somebody else's who typed this address (threat rows A1, A7); a temporary password has to be replaced by whoever got it.
 */
export const mayBeginWith = (user: User, factor: FirstCode): boolean => {
  const { attribute } = firstCodeParts[factor]
  const isProved = user.attributes[`${attribute}_verified`] === 'true' && user.attributes[attribute] !== undefined
  return user.enabled && user.status === 'CONFIRMED' && isProved
}
