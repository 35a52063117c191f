import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'

/**
 * Where a reset code goes, by the pool's priorities (AccountRecoverySetting). A verified address always serves. One not
 * yet verified serves as long as the account has never been anybody's: receiving the code there is what would have
 * confirmed it, so a forgotten password strands nobody before confirmation or first sign-in. Whoever signs in elsewhere
 * has no password here to forget.
 */
export function recoveryChannel(userPool: UserPool, user: User): VerifiableAttribute | undefined {
  if (user.status === 'EXTERNAL_PROVIDER' || user.status === 'ARCHIVED') return undefined
  const neverUsed = user.status === 'UNCONFIRMED' || user.status === 'FORCE_CHANGE_PASSWORD'
  return recoveryAttributes(userPool).find(
    (name) => user.attributes[name] !== undefined && (neverUsed || user.attributes[`${name}_verified`] === 'true'),
  )
}

/** The addresses that reset codes may go to at all, first choice first. */
export const recoveryAttributes = (userPool: UserPool): readonly VerifiableAttribute[] =>
  userPool.recoveryMechanisms.flatMap((mechanism): VerifiableAttribute[] => {
    if (mechanism === 'verified_email') return ['email']
    return mechanism === 'verified_phone_number' ? ['phone_number'] : []
  })
