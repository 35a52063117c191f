import { parseEmailAddress } from '../messages/email-address.ts'
import { parsePhoneNumber } from '../messages/phone-number.ts'
import type { UserIdentifier } from '../ports/new-user.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { canonicalName } from './canonical-name.ts'
import type { UserAttributes } from './user.ts'

export type SignInNameProblem = 'email' | 'phone' | 'emailOrPhone' | 'invalid' | 'looksLikeEmail' | 'looksLikePhone'

/** What somebody typed as the name to sign up with, understood by the pool's rules (reference: user pools API §3). */
export type SignInName =
  | { kind: 'username'; username: string }
  | { kind: 'email' | 'phone_number'; address: string }
  | { kind: 'invalid'; problem: SignInNameProblem }

export function readSignInName(userPool: UserPool, typed: string): SignInName {
  const { usernameAttributes } = userPool
  if (usernameAttributes.length === 0) return readUsername(userPool, typed.normalize('NFC').trim())
  const email = usernameAttributes.includes('email') ? parseEmailAddress(typed) : undefined
  if (email !== undefined) return { kind: 'email', address: email }
  const phone = usernameAttributes.includes('phone_number') ? parsePhoneNumber(typed) : undefined
  if (phone !== undefined) return { kind: 'phone_number', address: phone }
  if (usernameAttributes.length > 1) return { kind: 'invalid', problem: 'emailOrPhone' }
  return { kind: 'invalid', problem: usernameAttributes[0] === 'email' ? 'email' : 'phone' }
}

/**
 * Cognito's pattern; an alias must not be claimable by choosing it as a user name. What a name looks like is decided on
 * its canonical form, in which `＠` is `@` as well.
 */
function readUsername(userPool: UserPool, typed: string): SignInName {
  const key = lookupKey(userPool, typed)
  if (key === '' || !/^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u.test(typed)) return { kind: 'invalid', problem: 'invalid' }
  if (userPool.identityProviders.some(({ name }) => key.startsWith(lookupKey(userPool, `${name}_`)))) {
    // Whoever comes from there would find the name taken.
    return { kind: 'invalid', problem: 'invalid' }
  }
  const problem = aliasLikeness(userPool, typed)
  return problem === undefined ? { kind: 'username', username: typed } : { kind: 'invalid', problem }
}

/** A name of one's own choice that looks like an address which somebody else may one day prove to be theirs. */
export function aliasLikeness(userPool: UserPool, name: string): 'looksLikeEmail' | 'looksLikePhone' | undefined {
  const key = lookupKey(userPool, name)
  if (userPool.aliasAttributes.includes('email') && key.includes('@')) return 'looksLikeEmail'
  const isPhone = userPool.aliasAttributes.includes('phone_number') && parsePhoneNumber(key) !== undefined
  return isPhone ? 'looksLikePhone' : undefined
}

/** The canonical key under which a typed name is looked up. */
export const lookupKey = (userPool: UserPool, typed: string): string =>
  canonicalName(typed, userPool.caseSensitiveUsernames)

/**
 * The sign-in names of a user as it stands: the user name, the addresses of a pool that signs in by address, and every
 * alias that counts already (e-mail and phone once verified, preferred_username once confirmed).
 * @param user.typed the address that the user signed up with; another one then counts only once verified, or it would be
 * a second way into an account that its owner never heard of (threat row A1)
 * @param user.external somebody of an identity provider: no address of theirs is a name, whatever the provider says of it
 */
export function identifiersOf(
  userPool: UserPool,
  user: {
    username: string
    attributes: UserAttributes
    confirmed: boolean
    typed?: SignInName['kind']
    external?: boolean
  },
): readonly UserIdentifier[] {
  const key = (text: string): string => canonicalName(text, userPool.caseSensitiveUsernames)
  const identifiers: UserIdentifier[] = [{ kind: 'username', key: key(user.username) }]
  if (user.external === true) return identifiers
  for (const name of userPool.usernameAttributes) {
    const value = user.attributes[name]
    const counts = (user.typed ?? name) === name || user.attributes[`${name}_verified`] === 'true'
    if (value !== undefined && counts) identifiers.push({ kind: name, key: key(value) })
  }
  for (const name of userPool.aliasAttributes) {
    const value = user.attributes[name]
    if (value === undefined) continue
    const counts =
      name === 'preferred_username'
        ? user.confirmed && aliasLikeness(userPool, value) === undefined
        : user.attributes[`${name}_verified`] === 'true'
    if (counts) identifiers.push({ kind: name, key: key(value) })
  }
  return identifiers
}

/** A name that leads to this user at sign-in, and that they know: of a pool that signs in by address, the address. */
export function nameToSignInWith(userPool: UserPool, user: { username: string; attributes: UserAttributes }): string {
  const address = userPool.usernameAttributes.map((name) => user.attributes[name]).find((value) => value !== undefined)
  return address ?? user.username
}
