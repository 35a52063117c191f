import type { Context } from 'koa'
import { recordRefusedClient } from '../domain/app-clients/refused-client.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { revokeToken } from '../domain/tokens/revoke-token.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { authenticateClient, namedClient } from './client-authentication.ts'
import { answerCors, answerPoolCors } from './cors.ts'

/**
 * RFC 7009 and Cognito's /oauth2/revoke: a refresh token ends with every access token of its family. A failure of the
 * database is an error of ours, never a success (threat row C20).
 */
export async function answerRevocation(
  services: DomainServices,
  tenant: Tenant,
  ctx: Context,
  form: ReadonlyMap<string, string> | undefined,
): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  const { snapshot } = tenant
  answerPoolCors(ctx, snapshot)
  if (form === undefined) return refuse(ctx, 400, 'invalid_request')
  const client = await authenticateClient(services, snapshot, ctx.get('Authorization'), form)
  if (client.kind === 'refused' && client.reason === 'attemptsExceeded') {
    ctx.set('Retry-After', String(client.retryAfterSeconds))
    return refuse(ctx, 429, 'temporarily_unavailable')
  }
  if (client.kind === 'refused') {
    const named = namedClient(snapshot, ctx.get('Authorization'), form)
    if (named !== undefined) await recordRefusedClient(services, named)
    if (ctx.get('Authorization') !== '') ctx.set('WWW-Authenticate', `Basic realm="${snapshot.userPool.issuer}"`)
    return refuse(ctx, 401, 'invalid_client')
  }
  const { appClient } = client
  if (!answerCors(ctx, snapshot, appClient.id)) return refuse(ctx, 403, 'invalid_request')
  const token = form.get('token')
  if (token === undefined || token === '' || !appClient.enableTokenRevocation)
    return refuse(ctx, 400, 'invalid_request')
  // Ours are opaque: whatever has a JWT's shape is an ID or access token.
  if (token.split('.').length === 3) return refuse(ctx, 400, 'unsupported_token_type')
  await revokeToken(services, appClient, token)
  // No Content-Type: oidc-client-ts stumbles over text/plain with an empty body.
  ctx.status = 200
  ctx.body = null
  ctx.status = 200
  ctx.remove('Content-Type')
}

function refuse(ctx: Context, status: number, error: string): void {
  ctx.status = status
  ctx.body = { error }
}
