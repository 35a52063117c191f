import { forgetBrowsers } from '../devices/forget-devices.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { signOutTime } from '../sign-in/sign-in-time.ts'
import { changedAttributes, leftBehind } from '../sign-up/left-behind.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { claimAddress, claimPreferredUsername, releaseUnproved } from '../users/claim-sign-in-names.ts'
import type { User } from '../users/user.ts'

/* What a forgotten password ends with, whether a code or a link has proved the mailbox. Within one transaction. */

export type AttributeChanges = Readonly<Record<string, string | null>>

/** Who reads what is sent to the address. */
interface AddressProof {
  attribute: VerifiableAttribute
  destination: string
}

/**
 * The address in force is proved, unless it is another user's name by now. What waits to take its place, and all that a
 * sign-up said beside it, may be somebody else's doing: it is dropped (threat row A1).
 */
export async function proveAddress(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  proof: AddressProof,
): Promise<AttributeChanges | undefined> {
  const { attribute } = proof
  if (user.attributes[attribute] !== proof.destination) return undefined
  await tx.attributeChanges.delete(userPool.id, user.sub)
  const verified = (await claimAddress(tx, userPool, user, proof)) ? { [`${attribute}_verified`]: 'true' } : {}
  if (user.status !== 'UNCONFIRMED') return verified
  await releaseUnproved(tx, userPool, user, attribute)
  return { ...leftBehind(userPool, user, attribute), ...verified }
}

/** Whatever was signed in before ends with it (threat row A1), and nothing waits for another code. */
export async function setForgottenPassword(
  services: DomainServices,
  tx: Repositories,
  userPool: UserPool,
  user: User,
  attributes: AttributeChanges,
  passwordHash: string,
  at: Date,
): Promise<{ kind: 'done'; user: User; authTime: Date }> {
  const confirmed: User = {
    ...user,
    status: 'CONFIRMED',
    attributes: changedAttributes(user.attributes, attributes),
  }
  await claimPreferredUsername(tx, userPool, confirmed)
  const signedOutAt = signOutTime(user, at)
  const change = {
    status: 'CONFIRMED',
    attributes,
    passwordHash,
    temporaryPasswordExpiresAt: null,
    signedOutAt,
  } as const
  await tx.users.update(userPool.id, user.sub, change, at)
  await tx.browserSessions.deleteOfUser(userPool.id, user.sub)
  await forgetBrowsers(tx, userPool.id, user.sub)
  await tx.grants.revokeOfUser(userPool.id, user.sub, at)
  await notifyOwner(services, tx, confirmed, 'passwordChanged')
  return { kind: 'done', user: confirmed, authTime: signedOutAt }
}
