import type { Kysely } from 'kysely'
import type { GrantRepository } from '../domain/ports/store.ts'
import type { AuthorizationCode } from '../domain/tokens/grant.ts'
import { auditEventColumns, auditEventRow } from './audit-rows.ts'
import { grantRow } from './grant-rows.ts'
import { groupsOfJoinedUser } from './group-repository.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'
import { splitSubject, subjectColumns } from './token-subject.ts'

type RedeemRequest = Parameters<GrantRepository['redeemCode']>[0]

export async function addCode(db: Kysely<Schema>, code: AuthorizationCode): Promise<void> {
  await db
    .insertInto('authorization_codes')
    .values({
      user_pool_id: code.userPoolId,
      code_hash: code.codeHash,
      client_id: code.clientId,
      user_sub: code.userSub,
      redirect_uri: code.redirectUri,
      scope: code.scope,
      nonce: code.nonce ?? null,
      code_challenge: code.codeChallenge ?? null,
      resource: code.resource ?? null,
      auth_time: code.authTime,
      amr: code.amr,
      acr: code.acr ?? null,
      session_uid: code.sessionUid ?? null,
      expires_at: code.expiresAt,
    })
    .execute()
}

export async function findCode(db: Kysely<Schema>, userPoolId: string, codeHash: string) {
  const row = await db
    // Materialized as in findRefreshToken.
    .with(
      (part) => part('code').materialized(),
      (part) =>
        part
          .selectFrom('authorization_codes')
          .select(['user_pool_id', 'code_hash', 'client_id', 'user_sub', 'redirect_uri', 'scope', 'nonce'])
          .select(['code_challenge', 'resource', 'auth_time', 'amr', 'acr', 'session_uid', 'expires_at'])
          .select(['consumed_at', 'grant_id'])
          .where('user_pool_id', '=', userPoolId)
          .where('code_hash', '=', codeHash),
    )
    .selectFrom('code')
    .innerJoin('users', (join) =>
      join.onRef('users.user_pool_id', '=', 'code.user_pool_id').onRef('users.sub', '=', 'code.user_sub'),
    )
    .select(['code.user_pool_id as userPoolId', 'code.code_hash as codeHash', 'code.client_id as clientId'])
    .select(['code.user_sub as userSub', 'code.redirect_uri as redirectUri', 'code.scope', 'code.nonce'])
    .select(['code.code_challenge as codeChallenge', 'code.resource', 'code.auth_time as authTime', 'code.amr'])
    .select(['code.acr', 'code.session_uid as sessionUid', 'code.expires_at as expiresAt'])
    .select(['code.consumed_at as consumedAt', 'code.grant_id as grantId'])
    .select(subjectColumns)
    .select((eb) => groupsOfJoinedUser(eb).as('groups'))
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { subject, rest } = splitSubject(row)
  const { consumedAt, grantId, ...code } = rest
  return { subject, code: present(code), ...present({ consumedAt, grantId }) }
}

/**
 * Whoever sets `consumed_at` opens the grant; the others find it set and write nothing (threat rows C5, C6). That the
 * code has not expired and was given for this very client and user is checked by the caller, and here once more.
 */
export async function redeemCode(db: Kysely<Schema>, request: RedeemRequest): Promise<boolean> {
  const { userPoolId, codeHash, grant, refreshTokenHash, event, at } = request
  const added = await db
    .with('spent', (part) =>
      part
        .updateTable('authorization_codes')
        .set({ consumed_at: at, grant_id: grant.id })
        .where('user_pool_id', '=', userPoolId)
        .where('code_hash', '=', codeHash)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', at)
        .where('client_id', '=', grant.clientId)
        .where('user_sub', '=', grant.userSub)
        .returning('user_pool_id'),
    )
    .with('opened', (part) => {
      const row = grantRow(grant)
      const columns = Object.keys(row) as (keyof typeof row)[]
      return part
        .insertInto('grants')
        .columns(columns)
        .expression((eb) => eb.selectFrom('spent').select(columns.map((column) => eb.val(row[column]).as(column))))
        .returning(['user_pool_id', 'id'])
    })
    .with('recorded', (part) =>
      part
        .insertInto('audit_inbox')
        .columns(auditEventColumns)
        .expression((eb) => {
          const row = auditEventRow(event)
          return eb.selectFrom('opened').select(auditEventColumns.map((column) => eb.val(row[column]).as(column)))
        }),
    )
    .insertInto('refresh_tokens')
    .columns(['user_pool_id', 'token_hash', 'grant_id', 'created_at'])
    .expression((eb) =>
      eb
        .selectFrom('opened')
        .select(['user_pool_id', eb.val(refreshTokenHash).as('token_hash'), 'id', eb.val(at).as('created_at')]),
    )
    .executeTakeFirst()
  return (added.numInsertedOrUpdatedRows ?? 0n) > 0n
}
