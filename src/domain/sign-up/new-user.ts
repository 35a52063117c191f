import type { DomainServices } from '../ports/services.ts'
import type { NewUser } from '../ports/new-user.ts'
import { TriggerFailure } from '../triggers/trigger-failure.ts'
import type { PreSignUpAnswer } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { identifiersOf } from '../users/sign-in-name.ts'
import type { SignInName } from '../users/sign-in-name.ts'

/** What a sign-up makes, where nothing stands in the way. */
export function newUser(
  services: Pick<DomainServices, 'clock'>,
  userPool: UserPool,
  known: Pick<NewUser, 'sub' | 'username' | 'status' | 'passwordHash'> & { attributes: Record<string, string> },
  typed: SignInName['kind'],
): NewUser {
  const at = services.clock.now()
  const { username, attributes, status } = known
  return {
    ...known,
    userPoolId: userPool.id,
    enabled: true,
    createdAt: at,
    updatedAt: at,
    identifiers: identifiersOf(userPool, { username, attributes, confirmed: status === 'CONFIRMED', typed }),
  }
}

/** @throws TriggerFailure where the trigger proves an address that is not there, as Cognito has it */
export function attributesAfter(
  attributes: Record<string, string>,
  { autoVerifyEmail, autoVerifyPhone }: PreSignUpAnswer,
): Record<string, string> {
  const proved = [...(autoVerifyEmail ? ['email'] : []), ...(autoVerifyPhone ? ['phone_number'] : [])]
  const missing = proved.find((name) => attributes[name] === undefined)
  if (missing !== undefined) throw new TriggerFailure('PreSignUp', 'invalid', `there is no ${missing} to verify`)
  return { ...attributes, ...Object.fromEntries(proved.map((name) => [`${name}_verified`, 'true'])) }
}
