import type { IdentityProvider } from '../../domain/identity-providers/identity-provider.ts'
import { tenantUrl } from '../../domain/user-pools/tenant.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import { pagePaths } from '../paths.ts'

/** Cognito's return URL of all providers, on the domain that the person is at; configured, never a request's own (threat row E1). */
export const redirectUriOf = (tenant: Tenant): string => tenantUrl(tenant, pagePaths.idpResponse)

/** What of a request the provider is told: Cognito passes on every prompt but `none`. */
export function hintsOf(
  { type }: Pick<IdentityProvider, 'type'>,
  request: Readonly<Record<string, string>>,
): { prompt?: string; maxAge?: number; loginHint?: string } {
  const { prompt: asked = '', max_age: age = '', login_hint: loginHint } = request
  const prompts = asked.split(' ').filter((name) => ['login', 'select_account', 'consent'].includes(name))
  // Google knows neither `login` nor max_age: it lets the account be chosen at least.
  const isGoogle = type === 'Google'
  const known = isGoogle ? prompts.map((name) => (name === 'login' ? 'select_account' : name)) : prompts
  const again = isGoogle && age !== '' && known.length === 0 ? ['select_account'] : known
  return {
    ...(again.length === 0 ? {} : { prompt: [...new Set(again)].join(' ') }),
    ...(isGoogle || age === '' ? {} : { maxAge: Number(age) }),
    ...(loginHint === undefined ? {} : { loginHint }),
  }
}
