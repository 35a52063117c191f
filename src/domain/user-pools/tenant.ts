import type { UserPoolSnapshot } from './user-pool-directory.ts'

/**
 * The user pool that a request addresses, and the configured place where it was reached: every URL that we build comes
 * from here, never from a request's headers (threat rows E1, E2, F8).
 */
export interface Tenant {
  snapshot: UserPoolSnapshot
  /** Scheme and host as configured: `https://login.example.com`. */
  origin: string
  /** Empty, or `/<UserPoolId>` where the pool is reached by path. */
  basePath: string
  secure: boolean
}

/** @param path begins with a slash */
export const tenantUrl = (tenant: Tenant, path: string): string => `${tenant.origin}${tenant.basePath}${path}`
