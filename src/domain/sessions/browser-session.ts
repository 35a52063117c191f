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
  /** The cookie ends with the browser. */
  transient: boolean
  /** The person asked to be kept signed in. */
  remembered: boolean
  /** When it last signed somebody in to an app without asking, to the minute; absent: not since `authTime`. */
  lastUsedAt?: Date
  expiresAt: Date
}

/** What its user is shown of a browser session. */
export interface SignedInBrowser {
  uid: string
  authTime: Date
  lastUsedAt?: Date
  amr: readonly string[]
  /** The IP address, and what the browser called itself, at the sign-in; absent: not known. */
  address?: string
  userAgent?: string
}

/** The engine's record of an authorization request that waits for the person. */
export interface InteractionRecord {
  idHash: string
  userPoolId: string
  payload: Readonly<Record<string, unknown>>
  expiresAt: Date
}
