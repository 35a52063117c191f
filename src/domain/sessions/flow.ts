import type { FirstCode } from '../passwordless/first-code.ts'
import type { ChallengeName } from '../sign-in/sign-in-attempt.ts'

/**
 * Seconds for which an expired flow is remembered: whoever comes back to a page that was left open overnight is offered
 * the same request anew.
 */
export const expiredFlowSeconds = 24 * 3600

/** What a person does on the pages between an authorization request and its answer; bound to one browser. */
export interface Flow {
  /** SHA-256 of the id in URL and form. */
  idHash: string
  userPoolId: string
  clientId: string
  /** Uid of the engine's interaction that waits for this flow; sealed, since whoever holds it can resume. */
  sealedInteractionUid: string
  /** SHA-256 of the browser's own cookie: another browser cannot walk this flow (threat row B4). */
  browserHash: string
  state: FlowState
  expiresAt: Date
  /** The person is signed in and back at the app; nothing of the flow is left but that. */
  finishedAt?: Date
}

export interface FlowState {
  /** The authorization request's own parameters, kept so that a page can be left and come back to. */
  request: Readonly<Record<string, string>>
  /** The page that the person last chose among those open to anybody. */
  chosen: 'login' | 'signUp' | 'forgotPassword' | 'selectAccount'
  /** Whoever was signed in when the flow began, by the name that they sign in with. */
  signedIn?: { userSub: string; name: string; remembered: boolean }
  /** Chosen on a page that offers it; absent: not chosen yet. */
  staySignedIn?: boolean
  /** Whoever has shown a second factor wants not to be asked for it again in this browser. */
  rememberDevice?: true
  /** The browser has an authenticator of its own, as its script says: worth offering a passkey. */
  hasAuthenticator?: true
  /** Whether to have a passkey from now on; `done`: answered. */
  passkeyOffer?: 'due' | 'done'
  /** Whoever is signed in shows one factor more; the sign-in itself stays as old as it is. */
  stepUp?: { authTime: number }
  /** What a trigger has said, for the page that comes next. */
  problem?: string
  /** What was typed as user name, so that no page asks for it twice. */
  username?: string
  pending?: PendingConfirmation | PendingReset | PendingSignInCode | PendingCustomChallenge
  /** Who has met the pool's own challenges: an app client may know no other way in. */
  customSignIn?: { userSub: string }
  /** Whom a provider has vouched for, and whether they have just come into being here. */
  federatedSignIn?: { userSub: string; provider: string; isNew: boolean }
  /** The stored sign-in attempt that waits for its challenge. */
  attempt?: { idHash: string; challenge: ChallengeName; missingAttributes: readonly string[] }
  /** `bySession`: not in this flow, but in the browser's session under which it began; it must still be there. */
  authenticated?: { userSub: string; authTime: number; amr: readonly string[]; bySession?: true }
  /** The request waits for the person's consent, or has just been given it; `given` is never stored. */
  consent?: 'due' | 'given'
}

/** Waits for a sign-up code: of a user, or of a decoy, whose address has an account already. */
export interface PendingConfirmation {
  kind: 'confirm'
  userSub?: string
  decoySub?: string
  destination: string
  /** A password has been checked or set in this very flow, so a right code signs in. */
  passwordProved: boolean
  /** A link was sent, and nothing is to be typed. */
  byLink?: true
  sentAt: number
}

/** Waits for a code that stands in for a password. */
export interface PendingSignInCode {
  kind: 'signInCode'
  factor: FirstCode
  /** Absent: the code went to nobody. */
  userSub?: string
  destination: string
  sentAt: number
}

/** Waits for the answer to a question of the pool's triggers. */
export interface PendingCustomChallenge {
  kind: 'customChallenge'
  idHash: string
}

export interface PendingReset {
  kind: 'reset'
  userSub?: string
  destination: string
  sentAt: number
}
