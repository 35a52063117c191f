import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { claimAddress, claimPreferredUsername } from '../users/claim-sign-in-names.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import type { User } from '../users/user.ts'
import { attemptCode, codeRefusal } from '../verification-codes/check-code.ts'
import type { CodeRefusal } from '../verification-codes/check-code.ts'
import type { CodeAttempt } from '../verification-codes/verification-code.ts'

export type ConfirmForgotPasswordOutcome =
  | { kind: 'done'; user: User; authTime: Date }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[] }
  | { kind: 'refused'; reason: CodeRefusal | 'userDisabled' }

/**
 * Cognito's ConfirmForgotPassword: the only way to set a password without knowing the old one, and only with a code
 * spent in the same transaction (threat row B3). It confirms the user and the address by the way, and ends every session
 * and grant that began before (threat row A1).
 */
export async function confirmForgotPassword(
  services: DomainServices,
  request: { userPool: UserPool; userSub: string | undefined; code: string; password: string },
): Promise<ConfirmForgotPasswordOutcome> {
  const { userPool, userSub, code, password } = request
  const broken = brokenRules(userPool.passwordPolicy, password)
  if (broken.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: broken }
  // Hashed even for nobody: a reset that was never under way costs and answers the same.
  const passwordHash = await services.passwordHasher.hash(password)
  if (userSub === undefined) return { kind: 'refused', reason: 'codeMismatch' }
  return services.store.transaction(async (tx) => {
    const at = services.clock.now()
    const attempt = await attemptCode(services, tx, { userPoolId: userPool.id, userSub, purpose: 'reset', code, at })
    if (attempt.kind !== 'matched') return { kind: 'refused', reason: codeRefusal(attempt) }
    const user = await tx.users.findBySub(userPool.id, userSub)
    if (user?.enabled !== true) return { kind: 'refused', reason: 'userDisabled' }
    // A code to an address that is not the user's any more proves nothing (threat row A7).
    if (user.attributes[attempt.attribute] !== attempt.destination) return { kind: 'refused', reason: 'codeExpired' }
    return setPassword(tx, userPool, user, attempt, passwordHash, at)
  })
}

async function setPassword(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  proof: Extract<CodeAttempt, { kind: 'matched' }>,
  passwordHash: string,
  at: Date,
): Promise<ConfirmForgotPasswordOutcome> {
  const attributes = await provedAttributes(tx, userPool, user, proof)
  await claimPreferredUsername(tx, userPool, user)
  const change = {
    status: 'CONFIRMED',
    attributes,
    passwordHash,
    temporaryPasswordExpiresAt: null,
    signedOutAt: at,
  } as const
  await tx.users.update(userPool.id, user.sub, change, at)
  await tx.browserSessions.deleteOfUser(userPool.id, user.sub)
  await tx.grants.revokeOfUser(userPool.id, user.sub, at)
  return {
    kind: 'done',
    user: { ...user, status: 'CONFIRMED', attributes: { ...user.attributes, ...attributes } },
    authTime: at,
  }
}

/** The code proves the address that it went to, unless that is another user's name by now. */
async function provedAttributes(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  proof: Extract<CodeAttempt, { kind: 'matched' }>,
): Promise<Record<string, string>> {
  return (await claimAddress(tx, userPool, user, proof)) ? { [`${proof.attribute}_verified`]: 'true' } : {}
}
