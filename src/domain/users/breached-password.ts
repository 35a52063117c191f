import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { PasswordRule } from './password-policy.ts'

/**
 * What a password that keeps every rule may break yet (Cognito: CompromisedCredentialsRiskConfiguration). To be asked after
 * the limits and before the hash, whoever it is for: the answer is the same for known and unknown names (threat row B13).
 */
export async function breachedRule(
  { breachedPasswords }: Pick<DomainServices, 'breachedPasswords'>,
  userPool: UserPool,
  password: string,
): Promise<readonly PasswordRule[]> {
  if (!userPool.refusesBreachedPasswords) return []
  return (await breachedPasswords.has(password)) ? ['breached'] : []
}
