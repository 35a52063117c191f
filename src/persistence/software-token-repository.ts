import type { Kysely } from 'kysely'
import type { SoftwareTokenRepository } from '../domain/ports/software-token-repository.ts'
import type { Schema } from './schema.ts'

export const softwareTokenRepository = (db: Kysely<Schema>): SoftwareTokenRepository => ({
  async add(token, at) {
    await db
      .insertInto('software_tokens')
      .values({
        user_pool_id: token.userPoolId,
        user_sub: token.userSub,
        id: token.id,
        sealed_secret: token.sealedSecret,
        last_time_step: token.lastTimeStep,
        created_at: at,
        last_used_at: at,
      })
      .execute()
  },
  ofUser: (userPoolId, userSub) =>
    softwareTokens(db)
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .orderBy('created_at')
      .execute(),
  async useTimeStep({ userPoolId, userSub, id }, timeStep, at) {
    const { numUpdatedRows } = await db
      .updateTable('software_tokens')
      .set({ last_time_step: timeStep, last_used_at: at })
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('id', '=', id)
      .where('last_time_step', '<', timeStep)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async delete(userPoolId, userSub, ids) {
    await db
      .deleteFrom('software_tokens')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('id', 'in', ids)
      .execute()
  },
  async deleteOfUser(userPoolId, userSub) {
    await db
      .deleteFrom('software_tokens')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .execute()
  },
})

/** As the domain has them, of whom the query goes on to say. */
export const softwareTokens = (db: Kysely<Schema>) =>
  db
    .selectFrom('software_tokens')
    .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'id'])
    .select(['sealed_secret as sealedSecret', 'last_time_step as lastTimeStep'])
    .select(['created_at as createdAt', 'last_used_at as lastUsedAt'])
