import { sql } from 'kysely'
import type { Kysely, SqlBool } from 'kysely'
import type { UserRepository } from '../domain/ports/store.ts'
import type { User } from '../domain/users/user.ts'
import { addUser } from './add-user.ts'
import { claimIdentifier, releaseIdentifier } from './claim-identifier.ts'
import { present, presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'
import { signOutAllUsers, updateUser } from './update-user.ts'
import { userColumns } from './user-columns.ts'

export const userRepository = (db: Kysely<Schema>): UserRepository => ({
  add: (user) => addUser(db, user),
  findBySub: async (userPoolId, sub) => presentOrNone(await bySub(db, userPoolId, sub).executeTakeFirst()),
  async lockBySub(userPoolId, sub) {
    return presentOrNone(await bySub(db, userPoolId, sub).forNoKeyUpdate().executeTakeFirst())
  },
  findAll: (userPoolId, subs) => findAll(db, userPoolId, subs),
  async findByIdentifier(userPoolId, key) {
    return presentOrNone(await byIdentifier(db, userPoolId, key).executeTakeFirst())
  },
  async lockByIdentifier(userPoolId, key) {
    return presentOrNone(await byIdentifier(db, userPoolId, key).forNoKeyUpdate().executeTakeFirst())
  },
  async page({ userPoolId, limit, after, status }) {
    const rows = await db
      .selectFrom('users')
      .select(userColumns)
      .where('user_pool_id', '=', userPoolId)
      .where(sql<SqlBool>`username_key <> ''`) // as its index says: see migrations/0004-users
      .$if(after !== undefined, (query) => query.where('username_key', '>', after ?? ''))
      .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'UNKNOWN'))
      .orderBy('username_key')
      .limit(limit)
      .execute()
    return rows.map(present)
  },
  update: (userPoolId, sub, change, at) => updateUser(db, userPoolId, sub, change, at),
  async replacePasswordHash(userPoolId, sub, before, passwordHash) {
    const { numUpdatedRows } = await db
      .updateTable('users')
      .set({ password_hash: passwordHash, password_form: null })
      .where('user_pool_id', '=', userPoolId)
      .where('sub', '=', sub)
      .where('password_hash', '=', before)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  signOutAll: (userPoolId, at) => signOutAllUsers(db, userPoolId, at),
  claimIdentifier: (userPoolId, sub, identifier) => claimIdentifier(db, userPoolId, sub, identifier),
  releaseIdentifier: (userPoolId, sub, identifier) => releaseIdentifier(db, userPoolId, sub, identifier),
  delete: (userPoolId, sub) => deleteUser(db, userPoolId, sub),
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

const bySub = (db: Kysely<Schema>, userPoolId: string, sub: string) =>
  db.selectFrom('users').select(userColumns).where('user_pool_id', '=', userPoolId).where('sub', '=', sub)

const byIdentifier = (db: Kysely<Schema>, userPoolId: string, key: string) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('users.user_pool_id', '=', userPoolId)
    // Not a join: this way there is but one plan, two look-ups by key.
    .where('users.sub', '=', (eb) =>
      eb
        .selectFrom('user_identifiers')
        .select('user_sub')
        .where('user_identifiers.user_pool_id', '=', userPoolId)
        .where('user_identifiers.key', '=', key),
    )

async function findAll(db: Kysely<Schema>, userPoolId: string, subs: readonly string[]): Promise<readonly User[]> {
  const rows = await db
    .selectFrom('users')
    .select(userColumns)
    .where('user_pool_id', '=', userPoolId)
    .where('sub', '=', sql<never>`any(${[...subs]}::text[])`)
    .execute()
  return rows.map(present)
}

async function deleteUser(db: Kysely<Schema>, userPoolId: string, sub: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('users')
    .where('user_pool_id', '=', userPoolId)
    .where('sub', '=', sub)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
