import { tenantUrl } from '../domain/user-pools/tenant.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import type { Caller } from '../platform/http/caller.ts'
import { pagePaths } from './paths.ts'

/** Where notices of what is done here lead, and in which language they are. */
export const noticesOf = (tenant: Tenant, languages: readonly string[]): NonNullable<Caller['notices']> => ({
  notMeUrl: tenantUrl(tenant, pagePaths.notMe),
  languages,
})
