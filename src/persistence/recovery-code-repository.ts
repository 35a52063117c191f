import type { Kysely } from 'kysely'
import type { RecoveryCodeRepository } from '../domain/ports/recovery-code-repository.ts'
import { inTransaction } from './rows.ts'
import type { Schema } from './schema.ts'

export const recoveryCodeRepository = (db: Kysely<Schema>): RecoveryCodeRepository => ({
  replace: (userPoolId, userSub, codeHashes, at) =>
    inTransaction(db, async (trx) => {
      await trx
        .deleteFrom('recovery_codes')
        .where('user_pool_id', '=', userPoolId)
        .where('user_sub', '=', userSub)
        .execute()
      if (codeHashes.length === 0) return
      const rows = codeHashes.map((hash) => ({
        user_pool_id: userPoolId,
        user_sub: userSub,
        code_hash: hash,
        created_at: at,
      }))
      await trx.insertInto('recovery_codes').values(rows).execute()
    }),
  async count(userPoolId, userSub) {
    const row = await db
      .selectFrom('recovery_codes')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  },
  async spend(userPoolId, userSub, codeHash) {
    const deleted = await db
      .deleteFrom('recovery_codes')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('code_hash', '=', codeHash)
      .executeTakeFirst()
    return deleted.numDeletedRows > 0n
  },
})
