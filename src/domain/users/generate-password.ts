import type { Random } from '../../platform/random.ts'
import type { PasswordPolicy } from '../user-pools/user-pool.ts'
import { brokenRules } from './password-policy.ts'

/** Without characters that are mistaken for each other when read aloud or typed, and without what shells interpret. */
const alphabet = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.+=@%'

const minimumGeneratedLength = 20

/** A random password (some 6 bits a character) that keeps the pool's policy. */
export function generatePassword(random: Random, policy: PasswordPolicy): string {
  const length = Math.max(minimumGeneratedLength, policy.minimumLength)
  for (;;) {
    // Drawn anew until it holds a character of every kind: most do, and none is likelier than another.
    const password = random.text(length, alphabet)
    if (brokenRules(policy, password).length === 0) return password
  }
}
