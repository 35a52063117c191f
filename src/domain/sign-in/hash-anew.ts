import { OverloadedError } from '../../security/overloaded-error.ts'
import type { DomainServices } from '../ports/services.ts'
import type { User } from '../users/user.ts'

/** Puts a hash of ours in place of an imported one, now that the password is known. With too much to do it waits for the next time. */
export async function hashAnew(services: DomainServices, user: User, password: string): Promise<User> {
  const { passwordHash: before } = user
  const passwordHash = await services.passwordHasher.hash(password).catch((error: unknown) => {
    if (error instanceof OverloadedError) return undefined
    throw error
  })
  if (before === undefined || passwordHash === undefined) return user
  const replaced = await services.store.users.replacePasswordHash(user.userPoolId, user.sub, before, passwordHash)
  return replaced ? { ...user, passwordHash } : user
}
