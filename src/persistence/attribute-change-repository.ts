import type { Kysely } from 'kysely'
import type { AttributeChangeRepository } from '../domain/ports/store.ts'
import type { Schema } from './schema.ts'

export const attributeChangeRepository = (db: Kysely<Schema>): AttributeChangeRepository => ({
  async save({ userPoolId, userSub, attribute, value, expiresAt }) {
    await db
      .insertInto('attribute_changes')
      .values({ user_pool_id: userPoolId, user_sub: userSub, attribute, value, expires_at: expiresAt })
      .onConflict((conflict) =>
        conflict.columns(['user_sub', 'user_pool_id', 'attribute']).doUpdateSet({ value, expires_at: expiresAt }),
      )
      .execute()
  },
  ofUser: (userPoolId, userSub, at) =>
    db
      .selectFrom('attribute_changes')
      .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'attribute', 'value', 'expires_at as expiresAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('expires_at', '>', at)
      .execute(),
  async delete(userPoolId, userSub, attribute) {
    let deletion = db
      .deleteFrom('attribute_changes')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
    if (attribute !== undefined) deletion = deletion.where('attribute', '=', attribute)
    const { numDeletedRows } = await deletion.executeTakeFirst()
    return numDeletedRows > 0n
  },
})
