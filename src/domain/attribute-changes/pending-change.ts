import type { Repositories } from '../ports/store.ts'
import type { VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { AttributeChange } from './attribute-change.ts'

/** The address that waits to take the place of the user's own, if any. */
export async function pendingChange(
  tx: Pick<Repositories, 'attributeChanges'>,
  user: Pick<User, 'userPoolId' | 'sub'>,
  attribute: VerifiableAttribute,
  at: Date,
): Promise<AttributeChange | undefined> {
  const changes = await tx.attributeChanges.ofUser(user.userPoolId, user.sub, at)
  return changes.find((change) => change.attribute === attribute)
}
