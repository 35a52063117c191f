import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import { isRegisteredUri } from '../domain/app-clients/redirect-uri.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'

/* The one file that touches the engine where its documentation does not reach. */

const tenants = new WeakMap<IncomingMessage, Tenant>()

/** Remembers whose request this is, before the engine sees it. */
export const bindTenant = (request: IncomingMessage, tenant: Tenant): void => {
  tenants.set(request, tenant)
}

export function tenantOf(request: IncomingMessage): Tenant {
  const tenant = tenants.get(request)
  if (tenant === undefined) throw new Error('the engine was called without a tenant')
  return tenant
}

interface KoaRequest {
  req: IncomingMessage
}

/**
 * The engine builds its URLs and chooses its cookies by the request's host and scheme. Both are pinned to what is
 * configured: a Host or X-Forwarded header changes nothing (threat rows E1, F8).
 */
export function pinRequestOrigin(provider: Provider): void {
  Object.defineProperties(provider.request, {
    host: {
      get(this: KoaRequest) {
        return new URL(tenantOf(this.req).origin).host
      },
    },
    hostname: {
      get(this: KoaRequest) {
        return new URL(tenantOf(this.req).origin).hostname
      },
    },
    protocol: {
      get(this: KoaRequest) {
        return tenantOf(this.req).secure ? 'https' : 'http'
      },
    },
    secure: {
      get(this: KoaRequest) {
        return tenantOf(this.req).secure
      },
    },
  })
}

/**
 * The engine takes any loopback port for some clients and refuses custom schemes for others. Ours is the exact string
 * among the registered ones, for every client (RFC 9700 §2.1; threat row C1).
 */
export function matchRedirectUrisExactly(provider: Provider, snapshot: UserPoolSnapshot): void {
  const prototype = provider.Client.prototype as {
    redirectUriAllowed(this: { clientId: string }, uri: string): boolean
  }
  prototype.redirectUriAllowed = function redirectUriAllowed(uri) {
    return isRegisteredUri(snapshot.appClients.get(this.clientId)?.callbackUrls ?? [], uri)
  }
}
