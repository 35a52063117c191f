import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { attributeOf, isMessaged } from './mfa-type.ts'
import type { MfaType } from './mfa-type.ts'

/* Which second factors count for a user at this moment. Pure: same input, same answer. */

/** An address that is not proved yet gets no codes: it may be somebody else's. */
export function canReceive(user: Pick<User, 'attributes'>, type: MfaType): boolean {
  if (!isMessaged(type)) return true
  const attribute = attributeOf[type]
  return user.attributes[attribute] !== undefined && user.attributes[`${attribute}_verified`] === 'true'
}

/**
 * Those that the user can answer, in their own order, the preferred one first. Where the pool insists on a second factor
 * and the user has chosen none, a proved address of a kind that the pool sends codes to is one, as Cognito has it.
 */
export function usableMfaTypes(userPool: UserPool, user: User): readonly MfaType[] {
  if (userPool.mfaConfiguration === 'OFF') return []
  const isUsable = (type: MfaType): boolean => userPool.mfaTypes.includes(type) && canReceive(user, type)
  const chosen = (user.mfaTypes ?? []).filter(isUsable)
  if (chosen.length > 0) {
    const preferred = chosen.filter((type) => type === user.preferredMfa)
    return [...preferred, ...chosen.filter((type) => type !== user.preferredMfa)]
  }
  if (userPool.mfaConfiguration !== 'ON') return []
  return userPool.mfaTypes.filter((type) => isMessaged(type) && canReceive(user, type))
}

/** Cognito's MFAS_CAN_SETUP: what a user who has none can set up now. */
export const mfaTypesToSetUp = (userPool: UserPool, user: User): readonly MfaType[] =>
  userPool.mfaTypes.filter((type) => type !== 'EMAIL_OTP' || canReceive(user, type))
