/** What a user has allowed a third-party app client. */
export interface Consent {
  userPoolId: string
  userSub: string
  clientId: string
  scopes: readonly string[]
  createdAt: Date
  /** When scopes were last added. */
  updatedAt: Date
}
