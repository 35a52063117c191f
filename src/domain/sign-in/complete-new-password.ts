import { onRecord, responseOf } from '../audit/record.ts'
import { limitMfaCodes } from '../mfa/limit-mfa-codes.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { claimPreferredUsername } from '../users/claim-sign-in-names.ts'
import { breachedRule } from '../users/breached-password.ts'
import type { ChosenPassword } from '../users/breached-password.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import type { User } from '../users/user.ts'
import { isSelfWritable, missingAttributes, validateAttributes } from '../users/validate-attributes.ts'
import type { AttributeProblems } from '../users/validate-attributes.ts'
import { advance } from './advance.ts'
import type { Challenged, SignedIn } from './advance.ts'
import { nextChallenge } from './next-challenge.ts'
import { attemptExpired, openAttempt } from './open-attempt.ts'
import type { AttemptRequest, OpenAttempt } from './open-attempt.ts'
import { signInTime } from './sign-in-time.ts'

export type NewPasswordOutcome =
  | SignedIn
  | Challenged
  | LimitExceeded
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[]; attributeProblems: AttributeProblems }
  | { kind: 'refused'; reason: 'attemptExpired' }

/** Answers NEW_PASSWORD_REQUIRED: a password of the user's own, and the required attributes that are still missing. */
export async function completeNewPassword(
  services: DomainServices,
  request: AttemptRequest &
    ChosenPassword & {
      attributes: Readonly<Record<string, string>>
      languages?: readonly string[]
    },
): Promise<NewPasswordOutcome> {
  const { userPool, password } = request
  const open = await openAttempt(services, request)
  if (open?.attempt.challenge !== 'NEW_PASSWORD_REQUIRED') return attemptExpired
  const { user } = open
  const { temporaryPasswordExpiresAt } = user
  if (temporaryPasswordExpiresAt !== undefined && temporaryPasswordExpiresAt <= services.clock.now()) {
    return attemptExpired
  }
  const broken = brokenRules(userPool.passwordPolicy, password)
  const checked = checkMissing(userPool, user, request.attributes)
  if (broken.length > 0 || !checked.ok) {
    const attributeProblems = checked.ok ? {} : checked.problems
    return { kind: 'refused', reason: 'invalid', brokenRules: broken, attributeProblems }
  }
  const breached = await breachedRule(services, userPool, request)
  if (breached.length > 0) return { kind: 'refused', reason: 'invalid', brokenRules: breached, attributeProblems: {} }
  const next = nextChallenge(userPool, { ...user, status: 'CONFIRMED' }, open.attempt.amr)
  const limited = await limitMfaCodes(services, request, user, next)
  if (limited !== undefined) return limited
  const passwordHash = await services.passwordHasher.hash(password)
  const change = { attributes: checked.attributes, passwordHash }
  const outcome = await store(services, request, open, change)
  if (outcome.kind === 'challenge') services.messagesQueued()
  return outcome
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
  request: AttemptRequest & { languages?: readonly string[] },
  { attempt, user }: OpenAttempt,
  change: { attributes: Record<string, string>; passwordHash: string },
): Promise<NewPasswordOutcome> {
  const { userPool } = request
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
    return advance(services, tx, request, { user: confirmed, amr: attempt.amr, startedAt: signInTime(user, at) })
  }
  return onRecord(services, work, (outcome) => {
    const common = { userPoolId: userPool.id, userSub: user.sub, clientId: attempt.clientId, ...responseOf(outcome) }
    const challenge = { ...common, eventType: 'SignIn', detail: { challenge: attempt.challenge } } as const
    return outcome.kind === 'refused' ? challenge : [{ ...common, eventType: 'PasswordChange' }, challenge]
  })
}
