import type { IncomingMessage, ServerResponse } from 'node:http'
import Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { DomainServices } from '../domain/ports/services.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { Log } from '../platform/log.ts'
import {
  bindTenant,
  compareAllSecrets,
  keepSessionUse,
  matchRedirectUrisExactly,
  pinRequestOrigin,
  redirectWithoutPage,
  tellCookieLifeInSeconds,
} from './engine-internals.ts'
import { cookieLife, providerConfiguration } from './provider-configuration.ts'
import type { EngineCallbacks } from './provider-configuration.ts'
import { registerResponseModes } from './response-modes.ts'
import { noteUse } from './session-use.ts'
import { recordRefusedClients, shapeTokenErrors } from './token-errors.ts'
import { countTokenFailures } from './token-limits.ts'
import { registerGrants } from './token-grants.ts'

export interface Engine {
  provider: Provider
  /** @param tenant where this very request came in: one engine serves all domains of its pool */
  handle(tenant: Tenant, request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** One engine a user pool (design decision 4), made at its first use and again when the pool's version has grown. */
export interface ProviderRegistry {
  engineFor(tenant: Tenant): Engine
}

export function createProviderRegistry(
  services: DomainServices,
  callbacks: EngineCallbacks,
  log: Log,
): ProviderRegistry {
  const engines = new Map<string, { version: number; engine: Engine }>()
  return {
    engineFor(tenant) {
      const { userPool } = tenant.snapshot
      // A pool reached by http and by https needs two: cookies have other names and attributes.
      const key = `${userPool.id} ${tenant.secure}`
      const known = engines.get(key)
      if (known?.version === userPool.version) return known.engine
      const engine = createEngine(services, tenant, callbacks, log)
      engines.set(key, { version: userPool.version, engine })
      return engine
    },
  }
}

function createEngine(services: DomainServices, tenant: Tenant, callbacks: EngineCallbacks, log: Log): Engine {
  const { snapshot, secure } = tenant
  const current = (): { provider: Provider; ctx: KoaContextWithOIDC | undefined } => ({
    provider,
    ctx: Provider.ctx,
  })
  const configuration = providerConfiguration(services, snapshot, secure, callbacks, current)
  const provider: Provider = new Provider(snapshot.userPool.issuer, configuration)
  pinRequestOrigin(provider)
  matchRedirectUrisExactly(provider, snapshot)
  compareAllSecrets(provider, services, snapshot)
  keepSessionUse(provider)
  noteUse(provider, snapshot, services.clock)
  redirectWithoutPage(provider)
  tellCookieLifeInSeconds(provider, (name, ctx) => cookieLife(services, tenant, name, ctx))
  registerGrants(provider, services, snapshot, log)
  registerResponseModes(provider, services, snapshot, callbacks)
  shapeTokenErrors(provider, callbacks.secondsToWait)
  recordRefusedClients(provider, services, snapshot)
  countTokenFailures(provider, services, snapshot)
  provider.on('server_error', (ctx, error) => {
    log.error({ err: error, path: ctx.path, userPool: snapshot.userPool.id }, 'the authorization server failed')
  })
  const callback = provider.callback()
  return {
    provider,
    async handle(at, request, response) {
      bindTenant(request, at)
      Object.assign(request, { baseUrl: at.basePath })
      await callback(request, response)
    },
  }
}
