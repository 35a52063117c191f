import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'

/**
 * RFC 9068 §3: whom an access token is for where no `resource` was asked for, inferred from its scopes: the resource
 * servers that they name, and the user pool itself (its userInfo, its API) for all others. A scope begins with its
 * resource server's identifier, so several audiences leave no doubt which scope is whose (§5).
 */
export function defaultAudience(
  { userPool, resourceServers }: Pick<UserPoolSnapshot, 'userPool' | 'resourceServers'>,
  scope: string,
): string | readonly string[] {
  const audienceOf = (name: string): string =>
    resourceServers.find((server) => server.scopes.some((own) => `${server.identifier}/${own.name}` === name))
      ?.identifier ?? userPool.issuer
  const audiences = [...new Set(scope.split(' ').map(audienceOf))]
  const [only] = audiences
  return audiences.length === 1 && only !== undefined ? only : audiences
}
