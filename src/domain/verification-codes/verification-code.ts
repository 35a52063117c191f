import type { VerifiableAttribute } from '../user-pools/user-pool.ts'

/** `reset_pending` goes to an address that waits to take the place of the one that `reset` goes to. */
export type CodePurpose = 'sign_up' | 'sign_in' | 'reset' | 'reset_pending' | 'verify_email' | 'verify_phone_number'

export interface VerificationCode {
  userPoolId: string
  userSub: string
  purpose: CodePurpose
  attribute: VerifiableAttribute
  /** The address it went to: what a right answer proves. */
  destination: string
  /** HMAC of the code under the server's own key: six digits alone could be guessed from a plain hash. */
  codeHash: string
  sentAt: Date
  expiresAt: Date
  /** Of a link: SHA-256 of the handle of the browser that asked for it. */
  browserHash?: string
  /** Of a link: the flow that waits in that browser. */
  sealedFlowId?: string
}

/** What is stored of a link, spent or not. */
export interface StoredLink extends Pick<
  VerificationCode,
  'codeHash' | 'destination' | 'expiresAt' | 'browserHash' | 'sealedFlowId'
> {
  spent: boolean
}

/** What one try at a code came to. `spent`: another try was right, and the code would still be good. */
export type CodeAttempt =
  | { kind: 'matched'; attribute: VerifiableAttribute; destination: string }
  | { kind: 'mismatch' }
  | { kind: 'expired' }
  | { kind: 'spent' }
