import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import { record, responseOf } from '../audit/record.ts'
import { admitGuess, clearGuesses, takeBackGuess } from '../lock-out/admit-guess.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { DomainServices } from '../ports/services.ts'
import { limitRequests } from '../rate-limits/consume-limits.ts'
import { continueSignIn } from '../sign-in/advance.ts'
import type { Challenged, SignedIn, SignInContext } from '../sign-in/advance.ts'
import { tryPassword } from '../sign-in/sign-in.ts'
import type { SignInOutcome } from '../sign-in/sign-in.ts'
import { signInTime } from '../sign-in/sign-in-time.ts'
import { findByName } from '../sign-up/find-by-name.ts'
import { createAuthChallenge, defineAuthChallenge, verifyAuthChallengeResponse } from '../triggers/auth-challenge.ts'
import { preAuthentication } from '../triggers/user-triggers.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { maximumRounds, openState, sealState } from './custom-sign-in.ts'
import type { ChallengeRecord, CustomSignIn } from './custom-sign-in.ts'

/* Cognito's CUSTOM_AUTH: what is asked, and when it is enough, is for the pool's triggers to say. */

/** RFC 8176 has no word for it. */
const customAmr = 'custom'

export type CustomOutcome =
  | SignedIn
  | Challenged
  /** A question waits under this handle; only its SHA-256 is kept. */
  | { kind: 'question'; handle: string }
  /** Another window was faster, or it took too long. */
  | { kind: 'refused'; reason: 'attemptExpired' }
  | Extract<SignInOutcome, { kind: 'refused' }>

export interface CustomSignInRequest extends SignInContext {
  username: string
  /** Absent: it begins without one. */
  password?: string | undefined
  /** As for `guessByName`. */
  browserHash?: string | undefined
}

/** What is known at each step. */
interface Progress {
  /** Absent: nobody who could sign in has the name. */
  user: User | undefined
  session: readonly ChallengeRecord[]
  startedAt: Date
}

/**
 * Begins: with a password as Cognito's SRP does, so that the first trigger may ask for it, or without.
 * @throws TriggerFailure
 */
export async function beginCustomSignIn(
  services: DomainServices,
  request: CustomSignInRequest,
): Promise<CustomOutcome> {
  const { userPool, appClient, username, password } = request
  const limited = await limitRequests(services, userPool, 'SignInsPerNetwork', 'SignIn')
  if (limited !== undefined) return limited
  const found = await findByName(services.store, userPool.id, lookupKey(userPool, username))
  await preAuthentication(services, request, found.user, username)
  const user = password === undefined && !mayBegin(found.user) ? undefined : found.user
  if (user === undefined && !appClient.preventUserExistenceErrors) {
    return told(services, request, undefined, { kind: 'refused', reason: 'userNotFound' })
  }
  const startedAt = user === undefined ? services.clock.now() : signInTime(user, services.clock.now())
  const begun: Progress = {
    user,
    session: password === undefined ? [] : [{ challengeName: 'SRP_A', challengeResult: true }],
    startedAt,
  }
  const next = await defineAuthChallenge(services, request, { user, username }, begun.session)
  if (next !== 'PASSWORD_VERIFIER' || password === undefined) return goOn(services, request, begun, next)
  const checked = await tryPassword(services, { ...request, password }, user, found.decoy)
  if (checked.kind === 'refused') return told(services, request, user, checked)
  const proved: Progress = {
    user: checked.user,
    session: [...begun.session, { challengeName: 'PASSWORD_VERIFIER', challengeResult: true }],
    startedAt: checked.startedAt,
  }
  const { session } = proved
  return goOn(services, request, proved, await defineAuthChallenge(services, request, { user, username }, session))
}

/** Whoever is asked for no password must be somebody whose account is theirs (threat rows A1, A7). */
const mayBegin = (user: User | undefined): boolean => user?.enabled === true && user.status === 'CONFIRMED'

export interface CustomAnswer extends SignInContext {
  idHash: string
  answer: string
  browserHash?: string | undefined
}

