import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { SigningKeyRecord } from '../domain/tokens/signing-key.ts'
import { addSeconds } from '../platform/clock.ts'
import { announceChange } from './announce-change.ts'
import { jsonText } from './json-text.ts'
import { present } from './rows.ts'
import type { Schema } from './schema.ts'

const hour = 3600
const day = 24 * hour

export async function selectSigningKeys(db: Kysely<Schema>, userPoolId: string): Promise<SigningKeyRecord[]> {
  const rows = await db
    .selectFrom('signing_keys')
    .select(['user_pool_id as userPoolId', 'kid', 'use', 'algorithm', 'public_jwk as publicJwk', 'predecessor'])
    .select(['sealed_private_key as sealedPrivateKey', 'created_at as createdAt', 'active_at as activeAt'])
    .where('user_pool_id', '=', userPoolId)
    .orderBy('active_at', 'desc')
    .orderBy('kid')
    .execute()
  return rows.map(present)
}

export function addSigningKey(db: Kysely<Schema>, key: SigningKeyRecord): Promise<boolean> {
  const added = db.with('changed', (part) =>
    part
      .insertInto('signing_keys')
      .values({
        user_pool_id: key.userPoolId,
        kid: key.kid,
        use: key.use,
        algorithm: key.algorithm,
        public_jwk: jsonText(key.publicJwk),
        sealed_private_key: key.sealedPrivateKey ?? null,
        created_at: key.createdAt,
        active_at: key.activeAt,
        predecessor: key.predecessor,
      })
      .onConflict((conflict) => conflict.columns(['user_pool_id', 'use', 'algorithm', 'predecessor']).doNothing())
      .returning('user_pool_id'),
  )
  return announceChange(added, key.createdAt)
}

export async function activateSigningKeys(db: Kysely<Schema>, userPoolId: string, at: Date): Promise<void> {
  const activated = db.with('changed', (part) =>
    part
      .updateTable('signing_keys')
      .set({ active_at: at })
      .where('user_pool_id', '=', userPoolId)
      .where('active_at', '>', at)
      .returning('user_pool_id'),
  )
  await announceChange(activated, at)
}

export async function keepSigningKeys(db: Kysely<Schema>, userPoolId: string, kids: readonly string[]): Promise<void> {
  const deleted = db.with('changed', (part) =>
    part
      .deleteFrom('signing_keys')
      .where('user_pool_id', '=', userPoolId)
      .where('kid', 'not in', kids)
      .returning('user_pool_id'),
  )
  await announceChange(deleted)
}

/** A server whose clock is behind may sign with the former key for a while. */
const privateHalfSeconds = hour
/** As an `id_token_hint` an ID token is good long after it has expired, but not for ever. */
const publicHalfSeconds = 400 * day

export async function retireSigningKeys(db: Kysely<Schema>, at: Date): Promise<void> {
  const followedBefore = (before: Date) => sql<boolean>`exists (
    select from signing_keys as next
    where next.user_pool_id = signing_keys.user_pool_id and next.use = signing_keys.use
      and next.algorithm = signing_keys.algorithm and next.active_at > signing_keys.active_at
      and next.active_at <= ${before}
  )`
  await db
    .updateTable('signing_keys')
    .set({ sealed_private_key: null })
    .where('sealed_private_key', 'is not', null)
    .where(followedBefore(addSeconds(at, -privateHalfSeconds)))
    .execute()
  await db
    .deleteFrom('signing_keys')
    .where(followedBefore(addSeconds(at, -publicHalfSeconds)))
    .execute()
}

export async function poolsWithSigningKeysDue(db: Kysely<Schema>, at: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select user_pools.id from user_pools
    where user_pools.settings ->> 'SigningKeyRotationDays' is not null
      and exists (
        select from signing_keys as latest
        where latest.user_pool_id = user_pools.id
          and latest.active_at + (user_pools.settings ->> 'SigningKeyRotationDays')::int * interval '1 day' <= ${at}
          and not exists (
            select from signing_keys as next
            where next.user_pool_id = latest.user_pool_id and next.use = latest.use
              and next.algorithm = latest.algorithm and next.active_at > latest.active_at
          )
      )
    order by user_pools.id limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}
