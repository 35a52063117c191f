import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Belongings } from '../domain/ports/user-import-repository.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

/** Groups and factors of many users at once. */
export async function userBelongings(
  db: Kysely<Schema>,
  userPoolId: string,
  subs: readonly string[],
): Promise<Belongings> {
  const theirs = sql<never>`any(${[...subs]}::text[])`
  const groups = await db
    .selectFrom('group_members')
    .select(['user_sub as userSub', 'group_name as name'])
    .where('user_pool_id', '=', userPoolId)
    .where('user_sub', '=', theirs)
    .orderBy('group_name')
    .execute()
  const softwareTokens = await db
    .selectFrom('software_tokens')
    .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'id'])
    .select(['sealed_secret as sealedSecret', 'last_time_step as lastTimeStep'])
    .select(['created_at as createdAt', 'last_used_at as lastUsedAt'])
    .where('user_pool_id', '=', userPoolId)
    .where('user_sub', '=', theirs)
    .orderBy('created_at')
    .execute()
  const passkeys = await db
    .selectFrom('passkeys')
    .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'id', 'rp_id as rpId', 'public_key as publicKey'])
    .select(['counter', 'transports', 'is_platform as isPlatform', 'name'])
    .select(['created_at as createdAt', 'last_used_at as lastUsedAt'])
    .where('user_pool_id', '=', userPoolId)
    .where('user_sub', '=', theirs)
    .orderBy('created_at')
    .execute()
  return { groups, softwareTokens, passkeys: passkeys.map(present) }
}
