import type { UserPool } from '../user-pools/user-pool.ts'
import type { User, UserAttributes } from '../users/user.ts'
import { requiredAttributes } from '../users/validate-attributes.ts'

/**
 * Attributes of a sign-up that go when its owner takes it over with a password of their own: what a stranger said of
 * themselves is not the owner's (threat row A1). What the pool insists on can only be corrected later.
 */
export function leftBehind(userPool: UserPool, user: User, proved: string): Record<string, null> {
  const kept = new Set<string>([proved, ...requiredAttributes(userPool)])
  return Object.fromEntries(Object.keys(user.attributes).flatMap((name) => (kept.has(name) ? [] : [[name, null]])))
}

/** The attributes with a change in force; `null` removes. */
export function changedAttributes(
  attributes: UserAttributes,
  change: Readonly<Record<string, string | null>>,
): UserAttributes {
  const entries = Object.entries({ ...attributes, ...change })
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null))
}
