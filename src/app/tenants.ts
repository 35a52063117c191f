import type { IncomingMessage } from 'node:http'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { UserPool } from '../domain/user-pools/user-pool.ts'
import type { UserPoolDirectory } from '../domain/user-pools/user-pool-directory.ts'
import { isUserPoolId } from '../platform/ids.ts'

/** Which user pool a request addresses: by host, or below PUBLIC_URL by path (design decision 5). */
export type Resolution =
  | { kind: 'tenant'; tenant: Tenant; path: string }
  /** PUBLIC_URL itself, with no default user pool to answer there. */
  | { kind: 'public'; path: string }
  | { kind: 'unknownHost' }

/**
 * The Host header only ever selects among configured origins; nothing is built from it (threat rows E1, E2).
 * @param path of the request, without query
 */
export async function resolveTenant(
  directory: UserPoolDirectory,
  publicUrl: string,
  host: string,
  path: string,
): Promise<Resolution> {
  const byDomain = directory.byHost(host)
  if (byDomain !== undefined) {
    const origin = byDomain.domains.find((domain) => new URL(domain).host === host)
    if (origin !== undefined) return tenantResolution(directory, byDomain, origin, '', path)
  }
  if (host !== new URL(publicUrl).host) return { kind: 'unknownHost' }
  const [first = ''] = path.slice(1).split('/', 1)
  if (isUserPoolId(first)) {
    const userPool = directory.byId(first)
    if (userPool !== undefined && userPool.domains.length === 0) {
      return tenantResolution(directory, userPool, publicUrl, `/${first}`, path.slice(first.length + 1) || '/')
    }
  }
  const userPool = directory.default()
  return userPool === undefined ? { kind: 'public', path } : tenantResolution(directory, userPool, publicUrl, '', path)
}

async function tenantResolution(
  directory: UserPoolDirectory,
  userPool: UserPool,
  origin: string,
  basePath: string,
  path: string,
): Promise<Resolution> {
  const snapshot = await directory.get(userPool.id)
  if (snapshot === undefined) return { kind: 'unknownHost' }
  return { kind: 'tenant', path, tenant: { snapshot, origin, basePath, secure: origin.startsWith('https:') } }
}

/** Where a pool's endpoints are reached: its first domain, else PUBLIC_URL, by path unless it is the default pool. */
export function endpointBase(userPool: UserPool, publicUrl: string): string {
  return userPool.domains[0] ?? (userPool.isDefault ? publicUrl : `${publicUrl}/${userPool.id}`)
}

export const hostOf = (request: IncomingMessage): string => (request.headers.host ?? '').toLowerCase()
