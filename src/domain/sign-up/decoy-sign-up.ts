import type { VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'

/**
 * A sign-up with an address that has an account (decision 17). It is met everywhere like one that waits for its code,
 * which never comes, and is overtaken and forgotten like one. It can become nobody's account.
 */
export interface DecoySignUp {
  userPoolId: string
  /** The canonical name that it was made with. */
  key: string
  /** Stands where a sign-up has the `sub` of its user, and is nobody's. */
  sub: string
  /** What the name is, and how it was typed. */
  kind: VerifiableAttribute
  address: string
  /** With the salt of the account's own hash, so that one look at a password tells of both. */
  passwordHash: string
  /** Of all that was said beside the name, to know the same form again. */
  attributesDigest: string
  /** Where the code of a real one would have gone; absent where an administrator confirms. */
  attribute?: VerifiableAttribute
  destination?: string
  createdAt: Date
}

/** With whoever signs in by its name now. */
export interface DecoyInForce extends DecoySignUp {
  account?: Pick<User, 'sub' | 'username' | 'enabled' | 'passwordHash'>
}
