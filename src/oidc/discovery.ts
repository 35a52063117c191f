import { customScopes, standardScopes } from '../domain/app-clients/scopes.ts'
import { publishedKeys } from '../domain/tokens/signing-key-set.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { standardAttributeNames } from '../domain/users/attribute-schema.ts'
import { endpointPaths } from './paths.ts'

/** Members of the tokens that are no attribute of the person. */
const tokenClaims = [
  ...[
    'sub',
    'iss',
    'aud',
    'exp',
    'iat',
    'auth_time',
    'nonce',
    'at_hash',
    'acr',
    'amr',
    'jti',
    'origin_jti',
    'event_id',
  ],
  ...['token_use', 'cognito:username', 'cognito:groups', 'cognito:roles', 'cognito:preferred_role'],
]

/**
 * The pool's own discovery document (OIDC Discovery §3, RFC 8414 §2). The engine's cannot name endpoints on another host
 * than the issuer's (design decision 5).
 * @param endpointBase where the pool's endpoints are reached: `https://login.example.com`
 */
export function discoveryDocument(snapshot: UserPoolSnapshot, endpointBase: string): Readonly<Record<string, unknown>> {
  const { issuer } = snapshot.userPool
  return {
    issuer,
    authorization_endpoint: endpointBase + endpointPaths.authorize,
    token_endpoint: endpointBase + endpointPaths.token,
    userinfo_endpoint: endpointBase + endpointPaths.userInfo,
    revocation_endpoint: endpointBase + endpointPaths.revoke,
    end_session_endpoint: endpointBase + endpointPaths.logout,
    jwks_uri: issuer + endpointPaths.jwks,
    response_types_supported: ['code', 'token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithmsOf(snapshot),
    scopes_supported: [...standardScopes, ...customScopes(snapshot.resourceServers)],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: ['none', 'login', 'create', 'select_account', 'consent'],
    acr_values_supported: snapshot.userPool.acrValues,
    claims_supported: [...tokenClaims, ...standardAttributeNames],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
  }
}

const algorithmsOf = ({ userPool, appClients }: UserPoolSnapshot): string[] => [
  ...new Set([
    userPool.signingAlgorithm,
    ...[...appClients.values()].flatMap(({ signingAlgorithm }) => signingAlgorithm ?? []),
  ]),
]

/** RFC 7517 §5: every key that may have signed a token still alive, and those that will sign next. */
export const jwksDocument = (snapshot: UserPoolSnapshot, at: Date): Readonly<Record<string, unknown>> => ({
  keys: publishedKeys(snapshot.keys, at).map((key) => key.publicJwk),
})
