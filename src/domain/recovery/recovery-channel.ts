import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { attributeToVerify } from '../sign-up/attribute-to-verify.ts'
import type { User } from '../users/user.ts'

/**
 * Where a reset code goes, by the pool's priorities (AccountRecoverySetting). A verified address always serves. One not
 * yet verified serves as long as the account has never been anybody's, so a forgotten password strands nobody before
 * confirmation or first sign-in: of a sign-up only the one whose code would have confirmed it, or a stranger's second
 * address would take it over (threat row A1), and nobody would wait for an administrator. Whoever signs in elsewhere has
 * no password here to forget.
 */
export async function recoveryChannel(
  tx: Pick<Repositories, 'users'>,
  userPool: UserPool,
  user: User,
): Promise<VerifiableAttribute | undefined> {
  if (user.status === 'EXTERNAL_PROVIDER' || user.status === 'ARCHIVED') return undefined
  const confirming = user.status === 'UNCONFIRMED' ? await attributeToVerify(tx, userPool, user) : undefined
  const serves = (name: VerifiableAttribute): boolean =>
    user.status === 'FORCE_CHANGE_PASSWORD' || name === confirming || user.attributes[`${name}_verified`] === 'true'
  return recoveryAttributes(userPool).find((name) => user.attributes[name] !== undefined && serves(name))
}

/** The addresses that reset codes may go to at all, first choice first. */
export const recoveryAttributes = (userPool: UserPool): readonly VerifiableAttribute[] =>
  userPool.recoveryMechanisms.flatMap((mechanism): VerifiableAttribute[] => {
    if (mechanism === 'verified_email') return ['email']
    return mechanism === 'verified_phone_number' ? ['phone_number'] : []
  })
