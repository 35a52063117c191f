import { addSeconds } from '../../platform/clock.ts'
import type { Repositories } from '../ports/store.ts'
import type { VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { changeSeconds } from './attribute-change.ts'
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

/**
 * The same for a forgotten password. One that was asked for before a sign-out everywhere, or another password, does not
 * serve: whoever asked may be who was shut out by it (threat row A1). With its code alone they could not finish any more.
 */
export async function recoveringChange(
  tx: Pick<Repositories, 'attributeChanges'>,
  user: Pick<User, 'userPoolId' | 'sub' | 'signedOutAt'>,
  attribute: VerifiableAttribute,
  at: Date,
): Promise<AttributeChange | undefined> {
  const pending = await pendingChange(tx, user, attribute, at)
  if (pending === undefined || user.signedOutAt === undefined) return pending
  return addSeconds(pending.expiresAt, -changeSeconds) < user.signedOutAt ? undefined : pending
}
