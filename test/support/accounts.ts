import { createUser } from '../../src/domain/users/administer-user.ts'
import type { User } from '../../src/domain/users/user.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import type { TestServer } from './server.ts'

/** The user pool with this id; without one, the default pool. */
export function userPoolOf(server: TestServer, id?: string): UserPool {
  const { directory } = server.services
  const userPool = id === undefined ? directory.default() : directory.byId(id)
  if (userPool === undefined) throw new Error(`there is no user pool ${id ?? '(default)'}`)
  return userPool
}

/** Makes an account as an operator would; `temporary` makes its password one to be changed at the first sign-in. */
export async function haveAccount(
  server: TestServer,
  account: {
    username: string
    password: string
    userPoolId?: string
    attributes?: Record<string, string>
    temporary?: boolean
  },
): Promise<User> {
  const userPool = userPoolOf(server, account.userPoolId)
  const { username, password, temporary = false } = account
  const verified = username.includes('@') ? { email_verified: 'true' } : {}
  const outcome = await createUser(server.services.domain, {
    userPool,
    username,
    password,
    attributes: { ...verified, ...account.attributes },
    permanent: !temporary,
  })
  if (outcome.kind !== 'done') throw new Error(`${username} could not be made: ${JSON.stringify(outcome)}`)
  return outcome.user
}
