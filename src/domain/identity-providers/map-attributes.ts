import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { isMutable, missingAttributes, validateAttributes } from '../users/validate-attributes.ts'
import type { IdentityProvider } from './identity-provider.ts'

/* What a provider says of somebody, as attributes of the pool (Cognito: AttributeMapping). Pure. */

export type Claims = Readonly<Record<string, unknown>>

export type MappedAttributes =
  | { ok: true; attributes: Record<string, string> }
  /** Names of attributes. */
  | { ok: false; problem: 'missing' | 'invalid'; attributes: readonly string[] }

/** Sign-in names, and what is said to be proved of them: only a new account of the provider's takes them from it (threat rows A2–A4). */
const ownedAddresses = new Set([
  'email',
  'email_verified',
  'phone_number',
  'phone_number_verified',
  'preferred_username',
])

/**
 * What is to be stored: of a claim that is absent the old value stays. An account of the pool's own keeps its addresses; a value that may not
 * change stays as it is, where Cognito refuses every later sign-in.
 * @param user absent: they come for the first time
 */
export function mapAttributes(
  userPool: UserPool,
  provider: IdentityProvider,
  claims: Claims,
  user: User | undefined,
): MappedAttributes {
  const mapped = Object.entries(provider.attributeMapping).flatMap(([name, claim]): [string, string][] => {
    const value = Object.hasOwn(claims, claim) ? textOf(claims[claim]) : undefined
    return name === 'username' || value === undefined || !mayChange(userPool, user, name) ? [] : [[name, value]]
  })
  const checked = validateAttributes(userPool, Object.fromEntries(mapped))
  if (!checked.ok) return { ok: false, problem: 'invalid', attributes: Object.keys(checked.problems) }
  const attributes = { ...provedAnew(user, checked.attributes), ...checked.attributes }
  const missing = missingAttributes(userPool, { ...user?.attributes, ...attributes })
  if (missing.length > 0) return { ok: false, problem: 'missing', attributes: missing }
  return { ok: true, attributes }
}

function mayChange(userPool: UserPool, user: User | undefined, name: string): boolean {
  if (user === undefined) return true
  if (user.status !== 'EXTERNAL_PROVIDER' && ownedAddresses.has(name)) return false
  return isMutable(userPool, name) || user.attributes[name] === undefined
}

/** Another address is unproved until the provider says otherwise, in a claim that the operator maps (threat row A3). */
const provedAnew = (user: User | undefined, attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    ['email', 'phone_number']
      .filter((name) => attributes[name] !== undefined && attributes[name] !== user?.attributes[name])
      .map((name) => [`${name}_verified`, 'false']),
  )

/** As Cognito stores it: many values become one text, with form-encoded parts. */
function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value
    case 'number':
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return undefined
      return Array.isArray(value)
        ? `[${value.map((part: unknown) => encodeURIComponent(textOf(part) ?? '').replaceAll('%20', '+')).join(',')}]`
        : JSON.stringify(value)
    default:
      return undefined
  }
}
