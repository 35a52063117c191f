import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { admitGuess, clearGuesses, takeBackGuess } from './admit-guess.ts'
import type { Guess } from './guess.ts'
import type { AttemptsExceeded } from './lock-out.ts'

/**
 * Checks a password, unless too many were wrong of late. What is refused for that costs no hash; where the lock must not be
 * told it costs the hash of a wrong one.
 * @param passwordHash undefined: nobody's, and wrong whatever it is
 */
export async function checkPassword(
  services: DomainServices,
  userPool: UserPool,
  guess: Guess,
  password: string,
  passwordHash: string | undefined,
): Promise<{ kind: 'right' | 'wrong' } | AttemptsExceeded> {
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const admitted = admission.kind === 'admitted'
  const matches = await verify(services, userPool, guess, password, admitted ? passwordHash : undefined)
  if (!admitted || !matches) return { kind: 'wrong' }
  await clearGuesses(services, userPool, guess)
  return { kind: 'right' }
}

async function verify(
  services: DomainServices,
  userPool: UserPool,
  guess: Guess,
  password: string,
  passwordHash: string | undefined,
): Promise<boolean> {
  try {
    return await services.passwordHasher.verify(password, passwordHash)
  } catch (error) {
    // Too many at once: nobody knows whether it was wrong.
    await takeBackGuess(services, userPool, guess)
    throw error
  }
}
