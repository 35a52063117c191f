import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import { onRecord, record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { multipleFactors } from '../mfa/mfa-type.ts'
import { mfaTypesAfter } from '../mfa/usable-mfa-types.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { continueSignIn } from '../sign-in/advance.ts'
import type { Challenged, Proved, SignedIn, SignInContext } from '../sign-in/advance.ts'
import { attemptExpired, openAttempt } from '../sign-in/open-attempt.ts'
import type { AttemptRequest } from '../sign-in/open-attempt.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import { preAuthentication } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { readAuthentication, verifyPasskey } from './ceremony.ts'
import type { Ceremony } from './ceremony.ts'
import { passkeyAmr } from './passkey.ts'
import type { OwnedPasskey } from './passkey.ts'
import { beginsWithPasskey } from './relying-party.ts'

interface ProvePasskey {
  userPool: UserPool
  ceremony: Ceremony
  /** What the browser sent, as JSON. */
  credential: string
}

/** `passkeyUnknown`: there is none of this id; its authenticator may be told so. `passkeyRefused`: whatever else is wrong. */
type PasskeyRefusal = 'passkeyUnknown' | 'passkeyRefused'

export type PasskeySignInOutcome =
  | SignedIn
  | Challenged
  | LimitExceeded
  | { kind: 'refused'; reason: PasskeyRefusal | 'userDisabled' | 'passwordResetRequired' }

/**
 * First factor: a passkey (Cognito's WEB_AUTHN in USER_AUTH). Nobody types a name, and nothing can be guessed, so no lock-out
 * stands before it: the owner gets in whatever strangers do at the password (threat row B15).
 */
export async function signInWithPasskey(
  services: DomainServices,
  request: ProvePasskey & SignInContext,
): Promise<PasskeySignInOutcome> {
  const { userPool, appClient } = request
  if (!beginsWithPasskey(userPool, appClient)) return { kind: 'refused', reason: 'passkeyRefused' }
  const limited = await limitRequests(services, userPool, 'SignInsPerNetwork', 'SignIn')
  if (limited !== undefined) return limited
  const proved = await prove(services, request)
  // Nobody is known before their passkey is.
  if (proved.kind === 'proved') await preAuthentication(services, request, proved.user, '')
  const entryOf = (outcome: PasskeySignInOutcome): AuditEntry => ({
    userPoolId: userPool.id,
    eventType: 'SignIn',
    clientId: appClient.id,
    ...responseOf(outcome),
    ...('user' in proved ? { userSub: proved.user.sub } : {}),
    detail: { challenge: 'WEB_AUTHN' },
  })
  if (proved.kind === 'proved') {
    // Any challenge is put on record where it begins.
    const outcome = await continueSignIn(services, request, proved)
    if (outcome.kind === 'done') await record(services, services.store, entryOf(outcome))
    return outcome
  }
  await record(services, services.store, entryOf(proved))
  return { kind: 'refused', reason: proved.reason }
}

type PasskeyProof =
  | ({ kind: 'proved' } & Proved)
  | { kind: 'refused'; reason: PasskeyRefusal }
  | { kind: 'refused'; reason: PasskeyRefusal | 'userDisabled' | 'passwordResetRequired'; user: User }

/** What stands of the account behind a passkey is told to whoever holds it, and nobody else. */
async function prove(services: DomainServices, request: ProvePasskey): Promise<PasskeyProof> {
  const { userPool } = request
  const response = readAuthentication(request.credential)
  if (response === undefined) return { kind: 'refused', reason: 'passkeyRefused' }
  const passkey = await services.store.passkeys.find(userPool.id, response.id)
  if (passkey === undefined) return { kind: 'refused', reason: 'passkeyUnknown' }
  const amr = await use(services, request, passkey, response)
  const user = await services.store.users.findBySub(userPool.id, passkey.userSub)
  if (user === undefined) return { kind: 'refused', reason: 'passkeyUnknown' }
  const refuse = (reason: PasskeyRefusal | 'userDisabled' | 'passwordResetRequired') =>
    ({ kind: 'refused', reason, user }) as const
  if (amr === undefined) return refuse('passkeyRefused')
  if (!user.enabled) return refuse('userDisabled')
  if (user.status === 'RESET_REQUIRED') return refuse('passwordResetRequired')
  if (user.status === 'UNCONFIRMED') return refuse('passkeyRefused')
  return { kind: 'proved', user, amr, startedAt: signInTime(user, services.clock.now()) }
}

/** Checks the answer and uses up its challenge and counter. @returns what is proved by it, if anything */
async function use(
  services: DomainServices,
  { userPool, ceremony }: ProvePasskey,
  passkey: OwnedPasskey,
  response: AuthenticationResponseJSON,
): Promise<readonly string[] | undefined> {
  const verified = await verifyPasskey(services, userPool, ceremony, passkey, response)
  if (verified === undefined) return undefined
  const isNew = await services.store.transaction((tx) => spend(services, tx, passkey, verified))
  if (!isNew) return undefined
  const isTwo = verified.userVerified && userPool.passkeys.countsAsTwoFactors
  return isTwo ? [passkeyAmr(passkey), multipleFactors] : [passkeyAmr(passkey)]
}

/** Of two that show the same answer, or whose counters stand alike, one is let in. */
async function spend(
  services: Pick<DomainServices, 'clock'>,
  tx: Pick<Repositories, 'passkeys' | 'oneTime'>,
  passkey: OwnedPasskey,
  { counter, challenge }: { counter: number; challenge: { hash: string; expiresAt: Date } },
): Promise<boolean> {
  const { hash, expiresAt } = challenge
  if (!(await tx.oneTime.spend(passkey.userPoolId, hash, expiresAt))) return false
  return tx.passkeys.use(passkey, counter, services.clock.now())
}

export type PasskeyFactorOutcome = SignedIn | { kind: 'refused'; reason: 'passkeyRefused' | 'attemptExpired' }

/** Answers WEB_AUTHN as a second factor, after a password. */
export async function answerWithPasskey(
  services: DomainServices,
  request: AttemptRequest & Omit<ProvePasskey, 'userPool'>,
): Promise<PasskeyFactorOutcome> {
  const { userPool, ceremony } = request
  const open = await openAttempt(services, request)
  if (open?.attempt.challenge !== 'WEB_AUTHN') return attemptExpired
  const { attempt, user } = open
  if (!mfaTypesAfter(userPool, user, attempt.amr, request.asked).includes('WEB_AUTHN')) return attemptExpired
  const response = readAuthentication(request.credential)
  const passkey = response && (await services.store.passkeys.find(userPool.id, response.id))
  const isOwn = response !== undefined && passkey?.userSub === user.sub
  const verified = isOwn ? await verifyPasskey(services, userPool, ceremony, passkey, response) : undefined
  return onRecord(
    services,
    async (tx): Promise<PasskeyFactorOutcome> => {
      const at = services.clock.now()
      if (passkey === undefined || verified === undefined || !(await spend(services, tx, passkey, verified))) {
        return { kind: 'refused', reason: 'passkeyRefused' }
      }
      if (!(await tx.signInAttempts.spend(attempt.userPoolId, attempt.idHash, at))) return attemptExpired
      const amr = [...new Set([...attempt.amr, passkeyAmr(passkey), multipleFactors])]
      return { kind: 'done', user, amr, authTime: signInTime(user, at) }
    },
    (outcome) => ({
      userPoolId: userPool.id,
      eventType: 'SignIn',
      userSub: user.sub,
      clientId: request.appClient.id,
      ...responseOf(outcome),
      detail: { challenge: 'WEB_AUTHN' },
    }),
  )
}
