import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Belongings } from '../domain/ports/user-import-repository.ts'
import { passkeys } from './passkey-repository.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'
import { softwareTokens } from './software-token-repository.ts'

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
  const tokens = await softwareTokens(db)
    .where('user_pool_id', '=', userPoolId)
    .where('user_sub', '=', theirs)
    .orderBy('created_at')
    .execute()
  const keys = await passkeys(db)
    .where('user_pool_id', '=', userPoolId)
    .where('user_sub', '=', theirs)
    .orderBy('created_at')
    .execute()
  return { groups, softwareTokens: tokens, passkeys: keys.map(present) }
}
