import type { AdapterPayload } from 'oidc-provider'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'

/**
 * An app client as the engine wants to see it. Redirect URIs are checked by us alone (engine-internals), so the engine
 * gets one that no client can ever name.
 */
export function clientMetadata(snapshot: UserPoolSnapshot, clientId: string): AdapterPayload | undefined {
  const appClient = snapshot.appClients.get(clientId)
  if (appClient === undefined) return undefined
  // An implicit request reaches the engine as one for a code (response-modes).
  const code = appClient.allowedOAuthFlows.some((flow) => flow === 'code' || flow === 'implicit')
  return {
    client_id: appClient.id,
    client_name: appClient.name,
    // The engine wants one; it is compared with all of them (engine-internals).
    ...(appClient.secrets[0] === undefined ? {} : { client_secret: appClient.secrets[0] }),
    token_endpoint_auth_method: appClient.secrets.length === 0 ? 'none' : 'client_secret_basic',
    application_type: 'web',
    id_token_signed_response_alg: appClient.signingAlgorithm ?? snapshot.userPool.signingAlgorithm,
    redirect_uris: ['https://unused.invalid/'],
    response_types: code ? ['code'] : [],
    grant_types: [
      ...(code ? ['authorization_code', 'refresh_token'] : []),
      ...(appClient.allowedOAuthFlows.includes('client_credentials') ? ['client_credentials'] : []),
    ],
  }
}

/** Browser origins that may call the token and userInfo endpoints: those of the client's own registered URLs. */
export function allowedOrigins(snapshot: UserPoolSnapshot, clientId: string): ReadonlySet<string> {
  const appClient = snapshot.appClients.get(clientId)
  const urls = [...(appClient?.callbackUrls ?? []), ...(appClient?.logoutUrls ?? [])]
  return new Set(urls.map((url) => new URL(url).origin).filter((origin) => origin !== 'null'))
}
