import type { DomainServices } from '../ports/services.ts'
import { postConfirmation, preSignUp } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { checkNewUser, confirmUser, createUser } from './administer-user.ts'
import type { CreateUserOutcome, CreateUserRequest } from './administer-user.ts'
import type { User } from './user.ts'

/* What an operator does with a user, with the triggers that Cognito fires for it. Users of the configuration file come without. */

/** Cognito's AdminCreateUser: PreSignUp may turn it away, and what else it answers counts for nothing. @throws TriggerFailure */
export async function createUserOnRequest(
  services: DomainServices,
  request: CreateUserRequest,
): Promise<CreateUserOutcome> {
  const checked = checkNewUser(request)
  if (checked.kind === 'refused') return checked
  const { name, attributes } = checked
  // As Cognito has it where the name is an address: one that is made up.
  const username = name.kind === 'username' ? name.username : services.random.uuid()
  await preSignUp(services, { userPool: request.userPool }, { username, attributes }, 'AdminCreateUser')
  return createUser(services, request)
}

/** Cognito's AdminConfirmSignUp. False: the user was not waiting for confirmation. @throws TriggerFailure; the user is confirmed */
export async function confirmUserOnRequest(services: DomainServices, userPool: UserPool, user: User): Promise<boolean> {
  if (!(await confirmUser(services, user))) return false
  await postConfirmation(services, { userPool }, 'ConfirmSignUp', { ...user, status: 'CONFIRMED' })
  return true
}
