import { unreadableScope } from './attribute-access.ts'
import type { AppClient, ResourceServer } from './app-client.ts'

/** Scopes that every user pool knows (reference §13). */
export const standardScopes = ['openid', 'email', 'phone', 'profile', 'aws.cognito.signin.user.admin'] as const

const needOpenid = new Set(['email', 'phone', 'profile'])

/** `<resource server identifier>/<scope name>` of every resource server. */
export const customScopes = (resourceServers: readonly ResourceServer[]): readonly string[] =>
  resourceServers.flatMap((server) => server.scopes.map((scope) => `${server.identifier}/${scope.name}`))

/** Those that the pool still knows: a resource server may have been deleted since they were granted. */
export function liveScopes(scopes: readonly string[], resourceServers: readonly ResourceServer[]): readonly string[] {
  const known = new Set<string>([...standardScopes, ...customScopes(resourceServers)])
  return scopes.filter((scope) => known.has(scope))
}

/** `error` is RFC 6749's name for it, as Cognito chooses it (reference §5). */
export type ScopeDecision =
  { ok: true; scopes: readonly string[] } | { ok: false; error: 'invalid_scope' | 'invalid_grant'; reason: string }

/**
 * Completes and checks a requested scope: a missing one means all that the client may have (reference §3); one that the
 * pool or the client does not know is refused, where the engine would drop it in silence.
 * @param requested the `scope` parameter as sent
 * @param grantType client credentials carry custom scopes only
 */
export function decideScopes(
  appClient: AppClient,
  resourceServers: readonly ResourceServer[],
  requested: string | undefined,
  grantType: 'code' | 'client_credentials',
): ScopeDecision {
  const custom = customScopes(resourceServers)
  const known = new Set<string>(grantType === 'code' ? [...standardScopes, ...custom] : custom)
  const allowed = appClient.allowedOAuthScopes.filter((scope) => known.has(scope))
  const wanted = (requested ?? '').split(' ').filter((scope) => scope !== '')
  if (wanted.length === 0) {
    // Not one that no grant could have: nobody asked for it.
    const usual = allowed.filter((scope) => unreadableScope(appClient, [scope]) === undefined)
    return usual.length > 0 ? { ok: true, scopes: usual } : refuse('no scope is allowed for this client')
  }
  const refused = wanted.find((scope) => !allowed.includes(scope))
  if (refused !== undefined) {
    const isDenied = grantType === 'client_credentials' && known.has(refused)
    return refuse('a requested scope is unknown or not allowed for this client', isDenied ? 'invalid_grant' : undefined)
  }
  if (grantType === 'code' && !wanted.includes('openid') && wanted.some((scope) => needOpenid.has(scope))) {
    return refuse('email, phone and profile can only be requested together with openid')
  }
  return { ok: true, scopes: [...new Set(wanted)] }
}

const refuse = (reason: string, error: 'invalid_scope' | 'invalid_grant' = 'invalid_scope'): ScopeDecision => ({
  ok: false,
  error,
  reason,
})
