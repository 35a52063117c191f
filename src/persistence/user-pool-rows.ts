import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { UserPoolRecord } from '../domain/ports/store.ts'
import { announceChangeOf, differs } from './announce-change.ts'
import { jsonText } from './json-text.ts'
import { inTransaction } from './rows.ts'
import type { Schema } from './schema.ts'

/** Oldest first, with their domains. One query. */
export async function selectUserPools(db: Kysely<Schema>): Promise<UserPoolRecord[]> {
  const rows = await db
    .selectFrom('user_pools')
    .select(['id', 'name', 'version', 'is_default as isDefault', 'issuer', 'settings', 'triggers'])
    .select('event_webhooks as eventWebhooks')
    .select('identity_providers as identityProviders')
    .select('password_forms as passwordForms')
    .select('issuer_follows_public_url as issuerFollowsPublicUrl')
    .select((eb) =>
      sql<string[]>`array(${eb
        .selectFrom('user_pool_domains')
        .select('origin')
        .whereRef('user_pool_domains.user_pool_id', '=', 'user_pools.id')
        .orderBy('position')})`.as('domains'),
    )
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ passwordForms, eventWebhooks, identityProviders, ...row }) => ({
    ...row,
    ...(passwordForms.length === 0 ? {} : { passwordForms }),
    ...(eventWebhooks.length === 0 ? {} : { eventWebhooks }),
    ...(identityProviders.length === 0 ? {} : { identityProviders }),
  }))
}

/**
 * The pool's row stays locked from the first statement on, so two processes that apply one file wait for each other.
 * @throws Error when a domain leads to another pool
 */
export function saveUserPool(db: Kysely<Schema>, userPool: Omit<UserPoolRecord, 'version'>, at: Date): Promise<void> {
  return inTransaction(db, async (trx) => {
    const rowChanged = await upsertRow(trx, userPool, at)
    const domainsChanged = await replaceDomains(trx, userPool)
    const defaultMoved = userPool.isDefault && (await dropOtherDefaults(trx, userPool.id, at))
    if (rowChanged || domainsChanged || defaultMoved) await announceChangeOf(trx, userPool.id, at)
  })
}

export function deleteUserPool(db: Kysely<Schema>, userPoolId: string): Promise<boolean> {
  return db
    .with('deleted', (part) => part.deleteFrom('user_pools').where('id', '=', userPoolId).returning('id'))
    .updateTable('settings_generation')
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('id', '=', 1)
    .where((eb) => eb.exists(eb.selectFrom('deleted').select('id')))
    .executeTakeFirst()
    .then(({ numUpdatedRows }) => numUpdatedRows > 0n)
}

async function upsertRow(trx: Kysely<Schema>, userPool: Omit<UserPoolRecord, 'version'>, at: Date): Promise<boolean> {
  const row = {
    name: userPool.name,
    is_default: userPool.isDefault,
    issuer: userPool.issuer,
    issuer_follows_public_url: userPool.issuerFollowsPublicUrl,
    settings: jsonText(userPool.settings),
    triggers: jsonText(userPool.triggers ?? {}),
    event_webhooks: jsonText(userPool.eventWebhooks ?? []),
    identity_providers: jsonText(userPool.identityProviders ?? []),
  }
  const saved = await trx
    .insertInto('user_pools')
    .values({ ...row, id: userPool.id, created_at: at, updated_at: at })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => ({
          name: eb.ref('excluded.name'),
          is_default: eb.ref('excluded.is_default'),
          issuer: eb.ref('excluded.issuer'),
          issuer_follows_public_url: eb.ref('excluded.issuer_follows_public_url'),
          settings: eb.ref('excluded.settings'),
          triggers: eb.ref('excluded.triggers'),
          event_webhooks: eb.ref('excluded.event_webhooks'),
          identity_providers: eb.ref('excluded.identity_providers'),
        }))
        .where(differs('user_pools', Object.keys(row))),
    )
    .returning('id')
    .executeTakeFirst()
  return saved !== undefined
}

async function replaceDomains(trx: Kysely<Schema>, userPool: Omit<UserPoolRecord, 'version'>): Promise<boolean> {
  const stored = await trx
    .selectFrom('user_pool_domains')
    .select('origin')
    .where('user_pool_id', '=', userPool.id)
    .orderBy('position')
    .execute()
  if (JSON.stringify(stored.map(({ origin }) => origin)) === JSON.stringify(userPool.domains)) return false
  await trx.deleteFrom('user_pool_domains').where('user_pool_id', '=', userPool.id).execute()
  if (userPool.domains.length === 0) return true
  const added = await trx
    .insertInto('user_pool_domains')
    .values(userPool.domains.map((origin, position) => ({ origin, user_pool_id: userPool.id, position })))
    .onConflict((conflict) => conflict.column('origin').doNothing())
    .returning('origin')
    .execute()
  const taken = userPool.domains.find((origin) => !added.some((row) => row.origin === origin))
  // Taking it over silently would let one pool's settings redirect another pool's users.
  if (taken !== undefined) throw new Error(`The domain ${taken} belongs to another user pool; remove it there first.`)
  return true
}

async function dropOtherDefaults(trx: Kysely<Schema>, userPoolId: string, at: Date): Promise<boolean> {
  const dropped = await trx
    .updateTable('user_pools')
    .set((eb) => ({ is_default: false, version: eb('version', '+', 1), updated_at: at }))
    .where('is_default', '=', true)
    .where('id', '<>', userPoolId)
    .executeTakeFirst()
  return dropped.numUpdatedRows > 0n
}
