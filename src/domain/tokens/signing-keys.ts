import { generateKeyPair } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import type { SealedBox } from '../../security/sealed-box.ts'
import type { SettingsRepository } from '../ports/store.ts'
import type { KeyUse, SigningAlgorithm, SigningKeyRecord } from './signing-key.ts'

const generate = promisify(generateKeyPair)

/** What a new key is for, and when it begins. */
export interface NewSigningKey {
  userPoolId: string
  use: KeyUse
  algorithm: SigningAlgorithm
  /** At once, if absent. */
  activeAt?: Date
  /** The first of its use and algorithm, if absent. */
  predecessor?: string
}

/** The purpose under which private keys are sealed. */
export const signingKeyPurpose = 'signing key'

/** Makes one key off the event loop; its kid has Cognito's form, 44 characters of base64. */
export async function createSigningKey(
  services: { random: Random; sealedBox: SealedBox; clock: Clock },
  { userPoolId, use, algorithm, activeAt, predecessor = '' }: NewSigningKey,
): Promise<SigningKeyRecord> {
  const { publicKey, privateKey } = await generators[algorithm]()
  const kid = services.random.bytes(32).toString('base64')
  const createdAt = services.clock.now()
  return {
    kid,
    userPoolId,
    use,
    algorithm,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
    sealedPrivateKey: services.sealedBox.seal(
      privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
      signingKeyPurpose,
    ),
    createdAt,
    activeAt: activeAt ?? createdAt,
    predecessor,
  }
}

type KeyPair = Promise<{ publicKey: KeyObject; privateKey: KeyObject }>

/** RFC 7518 §3.3 (2048 bits, as Cognito's) and §3.4; RFC 8037 §3.1 with Ed25519. */
const generators: Readonly<Record<SigningAlgorithm, () => KeyPair>> = {
  RS256: () => generate('rsa', { modulusLength: 2048 }),
  ES256: () => generate('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generate('ed25519'),
}

/** Makes the first pair of keys, one for ID and one for access tokens, of each algorithm that the pool has none of. */
export async function ensureSigningKeys(
  services: { settings: SettingsRepository; random: Random; sealedBox: SealedBox; clock: Clock },
  userPoolId: string,
  algorithms: Iterable<SigningAlgorithm>,
): Promise<void> {
  const existing = await services.settings.signingKeys(userPoolId)
  const missing = [...new Set(algorithms)]
    .flatMap((algorithm) => (['id', 'access'] as const).map((use) => ({ algorithm, use })))
    .filter(({ algorithm, use }) => !existing.some((key) => key.use === use && key.algorithm === algorithm))
  const made = await Promise.all(missing.map((key) => createSigningKey(services, { userPoolId, ...key })))
  for (const key of made) await services.settings.addSigningKey(key)
}
