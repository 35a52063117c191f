import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'

/** Whether somebody has followed the link of a sign-up meanwhile. */
export async function signUpProgress(
  services: Pick<DomainServices, 'store'>,
  userPool: UserPool,
  userSub: string,
): Promise<'waiting' | 'confirmed' | 'replaced'> {
  const user = await services.store.users.findBySub(userPool.id, userSub)
  if (user === undefined) return 'replaced'
  return user.status === 'UNCONFIRMED' ? 'waiting' : 'confirmed'
}
