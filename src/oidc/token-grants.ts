import { errors } from 'oidc-provider'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { decideScopes } from '../domain/app-clients/scopes.ts'
import type { AppClient } from '../domain/app-clients/app-client.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { issueClientToken } from '../domain/tokens/issue-tokens.ts'
import type { IssuedTokens } from '../domain/tokens/issue-tokens.ts'
import { redeemCode } from '../domain/tokens/redeem-code.ts'
import type { GrantOutcome } from '../domain/tokens/redeem-code.ts'
import { refreshGrant } from '../domain/tokens/refresh-grant.ts'
import { preClientTokenGeneration } from '../domain/triggers/pre-token-generation.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { askedBy } from '../platform/http/caller.ts'
import type { Log } from '../platform/log.ts'
import { unlessDenied } from './trigger-errors.ts'
import { refuseAfterFailures } from './token-limits.ts'

/**
 * Puts the domain's tokens into the engine's token endpoint, which still reads the request and authenticates the client
 * (design decision 7): registering a grant type replaces the engine's own handler.
 */
export function registerGrants(
  provider: Provider,
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  log: Log,
): void {
  const answer = (ctx: KoaContextWithOIDC, outcome: GrantOutcome): void => {
    if (outcome.kind === 'refused') {
      log.info(
        { userPool: snapshot.userPool.id, client: ctx.oidc.client?.clientId, detail: outcome.detail },
        'token refused',
      )
      throw grantError(outcome)
    }
    ctx.body = tokenResponse(outcome.tokens, outcome.refreshToken)
  }
  provider.registerGrantType<{ code?: string; redirect_uri?: string; code_verifier?: string }>(
    'authorization_code',
    async (ctx) => {
      refuseAfterFailures(services, snapshot, ctx)
      requireFlow(snapshot, ctx)
      const { code, redirect_uri: redirectUri, code_verifier: codeVerifier } = ctx.oidc.params
      if (code === undefined) throw new errors.InvalidRequest("missing required parameter 'code'")
      const shown = { code, redirectUri, codeVerifier }
      const asking = askedBy(services, ctx.req)
      answer(ctx, await unlessDenied(redeemCode(asking, snapshot, clientOf(snapshot, ctx), shown)))
    },
    ['code', 'redirect_uri', 'code_verifier'],
  )
  provider.registerGrantType<{ refresh_token?: string; scope?: string }>(
    'refresh_token',
    async (ctx) => {
      refuseAfterFailures(services, snapshot, ctx)
      requireFlow(snapshot, ctx)
      const { refresh_token: refreshToken, scope } = ctx.oidc.params
      if (refreshToken === undefined) throw new errors.InvalidRequest("missing required parameter 'refresh_token'")
      const asking = askedBy(services, ctx.req)
      const shown = { refreshToken, scope }
      answer(ctx, await unlessDenied(refreshGrant(asking, snapshot, clientOf(snapshot, ctx), shown)))
    },
    ['refresh_token', 'scope'],
  )
  registerClientCredentials(provider, services, snapshot)
}

function registerClientCredentials(provider: Provider, services: DomainServices, snapshot: UserPoolSnapshot): void {
  provider.registerGrantType<{ scope?: string; aws_client_metadata?: string }>(
    'client_credentials',
    async (ctx) => {
      refuseAfterFailures(services, snapshot, ctx)
      const clientMetadata = clientMetadataIn(ctx.oidc.params.aws_client_metadata)
      if (clientMetadata === 'malformed') {
        throw new errors.InvalidRequest('aws_client_metadata must be a JSON object of strings')
      }
      const appClient = clientOf(snapshot, ctx)
      const decision = decideScopes(appClient, snapshot.resourceServers, ctx.oidc.params.scope, 'client_credentials')
      if (!decision.ok) throw new errors.CustomOIDCProviderError(decision.error, decision.reason)
      const asking = askedBy(services, ctx.req)
      const asked = { userPool: snapshot.userPool, appClient, scopes: decision.scopes, clientMetadata }
      const overrides = await unlessDenied(preClientTokenGeneration(asking, asked))
      ctx.body = tokenResponse(await issueClientToken(asking, snapshot, appClient, decision.scopes, overrides))
    },
    ['scope', 'aws_client_metadata'],
  )
}

/** Cognito's ClientMetadata of this grant: for a trigger alone, never part of a token. */
function clientMetadataIn(text: string | undefined): Readonly<Record<string, string>> | 'malformed' | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const isWell = isPlainObject(value) && Object.values(value).every((member) => typeof member === 'string')
    return isWell ? (value as Record<string, string>) : 'malformed'
  } catch {
    return 'malformed'
  }
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Cognito's name for a redirect URI that is not the one of the authorization request is unauthorized_client. */
function grantError(outcome: Extract<GrantOutcome, { kind: 'refused' }>): Error {
  if (outcome.error === 'redirect_mismatch') {
    return new errors.CustomOIDCProviderError('unauthorized_client', 'invalid_redirect')
  }
  return new errors.InvalidGrant('the grant is invalid, expired or revoked')
}

function clientOf(snapshot: UserPoolSnapshot, ctx: KoaContextWithOIDC): AppClient {
  // RFC 7521 §4.2: an assertion is there to be checked, and none is ever taken (threat row C20).
  if (ctx.oidc.body?.['client_assertion'] !== undefined) throw new errors.InvalidClient('assertions are not supported')
  const appClient = snapshot.appClients.get(ctx.oidc.client?.clientId ?? '')
  if (appClient === undefined) throw new errors.InvalidClient('client is invalid')
  return appClient
}

/** The engine takes implicit clients for clients of the code flow (client-metadata). */
function requireFlow(snapshot: UserPoolSnapshot, ctx: KoaContextWithOIDC): void {
  if (clientOf(snapshot, ctx).allowedOAuthFlows.includes('code')) return
  throw new errors.UnauthorizedClient('requested grant type is not allowed for this client')
}

/** RFC 6749 §5.1 */
const tokenResponse = (tokens: IssuedTokens, refreshToken?: string): Record<string, unknown> => ({
  ...(tokens.idToken === undefined ? {} : { id_token: tokens.idToken }),
  access_token: tokens.accessToken,
  ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  expires_in: tokens.expiresIn,
  token_type: 'Bearer',
  scope: tokens.scope,
})
