import type { User } from '../users/user.ts'

export interface NewUser extends User {
  /** Canonical sign-in names that lead to this user: the user name, and aliases already verified. */
  identifiers: readonly UserIdentifier[]
  /** Where the hash is an imported one. */
  passwordForm?: string | undefined
}

/** One sign-in name. `key` is canonical (see `users/canonical-name.ts`) and unique in its user pool, whatever its kind. */
export interface UserIdentifier {
  kind: 'username' | 'email' | 'phone_number' | 'preferred_username'
  key: string
}
