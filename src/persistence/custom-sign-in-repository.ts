import type { Kysely } from 'kysely'
import type { CustomSignInRepository } from '../domain/ports/custom-sign-in-repository.ts'
import { presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'

export const customSignInRepository = (db: Kysely<Schema>): CustomSignInRepository => ({
  async add(signIn) {
    await db
      .insertInto('custom_sign_ins')
      .values({
        user_pool_id: signIn.userPoolId,
        id_hash: signIn.idHash,
        client_id: signIn.clientId,
        user_sub: signIn.userSub ?? null,
        sealed_state: signIn.sealedState,
        started_at: signIn.startedAt,
        expires_at: signIn.expiresAt,
      })
      .execute()
  },
  async find(userPoolId, idHash, at) {
    const row = await db
      .selectFrom('custom_sign_ins')
      .select(['user_pool_id as userPoolId', 'id_hash as idHash', 'client_id as clientId', 'user_sub as userSub'])
      .select(['sealed_state as sealedState', 'started_at as startedAt', 'expires_at as expiresAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return presentOrNone(row)
  },
  async spend(userPoolId, idHash, at) {
    const { numDeletedRows } = await db
      .deleteFrom('custom_sign_ins')
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
})
