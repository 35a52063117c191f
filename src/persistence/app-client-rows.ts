import type { Kysely } from 'kysely'
import type { AppClientRecord, AppClientSecretRecord } from '../domain/ports/store.ts'
import { announceChangeOf, differs } from './announce-change.ts'
import { jsonText } from './json-text.ts'
import { inTransaction } from './rows.ts'
import type { Schema } from './schema.ts'

/**
 * With their secrets, in one query: a client read without its secrets would pass for a public one.
 * @param clientId one client only
 */
export async function selectAppClients(
  db: Kysely<Schema>,
  userPoolId: string,
  clientId?: string,
): Promise<AppClientRecord[]> {
  const rows = await db
    .selectFrom('app_clients as client')
    .leftJoin('app_client_secrets as secret', (join) =>
      join.onRef('secret.user_pool_id', '=', 'client.user_pool_id').onRef('secret.client_id', '=', 'client.id'),
    )
    .select(['client.user_pool_id as userPoolId', 'client.id', 'client.name', 'client.settings'])
    .select(['secret.id as secretId', 'secret.sealed_secret as sealedSecret', 'secret.added'])
    .select('secret.created_at as createdAt')
    .where('client.user_pool_id', '=', userPoolId)
    .$if(clientId !== undefined, (query) => query.where('client.id', '=', clientId ?? ''))
    .orderBy('client.id')
    .orderBy('secret.created_at')
    .orderBy('secret.id')
    .execute()
  const records = new Map<string, AppClientRecord & { secrets?: AppClientSecretRecord[] }>()
  for (const { userPoolId: pool, id, name, settings, secretId, sealedSecret, added, createdAt } of rows) {
    const record = records.get(id) ?? { userPoolId: pool, id, name, settings }
    records.set(id, record)
    if (secretId === null || sealedSecret === null || added === null || createdAt === null) continue
    record.secrets = [...(record.secrets ?? []), { id: secretId, sealedSecret, added, createdAt }]
  }
  return [...records.values()]
}

/** The lock comes first: what is read after it is what the one before has left. */
export async function lockAppClient(
  db: Kysely<Schema>,
  userPoolId: string,
  clientId: string,
): Promise<AppClientRecord | undefined> {
  await db
    .selectFrom('app_clients')
    .select('id')
    .where('user_pool_id', '=', userPoolId)
    .where('id', '=', clientId)
    .forUpdate()
    .execute()
  const [record] = await selectAppClients(db, userPoolId, clientId)
  return record
}

export function saveAppClient(db: Kysely<Schema>, appClient: AppClientRecord, at: Date): Promise<void> {
  return inTransaction(db, async (trx) => {
    const rowChanged = await upsertRow(trx, appClient, at)
    const secretsLeft = await deleteOtherSecrets(trx, appClient)
    const secretsCame = await upsertSecrets(trx, appClient)
    if (rowChanged || secretsLeft || secretsCame) await announceChangeOf(trx, appClient.userPoolId, at)
  })
}

async function upsertRow(trx: Kysely<Schema>, appClient: AppClientRecord, at: Date): Promise<boolean> {
  const row = { name: appClient.name, settings: jsonText(appClient.settings) }
  const saved = await trx
    .insertInto('app_clients')
    .values({ ...row, user_pool_id: appClient.userPoolId, id: appClient.id, created_at: at, updated_at: at })
    .onConflict((conflict) =>
      conflict
        .columns(['user_pool_id', 'id'])
        .doUpdateSet((eb) => ({ name: eb.ref('excluded.name'), settings: eb.ref('excluded.settings'), updated_at: at }))
        .where(differs('app_clients', Object.keys(row))),
    )
    .returning('id')
    .executeTakeFirst()
  return saved !== undefined
}

async function deleteOtherSecrets(
  trx: Kysely<Schema>,
  { userPoolId, id, secrets = [] }: AppClientRecord,
): Promise<boolean> {
  const kept = secrets.map((secret) => secret.id)
  const deleted = await trx
    .deleteFrom('app_client_secrets')
    .where('user_pool_id', '=', userPoolId)
    .where('client_id', '=', id)
    .$if(kept.length > 0, (query) => query.where('id', 'not in', kept))
    .executeTakeFirst()
  return deleted.numDeletedRows > 0n
}

async function upsertSecrets(trx: Kysely<Schema>, { userPoolId, id, secrets = [] }: AppClientRecord): Promise<boolean> {
  if (secrets.length === 0) return false
  const saved = await trx
    .insertInto('app_client_secrets')
    .values(
      secrets.map((secret) => ({
        user_pool_id: userPoolId,
        client_id: id,
        id: secret.id,
        sealed_secret: secret.sealedSecret,
        added: secret.added,
        created_at: secret.createdAt,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['user_pool_id', 'client_id', 'id'])
        .doUpdateSet((eb) => ({ sealed_secret: eb.ref('excluded.sealed_secret'), added: eb.ref('excluded.added') }))
        .where(differs('app_client_secrets', ['sealed_secret', 'added'])),
    )
    .returning('id')
    .execute()
  return saved.length > 0
}
