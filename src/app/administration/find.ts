import { z } from 'zod'
import type { UserPoolRecord } from '../../domain/ports/store.ts'
import type { UserPoolSnapshot } from '../../domain/user-pools/user-pool-directory.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import { findUser } from '../../domain/users/administer-user.ts'
import type { User } from '../../domain/users/user.ts'
import type { Administration } from './administration.ts'
import { CommandFailure } from './command-failure.ts'

/** A user pool's id or name; absent: the default one. */
export const userPoolSelector = z.string().min(1).max(128).optional()

/** @throws CommandFailure notFound */
export function requireUserPool({ directory }: Administration, selector: string | undefined): UserPool {
  if (selector === undefined) {
    const userPool = directory.default()
    if (userPool !== undefined) return userPool
    throw new CommandFailure('notFound', 'There is no default user pool: name one with --pool ID.')
  }
  const userPool = directory.byId(selector) ?? directory.all().find(({ name }) => name === selector)
  if (userPool !== undefined) return userPool
  throw new CommandFailure('notFound', `There is no user pool ${JSON.stringify(selector)}.`)
}

/** As stored: settings in Cognito's member names. @throws CommandFailure notFound */
export async function requireUserPoolRecord(
  administration: Administration,
  selector: string | undefined,
): Promise<UserPoolRecord> {
  const { id } = requireUserPool(administration, selector)
  const record = (await administration.domain.store.settings.userPools()).find((stored) => stored.id === id)
  if (record === undefined) throw new CommandFailure('notFound', `There is no user pool ${id}.`)
  return record
}

/**
 * With everything opened that is sealed: throws before anything more is sealed with a secret that is not this database's.
 * @throws CommandFailure notFound, Error
 */
export async function requireSnapshot(
  administration: Administration,
  selector: string | undefined,
): Promise<UserPoolSnapshot> {
  const { id } = requireUserPool(administration, selector)
  const snapshot = await administration.directory.get(id)
  if (snapshot === undefined) throw new CommandFailure('notFound', `There is no user pool ${id}.`)
  return snapshot
}

/** By any sign-in name or by sub. @throws CommandFailure notFound */
export async function requireUser({ domain }: Administration, userPool: UserPool, username: string): Promise<User> {
  const user = await findUser(domain, userPool, username)
  if (user !== undefined) return user
  throw new CommandFailure('notFound', `There is no user ${JSON.stringify(username)} in user pool ${userPool.id}.`)
}
