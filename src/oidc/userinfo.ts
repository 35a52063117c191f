import type { Context } from 'koa'
import { hasConsent } from '../domain/consents/check-consent.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { userInfoClaims } from '../domain/tokens/claims.ts'
import { mayReceiveTokens } from '../domain/tokens/redeem-code.ts'
import { verifyToken } from '../domain/tokens/verify-token.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { answerCors, answerPoolCors } from './cors.ts'

/**
 * OIDC Core §5.3 and Cognito's /oauth2/userInfo: our own, because the engine's refuses access tokens that carry `aud`.
 * A signature check and one row: a token of a revoked grant or of a disabled user ends here at once.
 */
export async function answerUserInfo(services: DomainServices, tenant: Tenant, ctx: Context): Promise<void> {
  const { snapshot } = tenant
  ctx.set({ 'Cache-Control': 'no-store', 'X-Frame-Options': 'DENY' })
  answerPoolCors(ctx, snapshot)
  const token = bearerToken(ctx)
  if (token === undefined) return refuse(ctx, 400, 'invalid_request', 'Bad OAuth2 request at UserInfo Endpoint')
  const claims = await verifyToken(services.clock, snapshot, token, 'access')
  const appClient = snapshot.appClients.get(typeof claims?.['client_id'] === 'string' ? claims['client_id'] : '')
  if (typeof claims?.sub !== 'string' || appClient === undefined) return refuseToken(ctx)
  if (!answerCors(ctx, snapshot, appClient.id))
    return refuse(ctx, 403, 'invalid_request', 'this origin is not registered')
  const scopes = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
  if (!scopes.includes('openid')) return refuseToken(ctx)
  const grantId = typeof claims['origin_jti'] === 'string' ? claims['origin_jti'] : undefined
  const found = await services.store.grants.findSubject(snapshot.userPool.id, claims.sub, grantId)
  const authTime = new Date(Number(claims['auth_time']) * 1000)
  const { userPool } = snapshot
  if (found === undefined || found.grantRevoked || !mayReceiveTokens(userPool, found.user, authTime))
    return refuseToken(ctx)
  if (!(await hasConsent(services, appClient, claims.sub, scopes))) return refuseToken(ctx)
  ctx.body = userInfoClaims(appClient, found.user, scopes)
}

/** RFC 6750 §2.1; tokens in a query or body are not taken. */
function bearerToken(ctx: Context): string | undefined {
  const [scheme, token, ...rest] = ctx.get('Authorization').split(' ')
  return scheme?.toLowerCase() === 'bearer' && token && rest.length === 0 ? token : undefined
}

const refuseToken = (ctx: Context): void =>
  refuse(
    ctx,
    401,
    'invalid_token',
    'Access token is expired, disabled, or deleted, or the user has globally signed out.',
  )

function refuse(ctx: Context, status: number, error: string, description: string): void {
  ctx.status = status
  ctx.set('WWW-Authenticate', `Bearer error="${error}", error_description="${description}"`)
  ctx.body = { error, error_description: description }
}
