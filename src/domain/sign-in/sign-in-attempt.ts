import type { CodeMfaType, MfaType } from '../mfa/mfa-type.ts'

/** Cognito's ChallengeNameType, as far as the pages know them. */
export type ChallengeName = 'NEW_PASSWORD_REQUIRED' | 'SELECT_MFA_TYPE' | 'MFA_SETUP' | MfaType

/** A sign-in that has proved something but not everything (design §3): no session, and worth nothing anywhere else. */
export interface SignInAttempt {
  /** SHA-256 of the handle that the front door holds. */
  idHash: string
  userPoolId: string
  clientId: string
  userSub: string
  challenge: ChallengeName
  /** RFC 8176 values of what has been proved so far. */
  amr: readonly string[]
  startedAt: Date
  expiresAt: Date
  /** HMAC of the code that was sent for this very attempt. */
  codeHash?: string
  /** Where it went: what a right answer proves. */
  destination?: string
  codeSentAt?: Date
  /** During MFA_SETUP: the factor that is being set up. */
  settingUp?: CodeMfaType
  /** During the set-up of an authenticator app: its secret. */
  sealedSecret?: string
}

/** What changes in an attempt while it goes on; `null` empties. */
export interface AttemptChange {
  challenge?: ChallengeName
  codeHash?: string | null
  destination?: string | null
  codeSentAt?: Date | null
  settingUp?: CodeMfaType | null
  sealedSecret?: string | null
}
