import { addSeconds } from '../../platform/clock.ts'
import { onRecord, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { admitGuess, clearGuesses } from '../lock-out/admit-guess.ts'
import { guessAtSecondFactor } from '../lock-out/guess.ts'
import type { AttemptsExceeded } from '../lock-out/lock-out.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import type { MfaType } from './mfa-type.ts'
import { maximumSoftwareTokens, newSoftwareTokenSecret, softwareTokenPurpose, timeStepOf } from './software-token.ts'
import { canReceive, usableMfaTypes } from './usable-mfa-types.ts'

/* Second factors as their owner manages them, signed in and freshly authenticated. */

export type FactorOutcome =
  | { kind: 'done' }
  /** `required`: the user pool insists on a factor, and this is the last. */
  | { kind: 'refused'; reason: 'notAvailable' | 'required' | 'tooMany' | 'codeMismatch' | 'expired' }
  | AttemptsExceeded

interface OwnFactor {
  userPool: UserPool
  user: User
  type: MfaType
}

/** How long the page with a new authenticator app's secret may stay open. */
const setUpSeconds = 30 * 60
const setUpPurpose = 'software token set-up'

interface SetUp {
  id: string
  userPoolId: string
  userSub: string
  secret: string
  expiresAt: string
}

/**
 * The secret for another authenticator app (Cognito: AssociateSoftwareToken). Nothing is stored before its first code is
 * right: `sealed` stands in the form, opens for this user only and for half an hour, and can be used up once.
 */
export function beginSoftwareToken(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'clock'>,
  user: User,
): { secret: string; sealed: string } {
  const { sub: userSub, userPoolId } = user
  const secret = newSoftwareTokenSecret()
  const expiresAt = addSeconds(services.clock.now(), setUpSeconds).toISOString()
  const setUp: SetUp = { id: services.random.uuid(), userPoolId, userSub, secret, expiresAt }
  return { secret, sealed: services.sealedBox.seal(JSON.stringify(setUp), setUpPurpose) }
}

/** What the form brought back, if it is this user's and not too old. */
export function openSoftwareToken(
  services: Pick<DomainServices, 'sealedBox' | 'clock'>,
  user: User,
  sealed: string,
): SetUp | undefined {
  try {
    const setUp = JSON.parse(services.sealedBox.open(sealed, setUpPurpose)) as SetUp
    const isOwn = setUp.userSub === user.sub && setUp.userPoolId === user.userPoolId
    return isOwn && new Date(setUp.expiresAt) > services.clock.now() ? setUp : undefined
  } catch {
    return undefined
  }
}

/** Cognito's VerifySoftwareToken: a right code makes the app one of the user's factors. */
export async function addSoftwareToken(
  services: DomainServices,
  request: Omit<OwnFactor, 'type'> & { sealed: string; code: string; browserHash?: string | undefined },
): Promise<FactorOutcome> {
  const { userPool, user, sealed, code, browserHash } = request
  const setUp = openSoftwareToken(services, user, sealed)
  if (setUp === undefined) return { kind: 'refused', reason: 'expired' }
  const guess = await guessAtSecondFactor(services, userPool, { userSub: user.sub, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind === 'refused') return admission
  const lastTimeStep = timeStepOf(setUp.secret, code, services.clock.now())
  const factor: OwnFactor = { userPool, user, type: 'SOFTWARE_TOKEN_MFA' }
  const outcome = await change(services, factor, 'factorAdded', async (tx, now): Promise<FactorOutcome> => {
    if (lastTimeStep === undefined) return { kind: 'refused', reason: 'codeMismatch' }
    const owned = await tx.softwareTokens.ofUser(userPool.id, user.sub)
    // The form was sent twice: it is there.
    if (owned.some(({ id }) => id === setUp.id)) return { kind: 'done' }
    if (owned.length >= maximumSoftwareTokens) return { kind: 'refused', reason: 'tooMany' }
    const { id, userPoolId, userSub } = setUp
    const sealedSecret = services.sealedBox.seal(setUp.secret, softwareTokenPurpose)
    const at = services.clock.now()
    await tx.softwareTokens.add({ userPoolId, userSub, id, sealedSecret, lastTimeStep }, at)
    await tx.users.update(userPool.id, user.sub, withFactor(now, 'SOFTWARE_TOKEN_MFA'), at)
    return { kind: 'done' }
  })
  if (outcome.kind === 'done') await clearGuesses(services, userPool, guess)
  return outcome
}

/** Cognito's SetUserMFAPreference with `Enabled: true`: codes to an address that is proved, from the next sign-in on. */
export const enableFactor = (services: DomainServices, factor: OwnFactor): Promise<FactorOutcome> =>
  change(services, factor, 'factorAdded', async (tx, now) => {
    const { userPool, type } = factor
    // An authenticator app is proved by its code instead.
    if (type === 'SOFTWARE_TOKEN_MFA' || !canReceive(now, type)) return { kind: 'refused', reason: 'notAvailable' }
    await tx.users.update(userPool.id, now.sub, withFactor(now, type), services.clock.now())
    return { kind: 'done' }
  })

/** The same with `Enabled: false`; of authenticator apps all of them, or the one that is named. */
export const disableFactor = (
  services: DomainServices,
  factor: OwnFactor & { softwareTokenId?: string },
): Promise<FactorOutcome> =>
  change(services, factor, 'factorRemoved', async (tx, now) => {
    const { userPool, type, softwareTokenId } = factor
    const owned = type === 'SOFTWARE_TOKEN_MFA' ? await tx.softwareTokens.ofUser(userPool.id, now.sub) : []
    const left = softwareTokenId === undefined ? [] : owned.filter(({ id }) => id !== softwareTokenId)
    const types = left.length > 0 ? (now.mfaTypes ?? []) : (now.mfaTypes ?? []).filter((known) => known !== type)
    const preferredMfa = now.preferredMfa !== undefined && types.includes(now.preferredMfa) ? now.preferredMfa : null
    const { preferredMfa: _, ...user } = now
    if (userPool.mfaConfiguration === 'ON' && usableMfaTypes(userPool, { ...user, mfaTypes: types }).length === 0) {
      return { kind: 'refused', reason: 'required' }
    }
    const gone = owned.filter((token) => !left.includes(token)).map(({ id }) => id)
    if (gone.length > 0) await tx.softwareTokens.delete(userPool.id, now.sub, gone)
    // Somebody else may have what was shown in them.
    await tx.devices.forgetOfUser(userPool.id, now.sub)
    if (types.length === 0) await tx.recoveryCodes.replace(userPool.id, now.sub, [], services.clock.now())
    await tx.users.update(userPool.id, now.sub, { mfaTypes: types, preferredMfa }, services.clock.now())
    return { kind: 'done' }
  })

/** The same with `PreferredMfa`: asked for without a choice. */
export const preferFactor = (services: DomainServices, factor: OwnFactor): Promise<FactorOutcome> =>
  change(services, factor, undefined, async (tx, now) => {
    const { userPool, type } = factor
    if (!usableMfaTypes(userPool, now).includes(type)) return { kind: 'refused', reason: 'notAvailable' }
    await tx.users.update(userPool.id, now.sub, { preferredMfa: type }, services.clock.now())
    return { kind: 'done' }
  })

const withFactor = (user: User, type: MfaType): { mfaTypes: readonly MfaType[]; preferredMfa: MfaType } => ({
  mfaTypes: [...(user.mfaTypes ?? []).filter((known) => known !== type), type],
  preferredMfa: user.preferredMfa ?? type,
})

/**
 * On the user as they are now, on record.
 * @param about what the owner is told of it; undefined: nothing has come or gone
 */
async function change(
  services: DomainServices,
  { userPool, user, type }: OwnFactor,
  about: 'factorAdded' | 'factorRemoved' | undefined,
  work: (tx: Repositories, now: User) => Promise<FactorOutcome>,
): Promise<FactorOutcome> {
  const entryOf = (outcome: FactorOutcome): AuditEntry => ({
    userPoolId: userPool.id,
    eventType: about === 'factorRemoved' ? 'MfaReset' : 'MfaSetUp',
    userSub: user.sub,
    ...responseOf(outcome),
    detail: { type },
  })
  const outcome = await onRecord(
    services,
    async (tx): Promise<FactorOutcome> => {
      const now = await tx.users.lockBySub(userPool.id, user.sub)
      const offers = userPool.mfaConfiguration !== 'OFF' && userPool.mfaTypes.includes(type)
      if (now?.enabled !== true || !offers) return { kind: 'refused', reason: 'notAvailable' }
      const done = await work(tx, now)
      if (done.kind === 'done' && about !== undefined) await notifyOwner(services, tx, now, about)
      return done
    },
    entryOf,
  )
  services.messagesQueued()
  return outcome
}
