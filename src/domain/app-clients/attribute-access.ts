import { standardAttributeNames } from '../users/attribute-schema.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { isSelfWritable, requiredAttributes } from '../users/validate-attributes.ts'
import type { AppClient } from './app-client.ts'

/* What an app may see and set of a user: Cognito's ReadAttributes and WriteAttributes (reference: hosted UI §13). */

/** Scopes and the attributes that each one releases; `profile` is all the rest. */
export const scopeAttributes: Readonly<Record<string, readonly string[]>> = {
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
}

/** Cognito: unset means the standard attributes; custom ones must be listed, `dev:` ones are never seen. */
export function isReadable(appClient: AppClient, name: string): boolean {
  if (name.startsWith('dev:')) return false
  return appClient.readAttributes?.includes(name) ?? isStandard(name)
}

/** By somebody who uses the app, of their own attributes. */
export const isWritable = (appClient: AppClient, name: string): boolean =>
  isSelfWritable(name) && (appClient.writeAttributes?.includes(name) ?? !name.startsWith('custom:'))

const isStandard = (name: string): boolean => (standardAttributeNames as readonly string[]).includes(name)

/**
 * Of these scopes, one that demands an attribute which the client may not read: Cognito refuses such a grant
 * (reference §5). `profile` demands nothing of its own: it is whatever is readable.
 */
export const unreadableScope = (appClient: AppClient, scopes: readonly string[]): string | undefined =>
  scopes
    .filter((scope) => Object.hasOwn(scopeAttributes, scope))
    .find((scope) => scopeAttributes[scope]?.some((name) => !isReadable(appClient, name)))

/** What is wrong with a client's attribute lists in its user pool, in words that name the member and the mend. */
export function attributeProblems(userPool: UserPool, settings: Readonly<Record<string, unknown>>): readonly string[] {
  const custom = userPool.customAttributes.map(({ name }) => `custom:${name}`)
  const known = new Set<string>(['sub', 'identities', ...standardAttributeNames, ...custom])
  const listed = (member: string): readonly string[] | undefined => settings[member] as readonly string[] | undefined
  const unknown = ['ReadAttributes', 'WriteAttributes'].flatMap((member) =>
    (listed(member) ?? [])
      .filter((name) => !known.has(name))
      .map((name) => `${member} names ${JSON.stringify(name)}, which user pool ${userPool.id} does not define`),
  )
  const writable = listed('WriteAttributes')
  const missing = requiredAttributes(userPool).filter(
    (name) => isSelfWritable(name) && writable?.includes(name) === false,
  )
  return [
    ...unknown,
    ...missing.map((name) => `WriteAttributes lacks ${JSON.stringify(name)}, which the user pool requires: add it`),
  ]
}
