import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { PasswordRule } from './password-policy.ts'

/** A password that somebody has chosen. */
export interface ChosenPassword {
  password: string
  /** They have been warned that it is known from breaches, and want it all the same: enough where the pool only warns. */
  despiteBreaches?: boolean
}

/**
 * What a password that keeps every rule may break yet (Cognito: CompromisedCredentialsRiskConfiguration). To be asked after
 * the limits and before the hash, whoever it is for: the answer is the same for known and unknown names (threat row B13).
 */
export async function breachedRule(
  { breachedPasswords }: Pick<DomainServices, 'breachedPasswords'>,
  { onBreachedPassword }: UserPool,
  { password, despiteBreaches = false }: ChosenPassword,
): Promise<readonly PasswordRule[]> {
  if (onBreachedPassword === 'take' || (onBreachedPassword === 'warn' && despiteBreaches)) return []
  return (await breachedPasswords.has(password)) ? ['breached'] : []
}
