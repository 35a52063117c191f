import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { attributeOf, isCodeMfaType, isMessaged } from './mfa-type.ts'
import type { CodeMfaType, MfaType } from './mfa-type.ts'

/* Which second factors count for a user at this moment. Pure: same input, same answer. */

/** A factor that needs something of the user's has it. An address that is not proved yet gets no codes: it may be somebody else's. */
export function canReceive(user: Pick<User, 'attributes' | 'hasPasskeys'>, type: MfaType): boolean {
  if (type === 'WEB_AUTHN') return user.hasPasskeys === true
  if (!isMessaged(type)) return true
  const attribute = attributeOf[type]
  return user.attributes[attribute] !== undefined && user.attributes[`${attribute}_verified`] === 'true'
}

/**
 * Those that the user can answer, in their own order, the preferred one first. Where the pool insists on a second factor
 * and the user has chosen none, a passkey is one, and a proved address of a kind that the pool sends codes to, as Cognito
 * has it. A passkey also stands beside what was chosen.
 */
export function usableMfaTypes(userPool: UserPool, user: User): readonly MfaType[] {
  if (userPool.mfaConfiguration === 'OFF') return []
  const isUsable = (type: MfaType): boolean => userPool.mfaTypes.includes(type) && canReceive(user, type)
  const chosen = (user.mfaTypes ?? []).filter(isUsable)
  if (chosen.length > 0) {
    if (!chosen.includes('WEB_AUTHN') && isUsable('WEB_AUTHN')) chosen.push('WEB_AUTHN')
    const preferred = chosen.filter((type) => type === user.preferredMfa)
    return [...preferred, ...chosen.filter((type) => type !== user.preferredMfa)]
  }
  if (userPool.mfaConfiguration !== 'ON') return []
  return userPool.mfaTypes.filter((type) => type !== 'SOFTWARE_TOKEN_MFA' && canReceive(user, type))
}

/** Cognito's MFAS_CAN_SETUP: what a user who has none can set up now. */
export const mfaTypesToSetUp = (userPool: UserPool, user: User): readonly CodeMfaType[] =>
  userPool.mfaTypes.filter(isCodeMfaType).filter((type) => type !== 'EMAIL_OTP' || canReceive(user, type))
