import type { AppClient } from '../app-clients/app-client.ts'
import type { DomainServices } from '../ports/services.ts'
import type { TokenSubject } from '../ports/store.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import { accessTokenClaims, clientAccessTokenClaims, idTokenClaims } from './claims.ts'
import type { Grant } from './grant.ts'
import { accessTokenHash, signToken } from './sign-token.ts'

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
  const keys = snapshot.keys.current
  const accessToken = await signToken(
    keys.access,
    accessTokenClaims(issuer, appClient, grant, subject, {
      issuedAt,
      lifetimeSeconds: appClient.accessTokenSeconds,
      jti: services.random.uuid(),
    }),
  )
  const base = { accessToken, expiresIn: appClient.accessTokenSeconds, scope: grant.scope }
  if (!grant.scope.split(' ').includes('openid')) return base
  const times = { issuedAt, lifetimeSeconds: appClient.idTokenSeconds, jti: services.random.uuid() }
  const extra = { atHash: accessTokenHash(keys.access, accessToken), ...(nonce === undefined ? {} : { nonce }) }
  const idToken = await signToken(keys.id, idTokenClaims(issuer, appClient, grant, subject, times, extra))
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
  const claims = clientAccessTokenClaims(snapshot.userPool.issuer, appClient, scope, {
    issuedAt: services.clock.now(),
    lifetimeSeconds: appClient.accessTokenSeconds,
    jti: services.random.uuid(),
  })
  const accessToken = await signToken(snapshot.keys.current.access, claims)
  return { accessToken, expiresIn: appClient.accessTokenSeconds, scope }
}
