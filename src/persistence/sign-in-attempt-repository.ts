import type { Kysely } from 'kysely'
import type { SignInAttemptRepository } from '../domain/ports/store.ts'
import type { Schema } from './schema.ts'

export const signInAttemptRepository = (db: Kysely<Schema>): SignInAttemptRepository => ({
  async add(attempt) {
    await db
      .insertInto('sign_in_attempts')
      .values({
        user_pool_id: attempt.userPoolId,
        id_hash: attempt.idHash,
        client_id: attempt.clientId,
        user_sub: attempt.userSub,
        challenge: attempt.challenge,
        amr: attempt.amr,
        started_at: attempt.startedAt,
        expires_at: attempt.expiresAt,
      })
      .execute()
  },
  find: (userPoolId, idHash, at) =>
    db
      .selectFrom('sign_in_attempts')
      .select(['id_hash as idHash', 'user_pool_id as userPoolId', 'client_id as clientId', 'user_sub as userSub'])
      .select(['challenge', 'amr', 'started_at as startedAt', 'expires_at as expiresAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst(),
  async spend(userPoolId, idHash, at) {
    const spent = await db
      .deleteFrom('sign_in_attempts')
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return spent.numDeletedRows > 0n
  },
})
