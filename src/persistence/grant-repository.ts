import type { Kysely } from 'kysely'
import type { GrantRepository } from '../domain/ports/store.ts'
import { addCode, findCode, redeemCode } from './authorization-code-rows.ts'
import { findRefreshToken, openGrant, rotate } from './refresh-token-rows.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'
import { userColumns } from './user-columns.ts'

export const grantRepository = (db: Kysely<Schema>): GrantRepository => ({
  addCode: (code) => addCode(db, code),
  findCode: (userPoolId, codeHash) => findCode(db, userPoolId, codeHash),
  redeemCode: (request) => redeemCode(db, request),
  open: (grant, refreshTokenHash) => openGrant(db, grant, refreshTokenHash),
  findRefreshToken: (userPoolId, tokenHash) => findRefreshToken(db, userPoolId, tokenHash),
  rotate: (request) => rotate(db, request),
  async revoke(userPoolId, grantId, at) {
    const revoked = await db
      .updateTable('grants')
      .set({ revoked_at: at })
      .where('user_pool_id', '=', userPoolId)
      .where('id', '=', grantId)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    return revoked.numUpdatedRows > 0n
  },
  async revokeOfUser(userPoolId, userSub, at) {
    const revoked = await db
      .with('codes', (part) =>
        part
          .deleteFrom('authorization_codes')
          .where('user_pool_id', '=', userPoolId)
          .where('user_sub', '=', userSub)
          .where('consumed_at', 'is', null),
      )
      .updateTable('grants')
      .set({ revoked_at: at })
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    return Number(revoked.numUpdatedRows)
  },
  async revokeAll(userPoolId, at) {
    const revoked = await db
      .with('codes', (part) =>
        part.deleteFrom('authorization_codes').where('user_pool_id', '=', userPoolId).where('consumed_at', 'is', null),
      )
      .updateTable('grants')
      .set({ revoked_at: at })
      .where('user_pool_id', '=', userPoolId)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return Number(revoked.numUpdatedRows)
  },
  findSubject: (userPoolId, userSub, grantId) => findSubject(db, userPoolId, userSub, grantId),
})

/** A grant that is not there counts as revoked: one is kept for longer than any access token lives. */
async function findSubject(db: Kysely<Schema>, userPoolId: string, userSub: string, grantId: string | undefined) {
  const row = await db
    .selectFrom('users')
    .leftJoin('grants', (join) =>
      join
        .onRef('grants.user_pool_id', '=', 'users.user_pool_id')
        .onRef('grants.user_sub', '=', 'users.sub')
        .on('grants.id', '=', grantId ?? null),
    )
    .select(userColumns)
    .select(['grants.id as grantId', 'grants.revoked_at as revokedAt'])
    .where('users.user_pool_id', '=', userPoolId)
    .where('users.sub', '=', userSub)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { grantId: found, revokedAt, ...user } = row
  return { user: present(user), grantRevoked: grantId !== undefined && (found === null || revokedAt !== null) }
}
