import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { isReadable, isWritable } from '../../domain/app-clients/attribute-access.ts'
import { providerOf } from '../../domain/identity-providers/find-provider.ts'
import type { UserPool, VerifiableAttribute } from '../../domain/user-pools/user-pool.ts'
import { standardAttributeNames } from '../../domain/users/attribute-schema.ts'
import type { User } from '../../domain/users/user.ts'
import { isMutable } from '../../domain/users/validate-attributes.ts'
import { hasField } from '../attribute-fields.ts'

/* What of themselves people may change through an app client. */

const isOwn = (userPool: UserPool, appClient: AppClient, user: User, name: string): boolean =>
  isReadable(appClient, name) &&
  isWritable(appClient, name) &&
  isMutable(userPool, name) &&
  !isProviders(userPool, user, name)

/** A provider says what it is, and says so again with every sign-in (threat row A4). */
const isProviders = (userPool: UserPool, { status, identities = [] }: User, name: string): boolean =>
  status === 'EXTERNAL_PROVIDER' &&
  identities.some((identity) => providerOf(userPool, identity)?.attributeMapping[name] !== undefined)

/**
 * Those of the profile page: addresses have pages of their own, since a new one has to be proved. Custom ones are there where
 * the app client lists them.
 */
export const writableAttributes = (userPool: UserPool, appClient: AppClient, user: User): readonly string[] =>
  [
    ...standardAttributeNames.filter((name) => name !== 'email' && name !== 'phone_number' && hasField(name)),
    ...userPool.customAttributes.map(({ name }) => `custom:${name}`),
  ].filter((name) => isOwn(userPool, appClient, user, name))

export const mayChangeAddress = (
  userPool: UserPool,
  appClient: AppClient,
  user: User,
  attribute: VerifiableAttribute,
): boolean => isOwn(userPool, appClient, user, attribute)
