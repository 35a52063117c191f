import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { isWritable } from '../../domain/app-clients/attribute-access.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import { requiredAttributes } from '../../domain/users/validate-attributes.ts'
import { hasField } from '../attribute-fields.ts'

/**
 * Attributes asked for at sign-up beside the user name (reference: hosted UI §4): the pool's aliases and every required
 * attribute, as far as the app client may write them; the address that is itself the sign-in name stands in the user name
 * field.
 */
export function signUpFieldNames(
  userPool: UserPool,
  appClient: AppClient,
): readonly { name: string; required: boolean }[] {
  const required = new Set(requiredAttributes(userPool))
  const aliases = userPool.usernameAttributes.length > 0 ? [] : userPool.aliasAttributes
  const verified = userPool.autoVerifiedAttributes
  const names = new Set([...aliases, ...required])
  // Where nothing else could carry the confirmation code, its address is not optional.
  const onlyChannel = userPool.usernameAttributes.length === 0 && verified.length === 1 ? verified[0] : undefined
  if (onlyChannel !== undefined) names.add(onlyChannel)
  return [...names]
    .filter((name) => hasField(name) && isWritable(appClient, name) && !isSignInAddress(userPool, name))
    .map((name) => ({ name, required: required.has(name) || name === onlyChannel }))
}

/** With one address kind the field is that address; with two, the other one may still be required beside it. */
const isSignInAddress = (userPool: UserPool, name: string): boolean =>
  userPool.usernameAttributes.length === 1 && userPool.usernameAttributes[0] === name
