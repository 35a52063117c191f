import type Provider from 'oidc-provider'
import type { Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider'
import { epochSeconds } from '../platform/clock.ts'
import { callerOf } from '../platform/http/caller.ts'
import { cookieName } from '../security/cookies.ts'
import { customScopes, standardScopes } from '../domain/app-clients/scopes.ts'
import { endForAll } from '../domain/sessions/session-limits.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { allowedScopes } from '../domain/consents/check-consent.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import { createAdapter } from './adapter.ts'
import { maxAgeParameter } from './authorization-request.ts'
import { allowedOrigins } from './client-metadata.ts'
import { createInteractionPolicy } from './interaction-policy.ts'
import { endpointPaths } from './paths.ts'
import { carriesCode } from './response-modes.ts'
import type { AccountUrl, ShowFormPost } from './response-modes.ts'
import { sessionTimes } from './session-use.ts'

/** Cognito: a code lives 5 minutes. */
export const codeSeconds = 300
/** How long a person may take over the pages. */
export const interactionSeconds = 3600

export interface EngineCallbacks {
  /** Begins a flow on the pages and returns the URL of its first one. */
  startFlow: NonNullable<NonNullable<Configuration['interactions']>['url']>
  renderError: NonNullable<Configuration['renderError']>
  showFormPost: ShowFormPost
  accountUrl: AccountUrl
  /** After which a request that failed with this error is worth another try; undefined: who knows. */
  secondsToWait: (error: unknown) => number | undefined
}

/** The engine's settings for one user pool: what it does itself, and where it asks us. */
export function providerConfiguration(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  secure: boolean,
  callbacks: EngineCallbacks,
  current: () => { provider: Provider; ctx: KoaContextWithOIDC | undefined },
): Configuration {
  const { userPool } = snapshot
  const cookie = { httpOnly: true, sameSite: 'lax', path: '/', secure, signed: false, overwrite: true } as const
  return {
    adapter: createAdapter(services, snapshot, () => {
      const { ctx } = current()
      const resource = ctx?.oidc.params?.['resource'] as string | undefined
      return { resource, caller: ctx === undefined ? {} : callerOf(ctx.req) }
    }),
    jwks: { keys: engineKeys(snapshot) },
    routes: { authorization: endpointPaths.authorize, token: endpointPaths.token, jwks: '/oauth2/engine/jwks' },
    features: disabledFeatures,
    scopes: [...standardScopes, ...customScopes(snapshot.resourceServers)],
    claims: { openid: ['sub'] },
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    pkce: {
      required: (ctx, client) =>
        carriesCode(ctx.oidc.params?.['response_mode']) &&
        (snapshot.appClients.get(client.clientId)?.requirePkce ?? true),
    },
    extraParams: ['identity_provider', 'idp_identifier', 'lang', maxAgeParameter, 'resource', 'screen_hint'],
    cookies: {
      names: {
        session: cookieName('session', userPool.id, secure),
        interaction: cookieName('interaction', userPool.id, secure),
        resume: cookieName('resume', userPool.id, secure),
      },
      long: cookie,
      short: cookie,
    },
    ttl: {
      AuthorizationCode: codeSeconds,
      Interaction: interactionSeconds,
      Grant: interactionSeconds,
      Session: (_ctx, session) => sessionLifeLeft(services, snapshot, session),
    },
    expiresWithSession: () => false,
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { policy: createInteractionPolicy(services.clock, snapshot), url: callbacks.startFlow },
    loadExistingGrant: (ctx) => impliedGrant(services, snapshot, current().provider, ctx),
    renderError: callbacks.renderError,
    clientBasedCORS: (_ctx, origin, client) => allowedOrigins(snapshot, client.clientId).has(origin),
  }
}

/** The domain signs all tokens. The engine wants to see a key of each algorithm that a client may have, and uses none. */
const engineKeys = ({ keys }: UserPoolSnapshot): JWK[] =>
  [...keys.byKid.values()].flatMap(({ use, privateKey, publicJwk }) =>
    use === 'id' && privateKey !== undefined ? [{ ...privateKey.export({ format: 'jwk' }), ...publicJwk }] : [],
  )

const disabledFeatures: NonNullable<Configuration['features']> = {
  devInteractions: { enabled: false },
  userinfo: { enabled: false },
  rpInitiatedLogout: { enabled: false },
  revocation: { enabled: false },
  introspection: { enabled: false },
  resourceIndicators: { enabled: false },
  pushedAuthorizationRequests: { enabled: false },
  dPoP: { enabled: false },
}

/** Seconds until no client takes the session any more; the engine wants at least one. */
function sessionLifeLeft(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  session: { loginTs?: number | undefined },
): number {
  const now = epochSeconds(services.clock.now())
  const end = endForAll(snapshot, sessionTimes({ loginTs: now, ...session }))
  return Math.max(1, epochSeconds(end) - now)
}

/** How long a browser keeps a cookie of the engine's, in seconds; undefined: until it is closed. */
export function cookieLife(
  services: DomainServices,
  { snapshot, secure }: Tenant,
  name: string,
  ctx: KoaContextWithOIDC,
): number | undefined {
  if (name !== cookieName('session', snapshot.userPool.id, secure)) return interactionSeconds
  const session = (ctx.oidc as KoaContextWithOIDC['oidc'] | undefined)?.session
  if (session === undefined || session.transient === true) return undefined
  return sessionLifeLeft(services, snapshot, session)
}

/**
 * The operator's own clients are granted whatever was requested, and checked before, without a consent page or a row
 * (design decision 8); third-party ones what the user has allowed. The id stays the same within a session, as the engine
 * expects.
 */
async function impliedGrant(
  services: DomainServices,
  { appClients }: UserPoolSnapshot,
  provider: Provider,
  ctx: KoaContextWithOIDC,
) {
  const { session, client, account } = ctx.oidc
  const appClient = appClients.get(client?.clientId ?? '')
  if (session === undefined || appClient === undefined || account === undefined) return undefined
  const grant = new provider.Grant({ accountId: account.accountId, clientId: appClient.id })
  grant.jti = `${session.uid}:${appClient.id}`
  const requested = [...ctx.oidc.requestParamScopes]
  const allowed = appClient.thirdParty ? await allowedScopes(services, appClient, account.accountId) : requested
  grant.addOIDCScope(requested.filter((scope) => allowed.includes(scope)).join(' '))
  return grant
}
