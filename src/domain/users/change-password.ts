import { onRecord, record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { forgetBrowsers } from '../devices/forget-devices.ts'
import { checkPassword } from '../lock-out/check-password.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { BrowserSession } from '../sessions/browser-session.ts'
import { signOutTime } from '../sign-in/sign-in-time.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { breachedRule } from './breached-password.ts'
import type { ChosenPassword } from './breached-password.ts'
import { brokenRules } from './password-policy.ts'
import type { PasswordRule } from './password-policy.ts'
import type { User } from './user.ts'

export interface ChangePasswordRequest extends ChosenPassword {
  userPool: UserPool
  user: User
  /** The browser that asks; it stays signed in. */
  session: BrowserSession
  /** What counts only for whoever has one. */
  currentPassword: string
  browserHash: string | undefined
}

export type ChangePasswordOutcome =
  | { kind: 'done' }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[] }
  | { kind: 'refused'; reason: 'incorrectPassword' | 'notAuthorized' }
  | AttemptsExceeded

/**
 * Cognito's ChangePassword, by somebody who is signed in and knows the present one; whoever has none yet gets their first.
 * Everything else that is signed in to the account is signed out: a password is changed because somebody else may know it.
 */
export async function changePassword(
  services: DomainServices,
  request: ChangePasswordRequest,
): Promise<ChangePasswordOutcome> {
  const { userPool, user, currentPassword, password, browserHash } = request
  const broken = brokenRules(userPool.passwordPolicy, password)
  if (broken.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: broken }
  const entryOf = (outcome: ChangePasswordOutcome): AuditEntry => ({
    userPoolId: userPool.id,
    eventType: 'PasswordChange',
    userSub: user.sub,
    ...responseOf(outcome),
  })
  const { passwordHash: present } = user
  if (present !== undefined) {
    const named = { userSub: user.sub, name: user.username, browserHash }
    const guess = await guessByName(services, userPool, 'password', named)
    const checked = await checkPassword(services, userPool, guess, currentPassword, { passwordHash: present })
    if (checked.kind !== 'right') {
      const refused: ChangePasswordOutcome =
        checked.kind === 'refused' ? checked : { kind: 'refused', reason: 'incorrectPassword' }
      await record(services, services.store, entryOf(refused))
      return refused
    }
  }
  const breached = await breachedRule(services, userPool, request)
  if (breached.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: breached }
  const passwordHash = await services.passwordHasher.hash(password)
  const outcome = await onRecord(services, (tx) => replace(services, tx, request, passwordHash), entryOf)
  services.messagesQueued()
  return outcome
}

/** The password that was proved must still be the one in force: of two changes at once the second knows the old one only. */
async function replace(
  services: DomainServices,
  tx: Repositories,
  { userPool, user, session }: ChangePasswordRequest,
  passwordHash: string,
): Promise<ChangePasswordOutcome> {
  const at = services.clock.now()
  const now = await tx.users.lockBySub(userPool.id, user.sub)
  if (now?.status === 'EXTERNAL_PROVIDER') return { kind: 'refused', reason: 'notAuthorized' }
  if (now?.enabled !== true) return { kind: 'refused', reason: 'notAuthorized' }
  if (now.passwordHash !== user.passwordHash) return { kind: 'refused', reason: 'incorrectPassword' }
  const signedOutAt = signOutTime(now, at)
  await tx.users.update(userPool.id, user.sub, { passwordHash, temporaryPasswordExpiresAt: null, signedOutAt }, at)
  await tx.browserSessions.deleteOfUser(userPool.id, user.sub, session.uid)
  // The password has just been proved here, so this is when the person was last authenticated.
  if (user.passwordHash !== undefined) await tx.browserSessions.update({ ...session, authTime: signedOutAt })
  await forgetBrowsers(tx, userPool.id, user.sub)
  await tx.grants.revokeOfUser(userPool.id, user.sub, at)
  await notifyOwner(services, tx, now, 'passwordChanged')
  return { kind: 'done' }
}
