import { addSeconds } from '../../platform/clock.ts'
import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { SigningKeyRecord } from './signing-key.ts'
import { createSigningKey } from './signing-keys.ts'

/** How long a key is published before it signs: twice as long as a copy of the JWKS may be kept. */
export const leadSeconds = 600

export interface RotationRequest {
  userPoolId: string
  /** The new keys sign at once: applications that keep a copy of the JWKS may refuse them for some minutes. */
  now?: boolean
  /** All former keys are deleted: what they signed is refused from now on. Implies `now`. */
  revokeOld?: boolean
}

/**
 * Gives a user pool its next signing keys, one for each use and algorithm that it has (design decision 10). A next key
 * that waits for its time already is left, or, with `now`, begins. Safe on several servers at once: each key is followed
 * by one.
 * @returns all keys of the pool, newest first
 */
export async function rotateSigningKeys(
  services: DomainServices,
  request: RotationRequest,
): Promise<readonly SigningKeyRecord[]> {
  const { userPoolId, revokeOld = false, now = revokeOld } = request
  const at = services.clock.now()
  const latest = latestKeys(await services.store.settings.signingKeys(userPoolId))
  const activeAt = now ? at : addSeconds(at, leadSeconds)
  const made = await Promise.all(
    latest
      .filter((key) => key.activeAt <= at)
      .map(({ kid, use, algorithm }) =>
        createSigningKey(services, { userPoolId, use, algorithm, activeAt, predecessor: kid }),
      ),
  )
  const added: string[] = []
  const work = async (tx: Repositories): Promise<readonly SigningKeyRecord[]> => {
    for (const key of made) if (await tx.settings.addSigningKey(key)) added.push(key.kid)
    if (now) await tx.settings.activateSigningKeys(userPoolId, at)
    if (!revokeOld) return tx.settings.signingKeys(userPoolId)
    const kept = latestKeys(await tx.settings.signingKeys(userPoolId))
    await tx.settings.keepSigningKeys(
      userPoolId,
      kept.map(({ kid }) => kid),
    )
    return kept
  }
  // Another server may have been faster: then this one has done nothing.
  return onRecord(services, work, () =>
    added.length > 0 || now
      ? { userPoolId, eventType: 'KeyRotation', detail: { keys: added, now, revokeOld } }
      : undefined,
  )
}

/** Of each use and algorithm the one that signs last. */
const latestKeys = (keys: readonly SigningKeyRecord[]): SigningKeyRecord[] => {
  const bySlot = Map.groupBy(keys, ({ use, algorithm }) => `${use} ${algorithm}`)
  return [...bySlot.values()].flatMap(
    (slot) => slot.toSorted((a, b) => b.activeAt.getTime() - a.activeAt.getTime())[0] ?? [],
  )
}

const poolsAtOnce = 20

/**
 * Rotates the keys that are as old as their pool's `SigningKeyRotationDays`, and lets go of private halves that will not
 * sign again. Work for the background; two servers may do it at the same time.
 * @returns the pools that got new keys
 */
export async function maintainSigningKeys(services: DomainServices): Promise<readonly string[]> {
  const at = services.clock.now()
  await services.store.settings.retireSigningKeys(at)
  const due = await services.store.settings.poolsWithSigningKeysDue(at, poolsAtOnce)
  for (const userPoolId of due) await rotateSigningKeys(services, { userPoolId })
  return due
}
