import { sha256 } from '../../security/digest.ts'
import type { AppClient, ResourceServer } from '../app-clients/app-client.ts'
import { unreadableScope } from '../app-clients/attribute-access.ts'
import { liveScopes } from '../app-clients/scopes.ts'
import { hasConsent } from '../consents/check-consent.ts'
import type { DomainServices } from '../ports/services.ts'
import { preTokenGeneration } from '../triggers/pre-token-generation.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import type { User } from '../users/user.ts'
import type { Grant } from './grant.ts'
import { endReusedFamily, recordRefusal } from './grant-events.ts'
import { issueTokens } from './issue-tokens.ts'
import { mayReceiveTokens } from './redeem-code.ts'
import type { GrantOutcome } from './redeem-code.ts'

/**
 * Answers grant_type=refresh_token (RFC 6749 §6). Without rotation the token stays good. With it (RFC 9700 §4.14) a
 * token is spent once, in one statement that settles races; shown again within the grace window it answers with the same
 * successor, and after it with the end of the whole family (threat row C5).
 * @param scope narrows the access token to some of what was granted
 */
export async function refreshGrant(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  request: { refreshToken: string; scope: string | undefined },
): Promise<GrantOutcome> {
  const { grants } = services.store
  const userPoolId = snapshot.userPool.id
  const tokenHash = sha256(request.refreshToken)
  const found = await grants.findRefreshToken(userPoolId, tokenHash)
  const at = services.clock.now()
  if (found === undefined) return refuse('no such refresh token')
  const { grant, subject } = found
  const refuseOnRecord = async (detail: string): Promise<GrantOutcome> => {
    const about = { userPoolId, userSub: grant.userSub, clientId: appClient.id, hash: tokenHash }
    await recordRefusal(services, 'TokenRefresh', about, detail)
    return refuse(detail)
  }
  const refusal = whyRefused(snapshot.userPool, appClient, grant, subject.user, at)
  if (refusal !== undefined) return refuseOnRecord(refusal)
  const narrowed = narrowScope(grant, request.scope, snapshot.resourceServers)
  if (narrowed === undefined) return refuseOnRecord('scope was not granted')
  const scopes = narrowed.scope.split(' ')
  if (!(await hasConsent(services, appClient, grant.userSub, scopes))) return refuseOnRecord('no consent')
  const unreadable = unreadableScope(appClient, scopes)
  if (unreadable !== undefined) return refuseOnRecord(`ReadAttributes lack what the scope ${unreadable} demands`)

  const asked = { userPool: snapshot.userPool, appClient, subject, scope: narrowed.scope }
  const overrides = await preTokenGeneration(services, 'RefreshTokens', asked)

  // A token spent while rotation was on stays spent when it has been turned off since.
  if (!appClient.refreshTokenRotation.enabled && found.consumedAt === undefined) {
    return { kind: 'done', tokens: await issueTokens(services, snapshot, appClient, narrowed, subject, { overrides }) }
  }
  const successor = services.sealedBox.digest(request.refreshToken, 'refresh token successor')
  const won =
    found.consumedAt === undefined &&
    (await grants.rotate({ userPoolId, tokenHash, successorHash: sha256(successor), at }))
  if (!won) {
    // Spent by another request at this moment, or the family has ended since it was read: only the first has a grace.
    const spent = found.consumedAt === undefined ? await grants.findRefreshToken(userPoolId, tokenHash) : found
    if (spent?.consumedAt === undefined || spent.grant.revokedAt !== undefined) return refuse('refresh token revoked')
    if (!withinGrace(appClient, spent.consumedAt, at)) {
      await endReusedFamily(services, grant, 'refreshToken')
      return refuse('refresh token used before: family revoked')
    }
  }
  const tokens = await issueTokens(services, snapshot, appClient, narrowed, subject, { overrides })
  return { kind: 'done', tokens, refreshToken: successor }
}

function whyRefused(userPool: UserPool, appClient: AppClient, grant: Grant, user: User, at: Date): string | undefined {
  if (grant.clientId !== appClient.id) return 'refresh token of another client'
  if (grant.revokedAt !== undefined) return 'refresh token revoked'
  if (grant.expiresAt <= at) return 'refresh token expired'
  return mayReceiveTokens(userPool, user, grant.authTime) ? undefined : 'user disabled or signed out'
}

const withinGrace = (appClient: AppClient, consumedAt: Date, at: Date): boolean =>
  appClient.refreshTokenRotation.graceSeconds > 0 &&
  at.getTime() - consumedAt.getTime() <= appClient.refreshTokenRotation.graceSeconds * 1000

/** What was granted and the pool still knows, or what of it is asked for. */
function narrowScope(
  grant: Grant,
  scope: string | undefined,
  resourceServers: readonly ResourceServer[],
): Grant | undefined {
  const granted = liveScopes(grant.scope.split(' '), resourceServers)
  const wanted = [...new Set((scope ?? '').split(' ').filter((part) => part !== ''))]
  if (granted.length === 0 || !wanted.every((part) => granted.includes(part))) return undefined
  return { ...grant, scope: (wanted.length === 0 ? granted : wanted).join(' ') }
}

const refuse = (detail: string): GrantOutcome => ({ kind: 'refused', error: 'invalid_grant', detail })
