import type { MessageTemplates } from '../messages/message-template.ts'
import type { SigningAlgorithm } from '../tokens/signing-key.ts'
import type { Terms } from '../user-pools/terms.ts'

/** An app client's settings with every default filled in. */
export interface AppClient {
  userPoolId: string
  id: string
  name: string
  /** Any of them is good; none: a public client. Held in clear in memory only; sealed at rest. */
  secrets: readonly string[]
  callbackUrls: readonly string[]
  logoutUrls: readonly string[]
  defaultRedirectUri?: string
  /** None where Cognito's AllowedOAuthFlowsUserPoolClient is false. */
  allowedOAuthFlows: readonly OAuthFlow[]
  allowedOAuthScopes: readonly string[]
  explicitAuthFlows: readonly string[]
  supportedIdentityProviders: readonly string[]
  /** Seconds. */
  accessTokenSeconds: number
  idTokenSeconds: number
  refreshTokenSeconds: number
  refreshTokenRotation: RefreshTokenRotation
  /** Attribute names readable and writable through this client; absent: the standard ones. */
  readAttributes?: readonly string[]
  writeAttributes?: readonly string[]
  /** Cognito's PreventUserExistenceErrors; Latchkey's default is true. */
  preventUserExistenceErrors: boolean
  enableTokenRevocation: boolean
  /** Cognito's own form of access token, or RFC 9068's (`at+jwt` with `aud`). */
  accessTokenFormat: 'COGNITO' | 'RFC9068'
  /** Minutes that a challenge stays answerable. */
  authSessionValidityMinutes: number
  /** PKCE with S256: by default required of public clients only. */
  requirePkce: boolean
  /** Absent: the user pool's. */
  signingAlgorithm?: SigningAlgorithm
  /** Not one of the operator's own: it gets only what the user has allowed it on the consent page. */
  thirdParty: boolean
  branding: { name?: string; logoUrl?: string }
  /** In place of the pool's. */
  messageTemplates: MessageTemplates
  /** This client's own limits, in seconds; what is absent is the pool's. */
  ssoSession: { maxSeconds?: number; idleSeconds?: number }
  /** In place of the pool's. */
  terms?: Terms
}

export type OAuthFlow = 'code' | 'implicit' | 'client_credentials'

export interface RefreshTokenRotation {
  enabled: boolean
  /** 0 to 60 seconds in which a spent refresh token answers with the same successor. */
  graceSeconds: number
}

export interface ResourceServer {
  userPoolId: string
  identifier: string
  name: string
  scopes: readonly { name: string; description: string }[]
}
