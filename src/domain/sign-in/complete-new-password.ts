import type { AppClient } from '../app-clients/app-client.ts'
import { onRecord, responseOf } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { claimPreferredUsername } from '../users/claim-sign-in-names.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import type { User } from '../users/user.ts'
import { isSelfWritable, missingAttributes, validateAttributes } from '../users/validate-attributes.ts'
import type { AttributeProblems } from '../users/validate-attributes.ts'
import { signInTime } from './sign-in-time.ts'
import type { SignInAttempt } from './sign-in-attempt.ts'

export type NewPasswordOutcome =
  | { kind: 'done'; user: User; amr: readonly string[]; authTime: Date }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[]; attributeProblems: AttributeProblems }
  | { kind: 'refused'; reason: 'attemptExpired' }

/** Answers NEW_PASSWORD_REQUIRED: a password of the user's own, and the required attributes that are still missing. */
export async function completeNewPassword(
  services: DomainServices,
  request: {
    userPool: UserPool
    appClient: AppClient
    attemptIdHash: string
    password: string
    attributes: Readonly<Record<string, string>>
  },
): Promise<NewPasswordOutcome> {
  const { userPool, appClient, attemptIdHash, password } = request
  const attempt = await services.store.signInAttempts.find(userPool.id, attemptIdHash, services.clock.now())
  const user = attempt && (await services.store.users.findBySub(userPool.id, attempt.userSub))
  if (attempt === undefined || user === undefined || attempt.clientId !== appClient.id) return attemptExpired
  if (!mayStillAnswer(user, attempt, services.clock.now())) return attemptExpired
  const broken = brokenRules(userPool.passwordPolicy, password)
  const checked = checkMissing(userPool, user, request.attributes)
  if (broken.length > 0 || !checked.ok) {
    const attributeProblems = checked.ok ? {} : checked.problems
    return { kind: 'refused', reason: 'invalid', brokenRules: broken, attributeProblems }
  }
  const passwordHash = await services.passwordHasher.hash(password)
  return store(services, userPool, attempt, user, { attributes: checked.attributes, passwordHash })
}

const attemptExpired = { kind: 'refused', reason: 'attemptExpired' } as const

/**
 * What has happened to the user since the temporary password was typed: disabled, signed out, given another password
 * (which signs out as well), or the temporary one has run out.
 */
function mayStillAnswer(user: User, attempt: SignInAttempt, at: Date): boolean {
  const { signedOutAt, temporaryPasswordExpiresAt } = user
  const replaced = signedOutAt !== undefined && signedOutAt > attempt.startedAt
  const expired = temporaryPasswordExpiresAt !== undefined && temporaryPasswordExpiresAt <= at
  return user.enabled && !replaced && !expired
}

/** Only attributes that are required and still missing are taken: one already set may not change here. */
function checkMissing(
  userPool: UserPool,
  user: User,
  given: Readonly<Record<string, string>>,
): ReturnType<typeof validateAttributes> {
  const missing = missingAttributes(userPool, user.attributes).filter(isSelfWritable)
  const values = Object.fromEntries(missing.flatMap((name) => (given[name] ? [[name, given[name]]] : [])))
  const absent = missing.filter((name) => values[name] === undefined)
  const checked = validateAttributes(userPool, values)
  if (absent.length === 0) return checked
  const problems: AttributeProblems = Object.fromEntries(absent.map((name) => [name, 'required' as const]))
  return { ok: false, problems: checked.ok ? problems : { ...checked.problems, ...problems } }
}

async function store(
  services: DomainServices,
  userPool: UserPool,
  attempt: SignInAttempt,
  user: User,
  change: { attributes: Record<string, string>; passwordHash: string },
): Promise<NewPasswordOutcome> {
  const work = async (tx: Repositories): Promise<NewPasswordOutcome> => {
    const at = services.clock.now()
    if (!(await tx.signInAttempts.spend(attempt.userPoolId, attempt.idHash, at))) return attemptExpired
    const changed = await tx.users.update(
      user.userPoolId,
      user.sub,
      { ...change, status: 'CONFIRMED', onlyFrom: ['FORCE_CHANGE_PASSWORD'], temporaryPasswordExpiresAt: null },
      at,
    )
    if (!changed) return attemptExpired
    const attributes = { ...user.attributes, ...change.attributes }
    await claimPreferredUsername(tx, userPool, { sub: user.sub, attributes })
    const confirmed: User = { ...user, status: 'CONFIRMED', attributes }
    return { kind: 'done', user: confirmed, amr: attempt.amr, authTime: signInTime(user, at) }
  }
  return onRecord(services, work, (outcome) => {
    const common = { userPoolId: userPool.id, userSub: user.sub, clientId: attempt.clientId, ...responseOf(outcome) }
    const challenge = { ...common, eventType: 'SignIn', detail: { challenge: attempt.challenge } } as const
    return outcome.kind === 'done' ? [{ ...common, eventType: 'PasswordChange' }, challenge] : challenge
  })
}
