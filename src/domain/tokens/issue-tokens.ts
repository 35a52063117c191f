import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import type { TokenSubject } from '../ports/store.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import { accessTokenClaims, clientAccessTokenClaims, idTokenClaims } from './claims.ts'
import type { ClaimSet } from './claims.ts'
import { defaultAudience } from './default-audience.ts'
import type { Grant } from './grant.ts'
import { accessTokenHash, signToken } from './sign-token.ts'
import { signerOf } from './signing-key-set.ts'
import type { SigningAlgorithm } from './signing-key.ts'

export interface IssuedTokens {
  accessToken: string
  /** Only with the `openid` scope. */
  idToken?: string
  /** Seconds that the access token lives. */
  expiresIn: number
  scope: string
}

/** Signs the access token and, with `openid`, the ID token of a grant. */
export async function issueTokens(
  services: Pick<DomainServices, 'clock' | 'random'>,
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  grant: Grant,
  subject: TokenSubject,
  nonce?: string,
): Promise<IssuedTokens> {
  const { issuer } = snapshot.userPool
  const issuedAt = services.clock.now()
  const accessClaims = accessTokenClaims(issuer, appClient, grant, subject, {
    issuedAt,
    lifetimeSeconds: appClient.accessTokenSeconds,
    jti: services.random.uuid(),
  })
  const accessToken = await signAccessToken(snapshot, appClient, accessClaims, grant.scope, issuedAt)
  const base = { accessToken, expiresIn: appClient.accessTokenSeconds, scope: grant.scope }
  if (!grant.scope.split(' ').includes('openid')) return base
  const times = { issuedAt, lifetimeSeconds: appClient.idTokenSeconds, jti: services.random.uuid() }
  const idKey = signerOf(snapshot.keys, 'id', algorithmOf(snapshot, appClient), issuedAt)
  const extra = { atHash: accessTokenHash(idKey, accessToken), ...(nonce === undefined ? {} : { nonce }) }
  const idToken = await signToken(idKey, idTokenClaims(issuer, appClient, grant, subject, times, extra))
  return { ...base, idToken }
}

/** RFC 6749 §4.4: a token of the client itself. */
export async function issueClientToken(
  services: Pick<DomainServices, 'clock' | 'random'>,
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  scopes: readonly string[],
): Promise<IssuedTokens> {
  const scope = scopes.join(' ')
  const issuedAt = services.clock.now()
  const claims = clientAccessTokenClaims(snapshot.userPool.issuer, appClient, scope, {
    issuedAt,
    lifetimeSeconds: appClient.accessTokenSeconds,
    jti: services.random.uuid(),
  })
  const accessToken = await signAccessToken(snapshot, appClient, claims, scope, issuedAt)
  return { accessToken, expiresIn: appClient.accessTokenSeconds, scope }
}

/** In the form that the app client asks for. RFC 9068's has an audience always, Cognito's only the one asked for. */
function signAccessToken(
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  claims: ClaimSet,
  scope: string,
  issuedAt: Date,
): Promise<string> {
  const key = signerOf(snapshot.keys, 'access', algorithmOf(snapshot, appClient), issuedAt)
  if (appClient.accessTokenFormat === 'COGNITO') return signToken(key, claims)
  return signToken(key, { aud: defaultAudience(snapshot, scope), ...claims }, 'at+jwt')
}

const algorithmOf = ({ userPool }: UserPoolSnapshot, { signingAlgorithm }: AppClient): SigningAlgorithm =>
  signingAlgorithm ?? userPool.signingAlgorithm
