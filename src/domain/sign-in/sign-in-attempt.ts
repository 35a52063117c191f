/** Cognito's ChallengeNameType, as far as the pages know them. */
export type ChallengeName = 'NEW_PASSWORD_REQUIRED'

/** A sign-in that has proved something but not everything (design §3). */
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
}
