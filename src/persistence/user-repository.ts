import type { Kysely } from 'kysely'
import type { UserRepository } from '../domain/ports/store.ts'
import { addUser } from './add-user.ts'
import { claimIdentifier } from './claim-identifier.ts'
import { present, presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'
import { updateUser } from './update-user.ts'
import { userColumns } from './user-columns.ts'

export const userRepository = (db: Kysely<Schema>): UserRepository => ({
  add: (user) => addUser(db, user),
  async findBySub(userPoolId, sub) {
    const row = await db
      .selectFrom('users')
      .select(userColumns)
      .where('user_pool_id', '=', userPoolId)
      .where('sub', '=', sub)
      .executeTakeFirst()
    return presentOrNone(row)
  },
  async findByIdentifier(userPoolId, key) {
    const row = await db
      .selectFrom('user_identifiers as identifier')
      .innerJoin('users', (join) =>
        join.onRef('users.user_pool_id', '=', 'identifier.user_pool_id').onRef('users.sub', '=', 'identifier.user_sub'),
      )
      .select(userColumns)
      .where('identifier.user_pool_id', '=', userPoolId)
      .where('identifier.key', '=', key)
      .executeTakeFirst()
    return presentOrNone(row)
  },
  async page({ userPoolId, limit, after, status }) {
    const rows = await db
      .selectFrom('users')
      .select(userColumns)
      .where('user_pool_id', '=', userPoolId)
      // No name is empty, and only with this condition is the index by name used (see its migration).
      .where('username_key', '>', after ?? '')
      .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'UNKNOWN'))
      .orderBy('username_key')
      .limit(limit)
      .execute()
    return rows.map(present)
  },
  update: (userPoolId, sub, change, at) => updateUser(db, userPoolId, sub, change, at),
  claimIdentifier: (userPoolId, sub, identifier) => claimIdentifier(db, userPoolId, sub, identifier),
  async delete(userPoolId, sub) {
    const deleted = await db
      .deleteFrom('users')
      .where('user_pool_id', '=', userPoolId)
      .where('sub', '=', sub)
      .executeTakeFirst()
    return deleted.numDeletedRows > 0n
  },
  async deleteUnconfirmed(userPoolId, sub) {
    const deleted = await db
      .deleteFrom('users')
      .where('user_pool_id', '=', userPoolId)
      .where('sub', '=', sub)
      .where('status', '=', 'UNCONFIRMED')
      .executeTakeFirst()
    return deleted.numDeletedRows > 0n
  },
})
