import type { Kysely } from 'kysely'
import type { OneTimeRepository } from '../domain/ports/one-time-repository.ts'
import type { Schema } from './schema.ts'

export const oneTimeRepository = (db: Kysely<Schema>): OneTimeRepository => ({
  async spend(userPoolId, hash, expiresAt) {
    const spent = await db
      .insertInto('used_once')
      .values({ user_pool_id: userPoolId, hash, expires_at: expiresAt })
      .onConflict((conflict) => conflict.columns(['hash', 'user_pool_id']).doNothing())
      .executeTakeFirst()
    return (spent.numInsertedOrUpdatedRows ?? 0n) > 0n
  },
})
