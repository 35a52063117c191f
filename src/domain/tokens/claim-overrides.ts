import type { ClaimSet } from './claims.ts'

/* What a trigger may make of a token's claims, and what it may not (threat row C14; reference: triggers §8). Pure. */

export interface ClaimChanges {
  add: Readonly<Record<string, unknown>>
  suppress: readonly string[]
}

export interface TokenOverrides {
  id: ClaimChanges
  access: ClaimChanges & { addScopes: readonly string[]; suppressScopes: readonly string[] }
  /** In place of the user's groups and roles; absent: they stay. */
  groups?: { groups: readonly string[]; roles: readonly string[]; preferredRole?: string }
}

/** Who it is about, who says so, when and how sure: never a hook's to say. */
const reserved = new Set([
  ...[
    'acr',
    'amr',
    'at_hash',
    'auth_time',
    'azp',
    'c_hash',
    'client_id',
    'cnf',
    'device_key',
    'event_id',
    'exp',
    'iat',
  ],
  ...[
    'identities',
    'iss',
    'jti',
    'nbf',
    'nonce',
    'origin_jti',
    's_hash',
    'scope',
    'sid',
    'sub',
    'token_use',
    'username',
  ],
  ...['version', '__proto__', 'constructor', 'prototype'],
])

const groupClaims = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

/** Standard claims that have one form of their own. */
const plainOnly = new Set(['address', 'email_verified', 'phone_number_verified', 'updated_at'])

const isReserved = (name: string): boolean => reserved.has(name) || name.startsWith('cognito:')

/** Illegal changes are as if they had not been asked for; what is both added and suppressed is suppressed. */
function changed(claims: ClaimSet, { add, suppress }: ClaimChanges, mayAdd: (name: string, value: unknown) => boolean) {
  const gone = new Set(suppress.filter((name) => !isReserved(name) && name !== 'aud'))
  if (suppress.includes('cognito:groups')) for (const name of groupClaims) gone.add(name)
  const added = Object.entries(add).filter(
    ([name, value]) => !isReserved(name) && !name.startsWith('dev:') && !gone.has(name) && mayAdd(name, value),
  )
  const left = Object.entries(claims).filter(([name]) => !gone.has(name))
  return Object.fromEntries([...left, ...added])
}

/** `aud` of an ID token is the client, and nobody else. */
export function overrideIdToken(claims: ClaimSet, overrides: TokenOverrides | undefined): ClaimSet {
  if (overrides === undefined) return claims
  const mayAdd = (name: string, value: unknown): boolean =>
    name !== 'aud' && (!plainOnly.has(name) || typeof value !== 'object')
  return changed(withGroups(claims, overrides, groupClaims), overrides.id, mayAdd)
}

/** Of an access token `aud` may be the client's own id. */
export function overrideAccessToken(
  claims: ClaimSet,
  overrides: TokenOverrides | undefined,
  clientId: string,
): ClaimSet {
  if (overrides === undefined) return claims
  const mayAdd = (name: string, value: unknown): boolean =>
    name !== 'aud' || (value === clientId && claims['aud'] === undefined)
  const scope = overriddenScope(typeof claims['scope'] === 'string' ? claims['scope'] : '', overrides)
  return { ...changed(withGroups(claims, overrides, ['cognito:groups']), overrides.access, mayAdd), scope }
}

/** RFC 6749 §3.3: what may stand in a scope. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

export function overriddenScope(scope: string, overrides: TokenOverrides | undefined): string {
  if (overrides === undefined) return scope
  const { addScopes, suppressScopes } = overrides.access
  const all = [...scope.split(' '), ...addScopes].filter((part) => scopeToken.test(part))
  return [...new Set(all)].filter((part) => !suppressScopes.includes(part)).join(' ')
}

function withGroups(
  claims: ClaimSet,
  { groups }: TokenOverrides,
  names: readonly (typeof groupClaims)[number][],
): ClaimSet {
  if (groups === undefined) return claims
  const values = {
    'cognito:groups': groups.groups.length === 0 ? undefined : groups.groups,
    'cognito:roles': groups.roles.length === 0 ? undefined : groups.roles,
    'cognito:preferred_role': groups.preferredRole,
  }
  const others = Object.entries(claims).filter(([name]) => !(groupClaims as readonly string[]).includes(name))
  const own = names.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const]))
  return Object.fromEntries([...others, ...own])
}
