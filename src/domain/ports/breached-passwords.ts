/** Passwords that are known from breaches of others, and so among the first that are guessed. */
export interface BreachedPasswords {
  /** False as well when nobody can be asked at the moment: whoever chooses a password is not kept waiting for that. */
  has(password: string): Promise<boolean>
}

/** Nothing to ask was set up. */
export const noBreachedPasswords: BreachedPasswords = { has: () => Promise.resolve(false) }
