import { levelOf } from '../assurance/levels.ts'
import type { AssuranceLevel } from '../assurance/levels.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { amrOf, attributeOf, isCodeMfaType, isMessaged } from './mfa-type.ts'
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

/**
 * The same for a sign-in of which something has been proved: what was the first factor is no second one. Where nothing else is
 * left they stay, since asking twice is better than not at all.
 * @param amr what has been proved so far
 * @param asked the level of assurance that a request asks for: only what leads there counts, and whatever the user has
 */
export function mfaTypesAfter(
  userPool: UserPool,
  user: User,
  amr: readonly string[],
  asked: AssuranceLevel = 0,
): readonly MfaType[] {
  const leading = asked > levelOf(amr) ? typesLeadingTo(userPool, user, amr, asked) : []
  if (leading.length > 0) return leading
  const usable = usableMfaTypes(userPool, user)
  const others = usable.filter((type) => !isCodeMfaType(type) || !amr.includes(amrOf[type]))
  return others.length > 0 ? others : usable
}

/** Also an address that is proved, and was not chosen as a factor: nobody is asked for it but for this request. */
function typesLeadingTo(
  userPool: UserPool,
  user: User,
  amr: readonly string[],
  asked: AssuranceLevel,
): readonly MfaType[] {
  const usable = usableMfaTypes(userPool, user)
  const has = userPool.mfaConfiguration === 'OFF' ? [] : userPool.mfaTypes.filter((type) => isReady(user, type))
  return [...new Set([...usable, ...has])].filter((type) => {
    // Which kind of passkey it will be makes no difference to the level.
    const proof = isCodeMfaType(type) ? amrOf[type] : 'swk'
    return !amr.includes(proof) && levelOf([...amr, proof]) >= asked
  })
}

const isReady = (user: User, type: MfaType): boolean => type !== 'SOFTWARE_TOKEN_MFA' && canReceive(user, type)

/** Whether the user has second factors, all of which are what the first one was. */
export function needsOtherFirstFactor(userPool: UserPool, user: User, amr: readonly string[]): boolean {
  const usable = usableMfaTypes(userPool, user)
  return usable.length > 0 && usable.every((type) => isCodeMfaType(type) && amr.includes(amrOf[type]))
}

/** Cognito's MFAS_CAN_SETUP: what a user who has none can set up now. */
export const mfaTypesToSetUp = (userPool: UserPool, user: User): readonly CodeMfaType[] =>
  userPool.mfaTypes.filter(isCodeMfaType).filter((type) => type !== 'EMAIL_OTP' || canReceive(user, type))
