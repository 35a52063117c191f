import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import type { TokenSubject } from '../ports/store.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import { accessTokenClaims, clientAccessTokenClaims, idTokenClaims } from './claims.ts'
import { overrideAccessToken, overrideIdToken, overriddenScope } from './claim-overrides.ts'
import type { TokenOverrides } from './claim-overrides.ts'
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
  { nonce, overrides }: { nonce?: string | undefined; overrides?: TokenOverrides | undefined } = {},
): Promise<IssuedTokens> {
  const { issuer } = snapshot.userPool
  const issuedAt = services.clock.now()
  const lifetimeSeconds = appClient.accessTokenSeconds
  const accessTimes = { issuedAt, lifetimeSeconds, jti: services.random.uuid() }
  const ownClaims = accessTokenClaims(issuer, appClient, grant, subject, accessTimes)
  const accessClaims = overrideAccessToken(ownClaims, overrides, appClient.id)
  const accessToken = await signAccessToken(snapshot, appClient, accessClaims, grant.scope, issuedAt)
  const base = { accessToken, expiresIn: appClient.accessTokenSeconds, scope: overriddenScope(grant.scope, overrides) }
  if (!grant.scope.split(' ').includes('openid')) return base
  const times = { issuedAt, lifetimeSeconds: appClient.idTokenSeconds, jti: services.random.uuid() }
  const idKey = signerOf(snapshot.keys, 'id', algorithmOf(snapshot, appClient), issuedAt)
  const extra = { atHash: accessTokenHash(idKey, accessToken), ...(nonce === undefined ? {} : { nonce }) }
  const idClaims = overrideIdToken(idTokenClaims(issuer, appClient, grant, subject, times, extra), overrides)
  const idToken = await signToken(idKey, idClaims)
  return { ...base, idToken }
}

/** RFC 6749 §4.4: a token of the client itself. */
export async function issueClientToken(
  services: Pick<DomainServices, 'clock' | 'random'>,
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  scopes: readonly string[],
  overrides?: TokenOverrides,
): Promise<IssuedTokens> {
  const scope = overriddenScope(scopes.join(' '), overrides)
  const issuedAt = services.clock.now()
  const times = { issuedAt, lifetimeSeconds: appClient.accessTokenSeconds, jti: services.random.uuid() }
  const ownClaims = clientAccessTokenClaims(snapshot.userPool.issuer, appClient, scope, times)
  const claims = overrideAccessToken(ownClaims, overrides, appClient.id)
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
