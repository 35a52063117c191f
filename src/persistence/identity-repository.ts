import type { Kysely } from 'kysely'
import type { IdentityKey, IdentityRepository } from '../domain/ports/identity-repository.ts'
import type { Schema } from './schema.ts'

export const identityRepository = (db: Kysely<Schema>): IdentityRepository => ({
  async find(userPoolId, identity) {
    const row = await db
      .selectFrom('user_identities')
      .select('user_sub as userSub')
      .where((eb) => eb.and(keyOf(userPoolId, identity)))
      .executeTakeFirst()
    return row?.userSub
  },
  async claim(userPoolId, userSub, identity) {
    const added = await db
      .insertInto('user_identities')
      .values({ ...keyOf(userPoolId, identity), user_sub: userSub })
      .onConflict((conflict) => conflict.columns(['subject', 'issuer', 'provider_name', 'user_pool_id']).doNothing())
      .executeTakeFirst()
    return (added.numInsertedOrUpdatedRows ?? 0n) > 0n
  },
  async release(userPoolId, userSub, identity) {
    await db
      .deleteFrom('user_identities')
      .where((eb) => eb.and({ ...keyOf(userPoolId, identity), user_sub: userSub }))
      .execute()
  },
})

const keyOf = (userPoolId: string, { providerName, issuer, userId }: IdentityKey) => ({
  user_pool_id: userPoolId,
  provider_name: providerName,
  issuer,
  subject: userId,
})
