import { onRecord, responseOf } from '../audit/record.ts'
import { usableMfaTypes } from '../mfa/usable-mfa-types.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { authenticatorName } from './authenticator-name.ts'
import { verifyNewPasskey } from './ceremony.ts'
import type { Ceremony, NewPasskey } from './ceremony.ts'
import { maximumPasskeyNameLength, maximumPasskeys } from './passkey.ts'
import type { Passkey } from './passkey.ts'
import { hasPasskeys } from './relying-party.ts'

/* Passkeys as their owner manages them, signed in and freshly authenticated. */

export interface OwnPasskeys {
  userPool: UserPool
  user: User
}

export type AddPasskeyOutcome =
  | { kind: 'done'; passkey: Passkey; userVerified: boolean }
  /** `known`: it is there already, this user's or another's. */
  | { kind: 'refused'; reason: 'notVerified' | 'notAvailable' | 'tooMany' | 'known' }

/**
 * Cognito's CompleteWebAuthnRegistration.
 * @param request.credential what the browser sent, as JSON
 * @param request.name for an authenticator that does not tell its own
 */
export async function addPasskey(
  services: DomainServices,
  request: OwnPasskeys & { ceremony: Ceremony; credential: string; name: string },
): Promise<AddPasskeyOutcome> {
  const { userPool, user, ceremony } = request
  const made = await verifyNewPasskey(services, userPool, ceremony, request.credential)
  const name = nameOfNew(made, request.name)
  const outcome = await onRecord(
    services,
    async (tx): Promise<AddPasskeyOutcome> =>
      made === undefined
        ? { kind: 'refused', reason: 'notVerified' }
        : storePasskey(services, tx, request, made, { rpId: ceremony.rp.id, name }),
    (added) => ({
      userPoolId: userPool.id,
      eventType: 'PasskeyAdd',
      userSub: user.sub,
      ...responseOf(added),
      detail: { rpId: ceremony.rp.id },
    }),
  )
  services.messagesQueued()
  return outcome
}

/** Within a transaction; `made` is what the ceremony has verified. */
export async function storePasskey(
  services: DomainServices,
  tx: Repositories,
  { userPool, user }: OwnPasskeys,
  made: NewPasskey,
  { rpId, name }: Pick<Passkey, 'rpId' | 'name'>,
): Promise<AddPasskeyOutcome> {
  const at = services.clock.now()
  const now = await tx.users.lockBySub(userPool.id, user.sub)
  if (now?.enabled !== true || !hasPasskeys(userPool)) return { kind: 'refused', reason: 'notAvailable' }
  const { hash, expiresAt } = made.challenge
  if (!(await tx.oneTime.spend(userPool.id, hash, expiresAt))) return { kind: 'refused', reason: 'notVerified' }
  const owned = await tx.passkeys.ofUser(userPool.id, user.sub)
  if (owned.length >= maximumPasskeys) return { kind: 'refused', reason: 'tooMany' }
  const { id, publicKey, counter, transports, isPlatform } = made
  const passkey: Passkey = {
    userPoolId: userPool.id,
    userSub: user.sub,
    id,
    rpId,
    publicKey,
    counter,
    transports,
    isPlatform,
    name: nameBeside(owned, name),
  }
  if (!(await tx.passkeys.add(passkey, at))) return { kind: 'refused', reason: 'known' }
  await tx.users.update(userPool.id, user.sub, { hasPasskeys: true }, at)
  await notifyOwner(services, tx, now, 'passkeyAdded')
  return { kind: 'done', passkey, userVerified: made.userVerified }
}

/** Told from those that are there: `Windows Hello 2`. */
function nameBeside(owned: readonly Pick<Passkey, 'name'>[], name: string): string {
  const isTaken = (candidate: string): boolean => owned.some((each) => each.name === candidate)
  const numbered = (number: number): string => (number === 1 ? name : `${name} ${number}`)
  let number = 1
  while (isTaken(numbered(number))) number += 1
  return numbered(number)
}

/** What its authenticator is called, if it tells; else as it was named. */
export const nameOfNew = (made: NewPasskey | undefined, name: string): string =>
  passkeyName((made && authenticatorName(made.model)) ?? name)

/** In one line, without what is at its ends, and not too long. Empty: it is no name. */
const passkeyName = (typed: string): string =>
  Array.from(
    typed
      .toWellFormed()
      .replaceAll(/[\p{Cc}\s]+/gu, ' ')
      .trim(),
  )
    .slice(0, maximumPasskeyNameLength)
    .join('')
    .trim()

/** False: there is no such passkey of theirs. An empty name changes nothing. */
export async function renamePasskey(
  services: DomainServices,
  { userPool, user, id, name }: OwnPasskeys & { id: string; name: string },
): Promise<boolean> {
  const written = passkeyName(name)
  if (written === '') return false
  return services.store.passkeys.rename({ userPoolId: userPool.id, userSub: user.sub, id, name: written })
}

export type RemovePasskeyOutcome =
  | { kind: 'done' }
  /** `required`: the user pool insists on a second factor, and this is the last. */
  | { kind: 'refused'; reason: 'required' | 'notAvailable' }

/** Cognito's DeleteWebAuthnCredential. */
export async function removePasskey(
  services: DomainServices,
  { userPool, user, id }: OwnPasskeys & { id: string },
): Promise<RemovePasskeyOutcome> {
  const outcome = await onRecord(
    services,
    async (tx): Promise<RemovePasskeyOutcome> => {
      const own = { userPoolId: userPool.id, userSub: user.sub, id }
      const now = await tx.users.lockBySub(userPool.id, user.sub)
      const owned = await tx.passkeys.ofUser(userPool.id, user.sub)
      if (now === undefined || !owned.some((passkey) => passkey.id === id)) {
        return { kind: 'refused', reason: 'notAvailable' }
      }
      if (owned.length === 1) {
        const mfaTypes = (now.mfaTypes ?? []).filter((type) => type !== 'WEB_AUTHN')
        const { preferredMfa, ...left } = { ...now, mfaTypes, hasPasskeys: false }
        if (userPool.mfaConfiguration === 'ON' && usableMfaTypes(userPool, left).length === 0) {
          return { kind: 'refused', reason: 'required' }
        }
        const change = {
          hasPasskeys: false,
          mfaTypes,
          preferredMfa: preferredMfa === 'WEB_AUTHN' ? null : (preferredMfa ?? null),
        }
        await tx.users.update(userPool.id, user.sub, change, services.clock.now())
      }
      await tx.passkeys.delete(own)
      // It may have been what was shown in them.
      await tx.devices.forgetOfUser(userPool.id, user.sub)
      await notifyOwner(services, tx, now, 'passkeyRemoved')
      return { kind: 'done' }
    },
    (removed) => ({
      userPoolId: userPool.id,
      eventType: 'PasskeyRemove',
      userSub: user.sub,
      ...responseOf(removed),
    }),
  )
  services.messagesQueued()
  return outcome
}
