import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { DecoySignUpRepository } from '../domain/ports/decoy-sign-up-repository.ts'
import type { DecoyInForce } from '../domain/sign-up/decoy-sign-up.ts'
import { present, presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'
import { unconfirmedFor } from './unconfirmed-users.ts'

const columns = [
  'decoy_sign_ups.user_pool_id as userPoolId',
  'decoy_sign_ups.key',
  'decoy_sign_ups.sub',
  'decoy_sign_ups.kind',
  'decoy_sign_ups.address',
  'decoy_sign_ups.password_hash as passwordHash',
  'decoy_sign_ups.attributes_digest as attributesDigest',
  'decoy_sign_ups.attribute',
  'decoy_sign_ups.destination',
  'decoy_sign_ups.created_at as createdAt',
] as const

export const decoySignUpRepository = (db: Kysely<Schema>): DecoySignUpRepository => ({
  async replace(decoy) {
    const row = {
      sub: decoy.sub,
      kind: decoy.kind,
      address: decoy.address,
      password_hash: decoy.passwordHash,
      attributes_digest: decoy.attributesDigest,
      attribute: decoy.attribute ?? null,
      destination: decoy.destination ?? null,
      created_at: decoy.createdAt,
    }
    await db
      .insertInto('decoy_sign_ups')
      .values({ user_pool_id: decoy.userPoolId, key: decoy.key, ...row })
      .onConflict((conflict) => conflict.columns(['key', 'user_pool_id']).doUpdateSet(row))
      .execute()
  },
  async find(userPoolId, key) {
    const row = await db
      .selectFrom('decoy_sign_ups')
      .select(columns)
      .where('user_pool_id', '=', userPoolId)
      .where('key', '=', key)
      .executeTakeFirst()
    return presentOrNone(row)
  },
  findBySub: (userPoolId, sub) => findInForce(db, userPoolId, sub),
  async delete(userPoolId, sub) {
    await db.deleteFrom('decoy_sign_ups').where('user_pool_id', '=', userPoolId).where('sub', '=', sub).execute()
  },
  async setPassword(userPoolId, sub, passwordHash) {
    const updated = await db
      .updateTable('decoy_sign_ups')
      .set({ password_hash: passwordHash })
      .where('user_pool_id', '=', userPoolId)
      .where('sub', '=', sub)
      .executeTakeFirst()
    return updated.numUpdatedRows > 0n
  },
})

async function findInForce(db: Kysely<Schema>, userPoolId: string, sub: string): Promise<DecoyInForce | undefined> {
  const row = await db
    .selectFrom('decoy_sign_ups')
    .select(columns)
    .select(holder.as('account'))
    .where('decoy_sign_ups.user_pool_id', '=', userPoolId)
    .where('decoy_sign_ups.sub', '=', sub)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { account, ...decoy } = row
  return { ...present(decoy), ...(account === null ? {} : { account: present(account) }) }
}

/** Not a join: this way there is but one plan, look-ups by key. */
const holder = sql<{ sub: string; username: string; enabled: boolean; passwordHash: string | null } | null>`(
  select json_build_object(
    'sub', users.sub, 'username', users.username, 'enabled', users.enabled, 'passwordHash', users.password_hash)
  from users
  where users.user_pool_id = decoy_sign_ups.user_pool_id and users.sub = (
    select user_sub from user_identifiers
    where user_identifiers.user_pool_id = decoy_sign_ups.user_pool_id and user_identifiers.key = decoy_sign_ups.key))`

/** Deletes up to `limit` that have grown as old as an unconfirmed sign-up may, by the same rule. */
export async function deleteDecoySignUps(db: Kysely<Schema>, at: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from decoy_sign_ups where ctid = any (array(
      select decoy_sign_ups.ctid from decoy_sign_ups
      join user_pools on user_pools.id = decoy_sign_ups.user_pool_id
      where decoy_sign_ups.created_at <= ${at}::timestamptz - ${unconfirmedFor}
        and not exists (
          select from decoy_codes
          where decoy_codes.user_pool_id = decoy_sign_ups.user_pool_id
            and decoy_codes.user_sub = decoy_sign_ups.sub and decoy_codes.expires_at > ${at}
        )
      order by decoy_sign_ups.created_at limit ${limit} for update of decoy_sign_ups skip locked
    ))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
