import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import type { AssuranceLevel } from '../assurance/levels.ts'
import { onRecord } from '../audit/record.ts'
import { rememberedDevice } from '../devices/device.ts'
import { recogniseDevice } from '../devices/recognise-device.ts'
import { limitMfaCodes } from '../mfa/limit-mfa-codes.ts'
import { sendMfaCode } from '../mfa/mfa-code.ts'
import { isMessaged, isMfaType } from '../mfa/mfa-type.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { missingAttributes } from '../users/validate-attributes.ts'
import { nextChallenge } from './next-challenge.ts'
import type { ChallengeName, SignInAttempt } from './sign-in-attempt.ts'

/** What somebody has proved so far, and at what time that counts as begun. */
export interface Proved {
  user: User
  amr: readonly string[]
  startedAt: Date
}

export interface SignedIn {
  kind: 'done'
  user: User
  amr: readonly string[]
  authTime: Date
}

export interface Challenged {
  kind: 'challenge'
  challenge: ChallengeName
  user: User
  /** Bearer handle of the stored attempt; only its SHA-256 is kept. */
  handle: string
  missingAttributes: readonly string[]
}

export interface SignInContext {
  userPool: UserPool
  appClient: AppClient
  /** Of messages, best first. */
  languages?: readonly string[]
  /** What the request asks for. */
  asked?: AssuranceLevel
  /** What this browser may be remembered by, where that may stand in for a second factor. */
  deviceHashes?: readonly string[]
}

/**
 * The same in a transaction of its own, once a first factor has been proved: by the password, or on the way, by confirming a
 * sign-up or by a reset. Where nothing more is asked for it costs nothing, and is for the caller to put on record.
 */
export async function continueSignIn(
  services: DomainServices,
  context: SignInContext,
  proved: Proved,
): Promise<SignedIn | Challenged | LimitExceeded> {
  const { user, startedAt } = proved
  const amr = await withDevice(services, context, proved)
  const challenge = nextChallenge(context.userPool, user, amr, context.asked)
  if (challenge === undefined) return { kind: 'done', user, amr, authTime: startedAt }
  const limited = await limitMfaCodes(services, context, user, challenge)
  if (limited !== undefined) return limited
  const outcome = await onRecord(
    services,
    (tx) => advance(services, tx, context, { user, amr, startedAt }),
    () => ({
      userPoolId: context.userPool.id,
      eventType: 'SignIn',
      userSub: user.sub,
      clientId: context.appClient.id,
      response: 'InProgress',
      detail: { challenge },
    }),
  )
  services.messagesQueued()
  return outcome
}

/** What has been proved, a remembered device included: looked for only where a factor would be asked for, and it stands in for that. */
async function withDevice(
  services: DomainServices,
  { userPool, asked, deviceHashes = [] }: SignInContext,
  { user, amr }: Proved,
): Promise<readonly string[]> {
  const challenge = nextChallenge(userPool, user, amr, asked)
  if (challenge !== 'SELECT_MFA_TYPE' && (challenge === undefined || !isMfaType(challenge))) return amr
  const more = [...amr, rememberedDevice]
  if (nextChallenge(userPool, user, more, asked) !== undefined) return amr
  return (await recogniseDevice(services, userPool, user, deviceHashes)) ? more : amr
}

/** Seconds that a person needs at least: to find the phone, to wait for a mail, to install an app. */
const minimumSeconds: Partial<Record<ChallengeName, number>> = {
  SOFTWARE_TOKEN_MFA: 300,
  SMS_MFA: 600,
  EMAIL_OTP: 600,
  SELECT_MFA_TYPE: 600,
  MFA_SETUP: 1200,
}

/**
 * Where a sign-in goes on after a step has been proved: to its end, or to the next challenge, whose attempt is stored and
 * whose code is sent within the caller's transaction.
 */
export async function advance(
  services: DomainServices,
  tx: Pick<Repositories, 'signInAttempts' | 'outbox'>,
  { userPool, appClient, languages = [], asked }: SignInContext,
  { user, amr, startedAt }: Proved,
): Promise<SignedIn | Challenged> {
  const challenge = nextChallenge(userPool, user, amr, asked)
  if (challenge === undefined) return { kind: 'done', user, amr, authTime: startedAt }
  const handle = services.random.handle()
  const seconds = Math.max(appClient.authSessionValidityMinutes * 60, minimumSeconds[challenge] ?? 0)
  const attempt: SignInAttempt = {
    idHash: sha256(handle),
    userPoolId: userPool.id,
    clientId: appClient.id,
    userSub: user.sub,
    challenge,
    amr,
    startedAt,
    expiresAt: addSeconds(services.clock.now(), seconds),
  }
  const sent =
    isMfaType(challenge) && isMessaged(challenge)
      ? await sendMfaCode(services, tx, { userPool, user, attempt, type: challenge, languages })
      : {}
  await tx.signInAttempts.add({ ...attempt, ...sent })
  const missing = challenge === 'NEW_PASSWORD_REQUIRED' ? missingAttributes(userPool, user.attributes) : []
  return { kind: 'challenge', challenge, user, handle, missingAttributes: missing }
}
