import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { DomainServices } from '../domain/ports/services.ts'
import { countTokenFailure, secondsOfTokenFailures } from '../domain/rate-limits/consume-limits.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { askedBy } from '../platform/http/caller.ts'
import { isTokenEndpoint } from './paths.ts'
import { tooManyRequests } from './token-errors.ts'

/**
 * Counts what the token endpoint refuses to an app client that is there, for the network that asked. What it grants costs
 * no count; an unknown client costs no look at the database.
 */
export function countTokenFailures(provider: Provider, services: DomainServices, { userPool }: UserPoolSnapshot): void {
  provider.use(async (ctx, next) => {
    await next()
    if (!isTokenEndpoint(ctx.path) || ctx.status < 400 || ctx.status === 429 || ctx.status >= 500) return
    const { oidc } = ctx as Partial<KoaContextWithOIDC>
    const clientId = oidc?.client?.clientId
    if (clientId !== undefined) await countTokenFailure(askedBy(services, ctx.req), userPool, clientId)
  })
}

/** @throws OIDCProviderError 429 while too many of the client's requests from this network have failed */
export function refuseAfterFailures(
  services: DomainServices,
  { userPool }: UserPoolSnapshot,
  ctx: KoaContextWithOIDC,
): void {
  const seconds = secondsOfTokenFailures(askedBy(services, ctx.req), userPool, ctx.oidc.client?.clientId ?? '')
  if (seconds !== undefined) throw tooManyRequests(ctx, seconds)
}
