export const signingAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const

/** RFC 7518 §3.1, RFC 8037 §3.1 */
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** Cognito signs ID tokens and access tokens with different keys. */
export type KeyUse = 'id' | 'access'

export interface SigningKeyRecord {
  kid: string
  userPoolId: string
  use: KeyUse
  algorithm: SigningAlgorithm
  publicJwk: Readonly<Record<string, unknown>>
  /** PKCS #8, sealed; absent once the next key has taken over. */
  sealedPrivateKey?: string
  createdAt: Date
  /** From when on it signs, until the next one of its use and algorithm does. */
  activeAt: Date
  /** `kid` of the key that it follows; empty for the first one. */
  predecessor: string
}
