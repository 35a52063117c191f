import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { VerificationCodeRepository } from '../domain/ports/verification-code-repository.ts'
import type { CodeAttempt, VerificationCode } from '../domain/verification-codes/verification-code.ts'
import { present, presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'

/** Two tables of one form, so that what is done for nobody is the same work (threat row B14). */
type CodeTable = 'verification_codes' | 'decoy_codes'

export const verificationCodeRepository = (db: Kysely<Schema>, table: CodeTable): VerificationCodeRepository => ({
  replace: (code, unlessSentAfter) => replaceCode(db, table, code, unlessSentAfter),
  async find(userPoolId, userSub, purpose) {
    const row = await db
      .selectFrom(table)
      .select(['user_pool_id as userPoolId', 'user_sub as userSub', 'purpose', 'attribute', 'destination'])
      .select(['code_hash as codeHash', 'sent_at as sentAt', 'expires_at as expiresAt'])
      .select(['browser_hash as browserHash', 'sealed_flow_id as sealedFlowId'])
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('purpose', '=', purpose)
      .where('spent_by_attempt', 'is', null)
      .executeTakeFirst()
    return presentOrNone(row)
  },
  async findLink(userPoolId, userSub) {
    const row = await db
      .selectFrom(table)
      .select(['code_hash as codeHash', 'destination', 'expires_at as expiresAt'])
      .select(['browser_hash as browserHash', 'sealed_flow_id as sealedFlowId'])
      .select((eb) => eb('spent_by_attempt', 'is not', null).as('spent'))
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('purpose', '=', 'sign_up')
      .executeTakeFirst()
    return row && { ...present(row), spent: Boolean(row.spent) }
  },
  async delete(userPoolId, userSub, purposes) {
    await db
      .deleteFrom(table)
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('purpose', 'in', purposes)
      .execute()
  },
  attempt: (request) => attemptCode(db, table, request),
})

async function replaceCode(
  db: Kysely<Schema>,
  table: CodeTable,
  code: VerificationCode,
  unlessSentAfter?: Date,
): Promise<boolean> {
  const row = {
    attribute: code.attribute,
    destination: code.destination,
    code_hash: code.codeHash,
    attempts: 0,
    spent_by_attempt: null,
    sent_at: code.sentAt,
    expires_at: code.expiresAt,
    browser_hash: code.browserHash ?? null,
    sealed_flow_id: code.sealedFlowId ?? null,
  }
  const replaced = await db
    .insertInto(table)
    .values({ ...row, user_pool_id: code.userPoolId, user_sub: code.userSub, purpose: code.purpose })
    .onConflict((conflict) => {
      const update = conflict.columns(['user_pool_id', 'user_sub', 'purpose']).doUpdateSet(row)
      if (unlessSentAfter === undefined) return update
      return update.where((eb) =>
        eb.or([
          eb(`${table}.sent_at`, '<=', unlessSentAfter),
          eb(`${table}.spent_by_attempt`, 'is not', null),
          eb(`${table}.destination`, '<>', code.destination),
        ]),
      )
    })
    .executeTakeFirst()
  return (replaced.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/**
 * Every try locks the row and takes the next number. The row remembers the number of the try that was right, so the row
 * as it is afterwards tells each try how it went.
 */
async function attemptCode(
  db: Kysely<Schema>,
  table: CodeTable,
  request: Parameters<VerificationCodeRepository['attempt']>[0],
): Promise<CodeAttempt> {
  const { codeHash, at } = request
  const after = await db
    .updateTable(table)
    .set((eb) => ({
      attempts: eb('attempts', '+', 1),
      spent_by_attempt: eb
        .case()
        .when(eb.and([eb('spent_by_attempt', 'is', null), eb('expires_at', '>', at), eb('code_hash', '=', codeHash)]))
        .then(sql<number | null>`attempts + 1`)
        .else(eb.ref('spent_by_attempt'))
        .end(),
    }))
    .where('user_pool_id', '=', request.userPoolId)
    .where('user_sub', '=', request.userSub)
    .where('purpose', '=', request.purpose)
    .returning(['attribute', 'destination', 'attempts', 'spent_by_attempt', 'expires_at'])
    .executeTakeFirst()

  if (after === undefined) return { kind: 'expired' }
  const { attribute, destination, attempts, spent_by_attempt: spentBy } = after
  if (spentBy === attempts) return { kind: 'matched', attribute, destination }
  if (after.expires_at <= at) return { kind: 'expired' }
  return { kind: spentBy === null ? 'mismatch' : 'spent' }
}
