/** A browser's sign-in at a user pool, shared by the pool's app clients. */
export interface BrowserSession {
  /** SHA-256 of the cookie's value. */
  idHash: string
  /** Stable through changes of the cookie's value. */
  uid: string
  userPoolId: string
  userSub?: string
  authTime?: Date
  amr: readonly string[]
  acr?: string
  /** What the engine keeps a client: `{ [clientId]: { sid, grantId } }`. */
  authorizations: Readonly<Record<string, unknown>>
  transient: boolean
  expiresAt: Date
}

/** The engine's record of an authorization request that waits for the person. */
export interface InteractionRecord {
  idHash: string
  userPoolId: string
  payload: Readonly<Record<string, unknown>>
  expiresAt: Date
}
