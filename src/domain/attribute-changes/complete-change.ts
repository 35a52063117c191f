import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { claimAddress } from '../users/claim-sign-in-names.ts'
import type { User } from '../users/user.ts'

/**
 * Puts an address that has just been proved in the place of the former one, as attribute and as sign-in name; nothing
 * waits for this attribute any more.
 * @returns what changed of the attributes; undefined when the address is another user's sign-in name by now
 */
export async function completeChange(
  tx: Pick<Repositories, 'users' | 'attributeChanges'>,
  userPool: UserPool,
  user: User,
  proof: { attribute: VerifiableAttribute; destination: string },
  at: Date,
): Promise<Record<string, string> | undefined> {
  const { attribute, destination } = proof
  if (!(await claimAddress(tx, userPool, user, proof))) return undefined
  const attributes = { [attribute]: destination, [`${attribute}_verified`]: 'true' }
  await tx.users.update(userPool.id, user.sub, { attributes }, at)
  await tx.attributeChanges.delete(userPool.id, user.sub, attribute)
  return attributes
}
