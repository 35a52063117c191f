import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { ConsentRepository } from '../domain/ports/consent-repository.ts'
import type { Schema } from './schema.ts'

const columns = [
  'user_pool_id as userPoolId',
  'user_sub as userSub',
  'client_id as clientId',
  'scopes',
  'created_at as createdAt',
  'updated_at as updatedAt',
] as const

export const consentRepository = (db: Kysely<Schema>): ConsentRepository => ({
  find: (userPoolId, userSub, clientId) =>
    db
      .selectFrom('consents')
      .select(columns)
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('client_id', '=', clientId)
      .executeTakeFirst(),
  ofUser: (userPoolId, userSub) =>
    db
      .selectFrom('consents')
      .select(columns)
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .orderBy('client_id')
      .execute(),
  add: (consent, at) => addConsent(db, consent, at),
  withdraw: (userPoolId, userSub, clientId, at) => withdrawConsent(db, { userPoolId, userSub, clientId, at }),
})

/** From the user and the client as they are: when one of them has just been deleted, there is nothing to allow. */
async function addConsent(
  db: Kysely<Schema>,
  consent: Parameters<ConsentRepository['add']>[0],
  at: Date,
): Promise<void> {
  const moment = sql<Date>`${at}::timestamptz`
  await db
    .insertInto('consents')
    .columns(['user_pool_id', 'user_sub', 'client_id', 'scopes', 'created_at', 'updated_at'])
    .expression((eb) =>
      eb
        .selectFrom('users')
        .innerJoin('app_clients', 'app_clients.user_pool_id', 'users.user_pool_id')
        .select(['users.user_pool_id', 'users.sub', 'app_clients.id'])
        .select([
          sql<string[]>`${[...consent.scopes]}::text[]`.as('scopes'),
          moment.as('created'),
          moment.as('updated'),
        ])
        .where('users.user_pool_id', '=', consent.userPoolId)
        .where('users.sub', '=', consent.userSub)
        .where('app_clients.id', '=', consent.clientId),
    )
    .onConflict((conflict) =>
      conflict.columns(['client_id', 'user_sub', 'user_pool_id']).doUpdateSet((eb) => ({
        scopes: sql<string[]>`array(select distinct unnest(consents.scopes || excluded.scopes))`,
        updated_at: eb.ref('excluded.updated_at'),
      })),
    )
    .execute()
}

/** Its grants and codes end in the same statement, and only if there was a consent. */
async function withdrawConsent(
  db: Kysely<Schema>,
  { userPoolId, userSub, clientId, at }: { userPoolId: string; userSub: string; clientId: string; at: Date },
): Promise<boolean> {
  const withdrawn = await db
    .with('withdrawn', (part) =>
      part
        .deleteFrom('consents')
        .where('user_pool_id', '=', userPoolId)
        .where('user_sub', '=', userSub)
        .where('client_id', '=', clientId)
        .returning('client_id'),
    )
    .with('codes', (part) =>
      part
        .deleteFrom('authorization_codes')
        .where('user_pool_id', '=', userPoolId)
        .where('user_sub', '=', userSub)
        .where('client_id', '=', clientId)
        .where((eb) => eb.exists(eb.selectFrom('withdrawn').select('client_id')))
        .where('consumed_at', 'is', null),
    )
    .with('ended', (part) =>
      part
        .updateTable('grants')
        .set({ revoked_at: at })
        .where('user_pool_id', '=', userPoolId)
        .where('user_sub', '=', userSub)
        .where('client_id', '=', clientId)
        .where((eb) => eb.exists(eb.selectFrom('withdrawn').select('client_id')))
        .where('revoked_at', 'is', null),
    )
    .selectFrom('withdrawn')
    .select('client_id')
    .executeTakeFirst()
  return withdrawn !== undefined
}
