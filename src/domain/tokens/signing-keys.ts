import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import type { SettingsRepository } from '../ports/store.ts'
import type { KeyUse, SigningAlgorithm, SigningKeyRecord } from './signing-key.ts'

const generate = promisify(generateKeyPair)

/** A key ready for use: the private half opened, in memory only. */
export interface SigningKey {
  kid: string
  use: KeyUse
  algorithm: SigningAlgorithm
  publicJwk: Readonly<Record<string, unknown>>
  publicKey: KeyObject
  privateKey: KeyObject
  createdAt: Date
}

/** Of a user pool: which key signs what, and which ones verify. */
export interface SigningKeySet {
  current: Readonly<Record<KeyUse, SigningKey>>
  byKid: ReadonlyMap<string, SigningKey>
}

const sealPurpose = 'signing key'

/** Makes one RSA-2048 key (RFC 7518 §3.3) off the event loop; its kid has Cognito's form, 44 characters of base64. */
export async function createSigningKey(
  services: { random: Random; sealedBox: SealedBox; clock: Clock },
  userPoolId: string,
  use: KeyUse,
): Promise<SigningKeyRecord> {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 })
  const kid = services.random.bytes(32).toString('base64')
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  return {
    kid,
    userPoolId,
    use,
    algorithm: 'RS256',
    publicJwk: { kty, n, e, kid, alg: 'RS256', use: 'sig' },
    sealedPrivateKey: services.sealedBox.seal(
      privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
      sealPurpose,
    ),
    createdAt: services.clock.now(),
  }
}

/** Makes the pool's first pair of keys, one for ID and one for access tokens, if it has none. */
export async function ensureSigningKeys(
  services: { settings: SettingsRepository; random: Random; sealedBox: SealedBox; clock: Clock },
  userPoolId: string,
): Promise<void> {
  const existing = await services.settings.signingKeys(userPoolId)
  const missing = (['id', 'access'] as const).filter((use) => !existing.some((key) => key.use === use))
  const made = await Promise.all(missing.map((use) => createSigningKey(services, userPoolId, use)))
  for (const key of made) await services.settings.addSigningKey(key)
}

/** @param records newest first; the newest of each use signs, all of them verify */
export function openSigningKeys(records: readonly SigningKeyRecord[], sealedBox: SealedBox): SigningKeySet | undefined {
  const keys = records.map((record) => {
    const privateKey = createPrivateKey(sealedBox.open(record.sealedPrivateKey, sealPurpose))
    return { ...record, privateKey, publicKey: createPublicKey(privateKey) }
  })
  const id = keys.find((key) => key.use === 'id')
  const access = keys.find((key) => key.use === 'access')
  if (id === undefined || access === undefined) return undefined
  return { current: { id, access }, byKid: new Map(keys.map((key) => [key.kid, key])) }
}
