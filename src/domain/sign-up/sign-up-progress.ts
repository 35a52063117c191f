import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'

/**
 * Whether somebody has followed the link of a sign-up meanwhile.
 * @param userSub absent for a decoy, which waits for ever, as the sign-up of an address that is never confirmed does
 */
export async function signUpProgress(
  services: Pick<DomainServices, 'store'>,
  userPool: UserPool,
  userSub: string | undefined,
): Promise<'waiting' | 'confirmed' | 'replaced'> {
  if (userSub === undefined) return 'waiting'
  const user = await services.store.users.findBySub(userPool.id, userSub)
  if (user === undefined) return 'replaced'
  return user.status === 'UNCONFIRMED' ? 'waiting' : 'confirmed'
}
