/** An authorization code's row: what the token endpoint needs to answer it. */
export interface AuthorizationCode {
  codeHash: string
  userPoolId: string
  clientId: string
  userSub: string
  redirectUri: string
  scope: string
  nonce?: string
  codeChallenge?: string
  resource?: string
  authTime: Date
  amr: readonly string[]
  acr?: string
  /** Uid of the browser session it came from. */
  sessionUid?: string
  expiresAt: Date
}

/** A family of refresh tokens; its id is the `origin_jti` claim. */
export interface Grant {
  id: string
  userPoolId: string
  clientId: string
  userSub: string
  scope: string
  resource?: string
  authTime: Date
  amr: readonly string[]
  acr?: string
  eventId: string
  sessionUid?: string
  createdAt: Date
  expiresAt: Date
  revokedAt?: Date
}