/** Answers the question that waits; wrong answers count as guesses do. @throws TriggerFailure */
export async function answerCustomChallenge(services: DomainServices, request: CustomAnswer): Promise<CustomOutcome> {
  const { userPool, idHash, browserHash } = request
  const limited = await limitRequests(services, userPool, 'CodesPerNetwork', 'SignIn')
  if (limited !== undefined) return limited
  const open = await openCustomSignIn(services, request)
  if (open === undefined) return attemptExpired
  const { user, signIn } = open
  const { username, session, privateParameters, metadata } = openState(services.sealedBox, signIn)
  const guess = await guessByName(services, userPool, 'code', { userSub: user?.sub, name: username, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  // One question, one answer: of many at once the others come too late (threat row B6).
  if (!(await services.store.customSignIns.spend(userPool.id, idHash, services.clock.now()))) return attemptExpired
  const answer = admission.kind === 'lockedUntold' ? '' : request.answer
  const whose = { user, username }
  const isRight = await verifyAuthChallengeResponse(services, request, whose, { privateParameters, answer })
  if (isRight) await takeBackGuess(services, userPool, admission)
  const after: Progress = {
    user,
    session: [...session, { challengeName: 'CUSTOM_CHALLENGE', challengeResult: isRight, challengeMetadata: metadata }],
    startedAt: signIn.startedAt,
  }
  const next = await defineAuthChallenge(services, request, whose, after.session)
  const outcome = await goOn(services, { ...request, username }, after, next)
  if (isRight && (outcome.kind === 'done' || outcome.kind === 'challenge')) {
    await clearGuesses(services, userPool, guess)
  }
  return outcome
}

const attemptExpired = { kind: 'refused', reason: 'attemptExpired' } as const

/** A sign-in that waits for an answer, if it still may go on: this client's, of somebody who is still the same. */
export async function openCustomSignIn(
  services: Pick<DomainServices, 'store' | 'clock'>,
  { userPool, appClient, idHash }: Pick<CustomAnswer, 'userPool' | 'appClient' | 'idHash'>,
): Promise<{ signIn: CustomSignIn; user: User | undefined } | undefined> {
  const signIn = await services.store.customSignIns.find(userPool.id, idHash, services.clock.now())
  if (signIn?.clientId !== appClient.id) return undefined
  if (signIn.userSub === undefined) return { signIn, user: undefined }
  const user = await services.store.users.findBySub(userPool.id, signIn.userSub)
  if (user?.enabled !== true) return undefined
  const isOver = user.signedOutAt !== undefined && user.signedOutAt > signIn.startedAt
  return isOver ? undefined : { signIn, user }
}

/** The end, or the next question. */
async function goOn(
  services: DomainServices,
  request: CustomSignInRequest,
  { user, session, startedAt }: Progress,
  next: Awaited<ReturnType<typeof defineAuthChallenge>>,
): Promise<CustomOutcome> {
  const isEndless = session.length >= maximumRounds
  if (next === 'CUSTOM_CHALLENGE' && !isEndless) return askNext(services, request, { user, session, startedAt })
  if (next !== 'issueTokens' || user === undefined) {
    return told(services, request, user, { kind: 'refused', reason: 'incorrectCredentials' })
  }
  const has = (name: ChallengeRecord['challengeName']): boolean =>
    session.some(({ challengeName, challengeResult }) => challengeName === name && challengeResult)
  const amr = [...(has('PASSWORD_VERIFIER') ? ['pwd'] : []), ...(has('CUSTOM_CHALLENGE') ? [customAmr] : [])]
  const outcome = await continueSignIn(services, request, { user, amr, startedAt })
  // Any challenge is put on record where it begins.
  return outcome.kind === 'done' || outcome.kind === 'refused' ? told(services, request, user, outcome) : outcome
}

async function askNext(
  services: DomainServices,
  request: CustomSignInRequest,
  { user, session, startedAt }: Progress,
): Promise<CustomOutcome> {
  const { userPool, appClient, username } = request
  const created = await createAuthChallenge(services, request, { user, username }, session)
  const handle = services.random.handle()
  const seconds = Math.max(appClient.authSessionValidityMinutes * 60, minimumSeconds)
  await services.store.customSignIns.add({
    idHash: sha256(handle),
    userPoolId: userPool.id,
    clientId: appClient.id,
    ...(user === undefined ? {} : { userSub: user.sub }),
    sealedState: sealState(services.sealedBox, {
      username,
      session,
      publicParameters: created.publicChallengeParameters,
      privateParameters: created.privateChallengeParameters,
      metadata: created.challengeMetadata ?? null,
    }),
    startedAt,
    expiresAt: addSeconds(services.clock.now(), seconds),
  })
  const isFirst = !session.some(({ challengeName }) => challengeName === 'CUSTOM_CHALLENGE')
  if (isFirst) await told(services, request, user, { kind: 'question' })
  return { kind: 'question', handle }
}

/** A person needs time to find the phone, or to wait for a mail. */
const minimumSeconds = 600

/** Puts it on record. */
async function told<Outcome extends { kind: string; reason?: string }>(
  services: DomainServices,
  { userPool, appClient, username }: CustomSignInRequest,
  user: User | undefined,
  outcome: Outcome,
): Promise<Outcome> {
  await record(services, services.store, {
    userPoolId: userPool.id,
    eventType: 'SignIn',
    clientId: appClient.id,
    ...(outcome.kind === 'question' ? { response: 'InProgress' } : responseOf(outcome)),
    detail: { challenge: 'CUSTOM_CHALLENGE' },
    ...(user === undefined
      ? { unknownName: lookupKey(userPool, username), reason: 'userNotFound' }
      : { userSub: user.sub }),
  })
  return outcome
}
