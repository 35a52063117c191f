import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { aliasLikeness, lookupKey } from './sign-in-name.ts'
import type { User } from './user.ts'

/**
 * Makes an address that has just been proved a sign-in name, where the pool signs in by such addresses.
 * @returns false when it is another user's
 */
export async function claimAddress(
  tx: Pick<Repositories, 'users'>,
  userPool: UserPool,
  user: Pick<User, 'sub'>,
  proved: { attribute: VerifiableAttribute; destination: string },
): Promise<boolean> {
  const { attribute, destination } = proved
  const signsIn = userPool.aliasAttributes.includes(attribute) || userPool.usernameAttributes.includes(attribute)
  if (!signsIn) return true
  const key = lookupKey(userPool, destination)
  return tx.users.claimIdentifier(userPool.id, user.sub, { kind: attribute, key })
}

/**
 * A sign-up is found by the address that it was made with. Once the other one is proved, that is a name only when it is
 * proved too: it may be somebody else's (threat row A1).
 */
export async function releaseUnproved(
  tx: Pick<Repositories, 'users'>,
  userPool: UserPool,
  user: Pick<User, 'sub' | 'attributes'>,
  proved: VerifiableAttribute,
): Promise<void> {
  if (!userPool.usernameAttributes.includes(proved)) return
  for (const kind of userPool.usernameAttributes) {
    const value = user.attributes[kind]
    if (kind === proved || value === undefined || user.attributes[`${kind}_verified`] === 'true') continue
    await tx.users.releaseIdentifier(userPool.id, user.sub, { kind, key: lookupKey(userPool, value) })
  }
}

/**
 * Cognito: preferred_username is an alias from confirmation on. One already taken, or that looks like an address by which
 * somebody else may sign in, stays an attribute only.
 */
export async function claimPreferredUsername(
  tx: Pick<Repositories, 'users'>,
  userPool: UserPool,
  user: Pick<User, 'sub' | 'attributes'>,
): Promise<void> {
  const preferred = user.attributes['preferred_username']
  if (preferred === undefined || !userPool.aliasAttributes.includes('preferred_username')) return
  if (aliasLikeness(userPool, preferred) !== undefined) return
  const key = lookupKey(userPool, preferred)
  await tx.users.claimIdentifier(userPool.id, user.sub, { kind: 'preferred_username', key })
}
