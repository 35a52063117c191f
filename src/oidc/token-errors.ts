import { errors } from 'oidc-provider'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { recordRefusedClient } from '../domain/app-clients/refused-client.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { askedBy } from '../platform/http/caller.ts'
import type { EngineCallbacks } from './provider-configuration.ts'
import { isTokenEndpoint } from './paths.ts'

/**
 * Come back later: RFC 6585 §4 with the word of RFC 6749 §4.1.2.1, and never `invalid_grant`, for which clients throw their
 * tokens away.
 */
export function tooManyRequests(ctx: { set(field: string, value: string): void }, retryAfterSeconds: number): Error {
  ctx.set('Retry-After', String(retryAfterSeconds))
  const error = new errors.OIDCProviderError(429, 'temporarily_unavailable')
  return Object.assign(error, { error_description: 'too many requests; see Retry-After' })
}

/** A client that did not show who it is, as far as it named one that is there. */
export function recordRefusedClients(provider: Provider, services: DomainServices, snapshot: UserPoolSnapshot): void {
  provider.use(async (ctx, next) => {
    await next()
    const body = ctx.body as { error?: string } | undefined
    if (!isTokenEndpoint(ctx.path) || ctx.status < 400 || body?.error !== 'invalid_client') return
    const { oidc } = ctx as Partial<KoaContextWithOIDC>
    const appClient = snapshot.appClients.get(oidc?.client?.clientId ?? '')
    if (appClient !== undefined) await recordRefusedClient(askedBy(services, ctx.req), appClient)
  })
}

/** The token endpoint's errors in the form that Cognito's clients read (reference: hosted UI §5). */
export function shapeTokenErrors(provider: Provider, secondsToWait: EngineCallbacks['secondsToWait']): void {
  const causes = new WeakMap<object, Error>()
  provider.on('server_error', (ctx: KoaContextWithOIDC, error) => causes.set(ctx.req, error))
  provider.use(async (ctx, next) => {
    await next()
    if (!isTokenEndpoint(ctx.path) || ctx.status < 400) return
    const body = ctx.body as { error?: string; error_description?: string } | undefined
    if (typeof body?.error !== 'string') return
    const wait = secondsToWait(causes.get(ctx.req))
    if (wait !== undefined) {
      ctx.status = 503
      ctx.set('Retry-After', String(wait))
      ctx.body = { error: 'temporarily_unavailable', error_description: 'try again in a moment' }
      return
    }
    // RFC 6749 §5.2 and Cognito: a grant type that the client may not use.
    if (body.error_description === 'requested grant type is not allowed for this client') {
      body.error = 'unauthorized_client'
    }
    // Cognito and RFC 6749 §5.2: 401 is the answer to the Authorization header only.
    if (ctx.status === 401 && ctx.get('Authorization') === '') ctx.status = 400
    // Amplify reads error_message.
    if (body.error_description !== undefined) Object.assign(body, { error_message: body.error_description })
  })
}
