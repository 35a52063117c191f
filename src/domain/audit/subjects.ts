import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { findUser } from '../users/administer-user.ts'
import { lookupKey, nameToSignInWith } from '../users/sign-in-name.ts'
import { unknownSubject } from './audit-event.ts'
import type { AuditEvent } from './audit-event.ts'

/**
 * Every subject under which a trail may know whom somebody names: a `sub`, the user who has this name now, and the name while it
 * was nobody's.
 */
export async function subjectsOf(
  services: DomainServices,
  userPool: UserPool,
  name: string,
): Promise<readonly string[]> {
  // PostgreSQL takes no NUL in a text.
  if (name.includes('\0')) return []
  const user = await findUser(services, userPool, name)
  const unknown = unknownSubject(services.sealedBox, userPool.id, lookupKey(userPool, name))
  return [name, ...(user === undefined ? [] : [user.sub]), unknown]
}

/** What the users of these events are called now, by subject; the trail itself knows no names. */
export async function usernamesOf(
  { store }: Pick<DomainServices, 'store'>,
  userPool: UserPool,
  events: readonly AuditEvent[],
): Promise<ReadonlyMap<string, string>> {
  const subs = [...new Set(events.flatMap(({ subject }) => subject ?? []))]
  const users = await store.users.findAll(userPool.id, subs)
  return new Map(users.map((user) => [user.sub, nameToSignInWith(userPool, user)]))
}
