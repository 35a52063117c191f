import { sql } from 'kysely'
import type { Kysely, RawBuilder, SqlBool } from 'kysely'
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
  revokeOfUser: (userPoolId, userSub, at, except) =>
    revokeOfUser(
      db,
      userPoolId,
      userSub,
      at,
      except === undefined ? sql`true` : sql`session_uid is distinct from ${except}`,
    ),
  revokeOfSession: (userPoolId, userSub, sessionUid, at) =>
    revokeOfUser(db, userPoolId, userSub, at, sql`session_uid = ${sessionUid}`),
  async ofUser(userPoolId, userSub, at) {
    const rows = await db
      .selectFrom('grants')
      .select(['id', 'client_id as clientId', 'session_uid as sessionUid', 'created_at as createdAt'])
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', at)
      .orderBy('created_at')
      .execute()
    return rows.map(present)
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

/** @param which of the user's grants and unspent codes; both tables name the session alike */
async function revokeOfUser(
  db: Kysely<Schema>,
  userPoolId: string,
  userSub: string,
  at: Date,
  which: RawBuilder<SqlBool>,
): Promise<number> {
  const revoked = await db
    .with('codes', (part) =>
      part
        .deleteFrom('authorization_codes')
        .where('user_pool_id', '=', userPoolId)
        .where('user_sub', '=', userSub)
        .where('consumed_at', 'is', null)
        .where(which),
    )
    .updateTable('grants')
    .set({ revoked_at: at })
    .where('user_pool_id', '=', userPoolId)
    .where('user_sub', '=', userSub)
    .where('revoked_at', 'is', null)
    .where(which)
    .executeTakeFirst()
  return Number(revoked.numUpdatedRows)
}

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
