import { epochSeconds } from '../../platform/clock.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { isReadable, scopeAttributes } from '../app-clients/attribute-access.ts'
import { identitiesClaim } from '../identity-providers/identity-provider.ts'
import type { TokenSubject } from '../ports/store.ts'
import type { Group, User } from '../users/user.ts'
import type { Grant } from './grant.ts'

/* The payloads of Cognito's tokens, member for member (reference: hosted UI §11). Pure. */

export type ClaimSet = Readonly<Record<string, unknown>>

export interface TokenTimes {
  issuedAt: Date
  lifetimeSeconds: number
  jti: string
}

const booleanAttributes = new Set(['email_verified', 'phone_number_verified'])

/**
 * Attributes that a client may see under the granted scopes: `openid` alone releases every readable one; `profile`,
 * `email` and `phone` beside it narrow to their groups. A third-party client is told what the consent page named, so
 * `openid` alone tells it none.
 */
export function releasedAttributes(
  appClient: AppClient,
  user: User,
  scopes: readonly string[],
): Record<string, string> {
  const readable = Object.entries(user.attributes).filter(([name]) => isReadable(appClient, name))
  const narrowing = scopes.filter((scope) => scope === 'profile' || Object.hasOwn(scopeAttributes, scope))
  if (narrowing.length === 0) return appClient.thirdParty ? {} : Object.fromEntries(readable)
  const apart = new Set(Object.values(scopeAttributes).flat())
  const released = ([name]: [string, string]): boolean =>
    apart.has(name)
      ? narrowing.some((scope) => scopeAttributes[scope]?.includes(name) === true)
      : narrowing.includes('profile')
  return Object.fromEntries(readable.filter(released))
}

/** @param atHash OIDC Core §3.1.3.6, of the access token beside it */
export function idTokenClaims(
  issuer: string,
  appClient: AppClient,
  grant: Grant,
  subject: TokenSubject,
  times: TokenTimes,
  extra: { nonce?: string; atHash: string },
): ClaimSet {
  const { user } = subject
  const groups = releasedGroups(appClient, subject, grant)
  const attributes = releasedAttributes(appClient, user, grant.scope.split(' '))
  return {
    at_hash: extra.atHash,
    sub: user.sub,
    ...groupClaims(groups),
    ...roleClaims(groups),
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, claimValue(name, value)])),
    ...linked(appClient, user),
    iss: issuer,
    'cognito:username': user.username,
    ...(extra.nonce === undefined ? {} : { nonce: extra.nonce }),
    ...originJti(appClient, grant),
    aud: appClient.id,
    event_id: grant.eventId,
    token_use: 'id',
    auth_time: epochSeconds(grant.authTime),
    exp: epochSeconds(times.issuedAt) + times.lifetimeSeconds,
    iat: epochSeconds(times.issuedAt),
    ...(appClient.enableTokenRevocation ? { jti: times.jti } : {}),
    ...authenticationContext(grant),
  }
}

export function accessTokenClaims(
  issuer: string,
  appClient: AppClient,
  grant: Grant,
  subject: TokenSubject,
  times: TokenTimes,
): ClaimSet {
  return {
    sub: subject.user.sub,
    ...groupClaims(releasedGroups(appClient, subject, grant)),
    iss: issuer,
    version: 2,
    client_id: appClient.id,
    ...(grant.resource === undefined ? {} : { aud: grant.resource }),
    ...originJti(appClient, grant),
    event_id: grant.eventId,
    token_use: 'access',
    scope: grant.scope,
    auth_time: epochSeconds(grant.authTime),
    exp: epochSeconds(times.issuedAt) + times.lifetimeSeconds,
    iat: epochSeconds(times.issuedAt),
    // RFC 9068 §2.2 requires it.
    ...(appClient.enableTokenRevocation || appClient.accessTokenFormat === 'RFC9068' ? { jti: times.jti } : {}),
    username: subject.user.username,
    ...authenticationContext(grant),
  }
}

/** An access token of the client itself: no user name, groups or origin_jti. */
export function clientAccessTokenClaims(
  issuer: string,
  appClient: AppClient,
  scope: string,
  times: TokenTimes,
): ClaimSet {
  const iat = epochSeconds(times.issuedAt)
  return {
    sub: appClient.id,
    token_use: 'access',
    scope,
    auth_time: iat,
    iss: issuer,
    exp: iat + times.lifetimeSeconds,
    iat,
    version: 2,
    jti: times.jti,
    client_id: appClient.id,
  }
}

/** Where else somebody has accounts is nothing for a third-party client. */
const linked = ({ thirdParty }: AppClient, { identities = [] }: User): ClaimSet =>
  thirdParty || identities.length === 0 ? {} : { identities: identitiesClaim(identities) }

/** To a third-party client, groups are part of the profile. */
const releasedGroups = (appClient: AppClient, { groups }: TokenSubject, grant: Grant): readonly Group[] =>
  !appClient.thirdParty || grant.scope.split(' ').includes('profile') ? groups : []

const groupClaims = (groups: readonly Group[]): ClaimSet =>
  groups.length === 0 ? {} : { 'cognito:groups': groups.map((group) => group.name) }

/** A user's groups and roles as PreTokenGeneration is told of them. */
export function groupConfigurationOf(groups: readonly Group[]): {
  groupsToOverride: readonly string[]
  iamRolesToOverride: readonly string[]
  preferredRole: string | null
} {
  const roles = roleClaims(groups)
  return {
    groupsToOverride: groups.map(({ name }) => name),
    iamRolesToOverride: (roles['cognito:roles'] as readonly string[] | undefined) ?? [],
    preferredRole: (roles['cognito:preferred_role'] as string | undefined) ?? null,
  }
}

/** preferred_role is that of the strongest group; two strongest ones with different roles leave none. */
function roleClaims(groups: readonly Group[]): ClaimSet {
  const withRoles = groups.filter((group) => group.roleArn !== undefined)
  if (withRoles.length === 0) return {}
  const strongest = Math.min(...withRoles.map((group) => group.precedence ?? Infinity))
  const top = new Set(
    withRoles.filter((group) => (group.precedence ?? Infinity) === strongest).map((group) => group.roleArn),
  )
  const [preferred] = top
  return {
    'cognito:roles': withRoles.map((group) => group.roleArn),
    ...(top.size === 1 ? { 'cognito:preferred_role': preferred } : {}),
  }
}

/** Clients read it as "this token can be revoked" (amazon-cognito-identity-js), so it goes with the setting. */
const originJti = (appClient: AppClient, grant: Grant): ClaimSet =>
  appClient.enableTokenRevocation ? { origin_jti: grant.id } : {}

const authenticationContext = (grant: Grant): ClaimSet => ({
  ...(grant.acr === undefined ? {} : { acr: grant.acr }),
  ...(grant.amr.length === 0 ? {} : { amr: grant.amr }),
})

function claimValue(name: string, value: string): unknown {
  if (booleanAttributes.has(name)) return value === 'true'
  if (name === 'address') return { formatted: value }
  return name === 'updated_at' ? Number(value) : value
}

/** userInfo's form of the same: every value a string, booleans too (reference §6). */
export function userInfoClaims(appClient: AppClient, user: User, scopes: readonly string[]): Record<string, string> {
  const { identities } = linked(appClient, user)
  const told = identities === undefined ? {} : { identities: JSON.stringify(identities) }
  return { sub: user.sub, ...told, ...releasedAttributes(appClient, user, scopes), username: user.username }
}
