import type { EitherMatch } from '../../security/password-hash.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { admitGuess, clearGuesses, takeBackGuess } from './admit-guess.ts'
import type { Admission } from './admit-guess.ts'
import type { Guess } from './guess.ts'
import type { AttemptsExceeded } from './lock-out.ts'

/** What a password is compared with. Neither: nobody's, and wrong whatever it is. */
export interface ComparedHashes {
  passwordHash?: string | undefined
  /** Of a decoy sign-up with the same name. */
  decoyHash?: string | undefined
  /**
   * The account is nobody's yet. Anybody can have one with a password of their own at any address that is free, so a right
   * one takes back its own guess and forgives no other; else a decoy, which must not, could be told from it.
   */
  unconfirmed?: boolean
}

/** `isImported`: the hash is another place's, and to be replaced by one of ours. */
export type CheckedPassword = { kind: 'right'; isImported: boolean } | { kind: 'wrong' | 'decoy' }

/**
 * Checks a password, unless too many were wrong of late. What is refused for that costs no hash; where the lock must not be
 * told it costs the hash of a wrong one.
 */
export async function checkPassword(
  services: DomainServices,
  userPool: UserPool,
  guess: Guess,
  password: string,
  compared: ComparedHashes,
): Promise<CheckedPassword | AttemptsExceeded> {
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const matches = await verify(services, userPool, admission, password, compared)
  if (admission.kind === 'admitted' && matches.account !== false) {
    if (compared.unconfirmed === true) await takeBackGuess(services, userPool, admission)
    else await clearGuesses(services, userPool, guess)
    return { kind: 'right', isImported: matches.account === 'imported' }
  }
  // Whoever made the decoy meets no lock that is another name's, as they would not with a real sign-up.
  if (!matches.decoy) return { kind: 'wrong' }
  await takeBackGuess(services, userPool, admission)
  return { kind: 'decoy' }
}

async function verify(
  services: DomainServices,
  userPool: UserPool,
  admission: Exclude<Admission, AttemptsExceeded>,
  password: string,
  { passwordHash, decoyHash }: ComparedHashes,
): Promise<EitherMatch> {
  try {
    return await services.passwordHasher.verifyEither(password, passwordHash, decoyHash, userPool.passwordForms)
  } catch (error) {
    // Too many at once: nobody knows whether it was wrong.
    await takeBackGuess(services, userPool, admission)
    throw error
  }
}
