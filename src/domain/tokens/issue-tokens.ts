import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import type { TokenSubject } from '../ports/store.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import { accessTokenClaims, clientAccessTokenClaims, idTokenClaims } from './claims.ts'
import type { Grant } from './grant.ts'
import { accessTokenHash, signToken } from './sign-token.ts'
import { signerOf } from './signing-key-set.ts'

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
  const algorithm = appClient.signingAlgorithm ?? snapshot.userPool.signingAlgorithm
  const accessKey = signerOf(snapshot.keys, 'access', algorithm, issuedAt)
  const accessToken = await signToken(
    accessKey,
    accessTokenClaims(issuer, appClient, grant, subject, {
      issuedAt,
      lifetimeSeconds: appClient.accessTokenSeconds,
      jti: services.random.uuid(),
    }),
  )
  const base = { accessToken, expiresIn: appClient.accessTokenSeconds, scope: grant.scope }
  if (!grant.scope.split(' ').includes('openid')) return base
  const times = { issuedAt, lifetimeSeconds: appClient.idTokenSeconds, jti: services.random.uuid() }
  const idKey = signerOf(snapshot.keys, 'id', algorithm, issuedAt)
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
  const algorithm = appClient.signingAlgorithm ?? snapshot.userPool.signingAlgorithm
  const accessToken = await signToken(signerOf(snapshot.keys, 'access', algorithm, issuedAt), claims)
  return { accessToken, expiresIn: appClient.accessTokenSeconds, scope }
}
