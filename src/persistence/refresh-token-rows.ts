import type { Kysely } from 'kysely'
import type { GrantRepository } from '../domain/ports/store.ts'
import type { Grant } from '../domain/tokens/grant.ts'
import { grantColumns, grantRow } from './grant-rows.ts'
import { groupsOfJoinedUser } from './group-repository.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'
import { splitSubject, subjectColumns } from './token-subject.ts'

type RotateRequest = Parameters<GrantRepository['rotate']>[0]

export async function openGrant(db: Kysely<Schema>, grant: Grant, refreshTokenHash: string): Promise<void> {
  await db
    .with('opened', (part) => part.insertInto('grants').values(grantRow(grant)))
    .insertInto('refresh_tokens')
    .values({
      user_pool_id: grant.userPoolId,
      token_hash: refreshTokenHash,
      grant_id: grant.id,
      created_at: grant.createdAt,
    })
    .execute()
}

export async function findRefreshToken(db: Kysely<Schema>, userPoolId: string, tokenHash: string) {
  const row = await db
    // Materialized, so that the pool's id stays out of the joins: as a constant there it invites plans that read the
    // whole pool.
    .with(
      (part) => part('token').materialized(),
      (part) =>
        part
          .selectFrom('refresh_tokens')
          .select(['user_pool_id', 'grant_id', 'consumed_at'])
          .where('user_pool_id', '=', userPoolId)
          .where('token_hash', '=', tokenHash),
    )
    .selectFrom('token')
    .innerJoin('grants', (join) =>
      join.onRef('grants.user_pool_id', '=', 'token.user_pool_id').onRef('grants.id', '=', 'token.grant_id'),
    )
    .innerJoin('users', (join) =>
      join.onRef('users.user_pool_id', '=', 'grants.user_pool_id').onRef('users.sub', '=', 'grants.user_sub'),
    )
    .select(grantColumns)
    .select('token.consumed_at as consumedAt')
    .select(subjectColumns)
    .select((eb) => groupsOfJoinedUser(eb).as('groups'))
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { subject, rest } = splitSubject(row)
  const { consumedAt, ...grant } = rest
  return { subject, grant: present(grant), ...present({ consumedAt }) }
}

/** Whoever sets `consumed_at` adds the successor; the others find it set and write nothing (threat rows C5, C6). */
export async function rotate(db: Kysely<Schema>, request: RotateRequest): Promise<boolean> {
  const { userPoolId, tokenHash, successorHash, at } = request
  const added = await db
    .with('spent', (part) =>
      part
        .updateTable('refresh_tokens as token')
        .set({ consumed_at: at })
        .where('token.user_pool_id', '=', userPoolId)
        .where('token.token_hash', '=', tokenHash)
        .where('token.consumed_at', 'is', null)
        // A family that ended since it was read gets no further token.
        .where((eb) =>
          eb
            .selectFrom('grants')
            .select((grant) =>
              grant.and([grant('grants.revoked_at', 'is', null), grant('grants.expires_at', '>', at)]).as('lives'),
            )
            .whereRef('grants.user_pool_id', '=', 'token.user_pool_id')
            .whereRef('grants.id', '=', 'token.grant_id')
            .$asScalar(),
        )
        .returning(['token.user_pool_id', 'token.grant_id']),
    )
    .insertInto('refresh_tokens')
    .columns(['user_pool_id', 'grant_id', 'token_hash', 'created_at'])
    .expression((eb) =>
      eb
        .selectFrom('spent')
        .select(['user_pool_id', 'grant_id', eb.val(successorHash).as('token_hash'), eb.val(at).as('created_at')]),
    )
    .executeTakeFirst()
  return (added.numInsertedOrUpdatedRows ?? 0n) > 0n
}
