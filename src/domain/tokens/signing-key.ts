export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** Cognito signs ID tokens and access tokens with different keys. */
export type KeyUse = 'id' | 'access'

export interface SigningKeyRecord {
  kid: string
  userPoolId: string
  use: KeyUse
  algorithm: SigningAlgorithm
  publicJwk: Readonly<Record<string, unknown>>
  /** PKCS #8, sealed. */
  sealedPrivateKey: string
  createdAt: Date
}
