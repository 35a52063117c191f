import type { Kysely } from 'kysely'
import type { PasskeyRepository } from '../domain/ports/passkey-repository.ts'
import type { Passkey } from '../domain/passkeys/passkey.ts'
import { present, presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'

export const passkeyRepository = (db: Kysely<Schema>): PasskeyRepository => ({
  add: (passkey, at) => addPasskey(db, passkey, at),
  find: async (userPoolId, id) =>
    presentOrNone(await passkeys(db).where('user_pool_id', '=', userPoolId).where('id', '=', id).executeTakeFirst()),
  async ofUser(userPoolId, userSub) {
    const rows = await passkeys(db)
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .orderBy('created_at')
      .execute()
    return rows.map(present)
  },
  async use(passkey, counter, at) {
    const { numUpdatedRows } = await db
      .updateTable('passkeys')
      .set({ counter, last_used_at: at })
      .where((eb) => eb.and(own(passkey)))
      .where((eb) => eb.or([eb('counter', '<', counter), eb.and({ counter: 0 }).and(eb.val(counter), '=', 0)]))
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async rename(passkey) {
    const { numUpdatedRows } = await db
      .updateTable('passkeys')
      .set({ name: passkey.name })
      .where((eb) => eb.and(own(passkey)))
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async delete(passkey) {
    const { numDeletedRows } = await db
      .deleteFrom('passkeys')
      .where((eb) => eb.and(own(passkey)))
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
  async deleteOfUser(userPoolId, userSub) {
    await db.deleteFrom('passkeys').where('user_pool_id', '=', userPoolId).where('user_sub', '=', userSub).execute()
  },
})

async function addPasskey(db: Kysely<Schema>, passkey: Passkey, at: Date): Promise<boolean> {
  const added = await db
    .insertInto('passkeys')
    .values({
      user_pool_id: passkey.userPoolId,
      user_sub: passkey.userSub,
      id: passkey.id,
      rp_id: passkey.rpId,
      public_key: passkey.publicKey,
      counter: passkey.counter,
      transports: passkey.transports,
      is_platform: passkey.isPlatform,
      name: passkey.name,
      created_at: at,
      last_used_at: null,
    })
    .onConflict((conflict) => conflict.columns(['id', 'user_pool_id']).doNothing())
    .executeTakeFirst()
  return (added.numInsertedOrUpdatedRows ?? 0n) > 0n
}

const own = ({ userPoolId, userSub, id }: Pick<Passkey, 'userPoolId' | 'userSub' | 'id'>) => ({
  user_pool_id: userPoolId,
  user_sub: userSub,
  id,
})

/** As the domain has them, of whom the query goes on to say. */
export const passkeys = (db: Kysely<Schema>) =>
  db
    .selectFrom('passkeys')
    .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'id', 'rp_id as rpId', 'public_key as publicKey'])
    .select(['counter', 'transports', 'is_platform as isPlatform', 'name'])
    .select(['created_at as createdAt', 'last_used_at as lastUsedAt'])
