import type { Kysely } from 'kysely'
import type { InteractionRepository } from '../domain/ports/browser-session-repository.ts'
import { jsonText } from './json-text.ts'
import type { Schema } from './schema.ts'

export const interactionRepository = (db: Kysely<Schema>): InteractionRepository => ({
  find: (userPoolId, idHash, at) =>
    db
      .selectFrom('interactions')
      .select(['id_hash as idHash', 'user_pool_id as userPoolId', 'payload', 'expires_at as expiresAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', at)
      .executeTakeFirst(),
  async save(interaction) {
    const row = { payload: jsonText(interaction.payload), expires_at: interaction.expiresAt }
    await db
      .insertInto('interactions')
      .values({ ...row, user_pool_id: interaction.userPoolId, id_hash: interaction.idHash })
      .onConflict((conflict) => conflict.columns(['user_pool_id', 'id_hash']).doUpdateSet(row))
      .execute()
  },
  async delete(userPoolId, idHash) {
    const { numDeletedRows } = await db
      .deleteFrom('interactions')
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
})
