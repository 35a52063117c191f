import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'

/**
 * The address whose proof confirms a sign-up: the one that it was made with. Confirmed by a phone of their own, somebody
 * would hold another one's e-mail address as a name (threat row A1). Where the user name is none, as Cognito: the phone gets
 * the code if both could be verified.
 */
export async function attributeToVerify(
  tx: Pick<Repositories, 'users'>,
  userPool: UserPool,
  user: Pick<User, 'sub' | 'attributes'>,
): Promise<VerifiableAttribute | undefined> {
  const candidates = verifiable(userPool, user.attributes)
  if (candidates.length < 2) return candidates[0]
  for (const name of candidates) {
    const key = lookupKey(userPool, user.attributes[name] ?? '')
    const signsIn = userPool.usernameAttributes.includes(name)
    if (signsIn && (await tx.users.findByIdentifier(userPool.id, key))?.sub === user.sub) return name
  }
  return candidates[0]
}

/** The same before anybody is stored, when one name alone leads to them: the one that was typed, of the kind `typed`. */
export function attributeToProve(
  userPool: UserPool,
  attributes: User['attributes'],
  typed: string,
): VerifiableAttribute | undefined {
  const candidates = verifiable(userPool, attributes)
  return candidates.find((name) => name === typed) ?? candidates[0]
}

/** As Cognito has them: the phone first. */
const verifiable = (userPool: UserPool, attributes: User['attributes']): readonly VerifiableAttribute[] =>
  (['phone_number', 'email'] as const).filter(
    (name) => userPool.autoVerifiedAttributes.includes(name) && attributes[name] !== undefined,
  )
