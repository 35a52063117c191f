import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { addSeconds } from '../../platform/clock.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import type { KeyUse, SigningAlgorithm, SigningKeyRecord } from './signing-key.ts'
import { signingKeyPurpose } from './signing-keys.ts'

/* Which key signs, and which ones verify; all of it follows from the clock, so that every server comes to the same answer. */

/** No ID or access token lives longer than a day; the hour is for servers whose clocks differ. */
const publishedSeconds = 25 * 3600

/** A key ready for use: the private half opened, in memory only. */
export interface SigningKey {
  kid: string
  use: KeyUse
  algorithm: SigningAlgorithm
  publicJwk: Readonly<Record<string, unknown>>
  publicKey: KeyObject
  /** Absent: it only verifies. */
  privateKey?: KeyObject
  activeAt: Date
  /** When the last token that it signed has ended for certain; absent: nothing has followed it. */
  publishedUntil?: Date
}

/** Keys of a user pool, of each use and algorithm the latest to sign first. */
export interface SigningKeySet {
  byKid: ReadonlyMap<string, SigningKey>
}

/** @returns undefined when one of the two uses has no key at all */
export function openSigningKeys(records: readonly SigningKeyRecord[], sealedBox: SealedBox): SigningKeySet | undefined {
  const ordered = records.toSorted((a, b) => b.activeAt.getTime() - a.activeAt.getTime())
  const keys = ordered.map(({ kid, use, algorithm, publicJwk, sealedPrivateKey, activeAt }): SigningKey => {
    const next = ordered.findLast(
      (other) => other.use === use && other.algorithm === algorithm && other.activeAt > activeAt,
    )
    return {
      kid,
      use,
      algorithm,
      publicJwk,
      publicKey: createPublicKey({ key: { ...publicJwk }, format: 'jwk' }),
      ...(sealedPrivateKey === undefined
        ? {}
        : { privateKey: createPrivateKey(sealedBox.open(sealedPrivateKey, signingKeyPurpose)) }),
      activeAt,
      ...(next === undefined ? {} : { publishedUntil: addSeconds(next.activeAt, publishedSeconds) }),
    }
  })
  const complete = (['id', 'access'] as const).every((use) => keys.some((key) => key.use === use && key.privateKey))
  return complete ? { byKid: new Map(keys.map((key) => [key.kid, key])) } : undefined
}

/**
 * The key that signs now: the latest whose time has come.
 * @throws Error when the pool has no key of this algorithm: they are made before a setting asks for it
 */
export function signerOf(
  keys: SigningKeySet,
  use: KeyUse,
  algorithm: SigningAlgorithm,
  at: Date,
): SigningKey & { privateKey: KeyObject } {
  const able = [...keys.byKid.values()].filter(
    (key): key is SigningKey & { privateKey: KeyObject } =>
      key.use === use && key.algorithm === algorithm && key.privateKey !== undefined,
  )
  // A server whose clock is behind may find none whose time has come: the first of them is the nearest.
  const signer = able.find(({ activeAt }) => activeAt <= at) ?? able.at(-1)
  if (signer === undefined) throw new Error(`the user pool has no ${algorithm} key for ${use} tokens`)
  return signer
}

/** What the JWKS shows: the next key, the one that signs, and those whose last token may be alive. */
export const publishedKeys = (keys: SigningKeySet, at: Date): readonly SigningKey[] =>
  [...keys.byKid.values()].filter(({ publishedUntil }) => publishedUntil === undefined || publishedUntil > at)

/** When the next key leaves the JWKS; undefined: as things are, none will. */
export function nextUnpublished(keys: SigningKeySet, at: Date): Date | undefined {
  const times = publishedKeys(keys, at).flatMap(({ publishedUntil }) => publishedUntil ?? [])
  return times.toSorted((a, b) => a.getTime() - b.getTime())[0]
}
