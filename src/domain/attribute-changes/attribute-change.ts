import type { VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { CodePurpose } from '../verification-codes/verification-code.ts'

/** A new address of a user that waits for its code; until then the former one stays in force (threat row A7). */
export interface AttributeChange {
  userPoolId: string
  userSub: string
  attribute: VerifiableAttribute
  value: string
  expiresAt: Date
}

/** As long as the code that goes to the new address. */
export const changeSeconds = 24 * 3600

/** The code that proves an address that its user set or is about to set. */
export const verificationPurpose: Readonly<Record<VerifiableAttribute, CodePurpose>> = {
  email: 'verify_email',
  phone_number: 'verify_phone_number',
}
