/** How a user pool takes passkeys (Cognito: WebAuthnConfiguration). */
export interface PasskeySettings {
  /** Of which all the pool's domains are sub-domains; absent: each domain has passkeys of its own. */
  relyingPartyId?: string
  /** The authenticator must make sure of the person, by a PIN or a finger, at each use. */
  requiresUserVerification: boolean
  /** One that has made sure of the person is two factors in one: what is held, and what is known or shown. */
  countsAsTwoFactors: boolean
}

/** A credential as WebAuthn Level 3 §4 has it: a key pair of which the private half never leaves its authenticator. */
export interface Passkey {
  userPoolId: string
  userSub: string
  /** The credential ID, in base64url. */
  id: string
  /** The domain that it works for. */
  rpId: string
  /** COSE_Key, in base64url. */
  publicKey: string
  /** Signature counter; 0 where the authenticator has none. */
  counter: number
  transports: readonly string[]
  /** Built into the device or the browser, as opposed to a key that is plugged in or another device's. */
  isPlatform: boolean
  /** What the owner knows it by. */
  name: string
}

/** As stored. */
export interface OwnedPasskey extends Passkey {
  createdAt: Date
  lastUsedAt?: Date
}

/** Cognito: of one user. */
export const maximumPasskeys = 20

/** COSE algorithm identifiers, best first (Cognito: ES256 and RS256). */
export const passkeyAlgorithms = [-7, -257]

/** Letters that a name may have; longer ones are cut. */
export const maximumPasskeyNameLength = 60

/** What the proof of a passkey adds to `amr` (reference: hosted UI, levels of assurance). */
export const passkeyAmr = ({ isPlatform }: Pick<Passkey, 'isPlatform'>): string => (isPlatform ? 'swk' : 'hwk')
