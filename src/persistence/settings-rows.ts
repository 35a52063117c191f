import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { ResourceServer } from '../domain/app-clients/app-client.ts'
import { announceChange, differs } from './announce-change.ts'
import { jsonText } from './json-text.ts'
import type { Schema } from './schema.ts'

/**
 * With everything that was given to it: were a client of the same id made later (the configuration file names them), old
 * tokens, codes and sign-ins under way must not work for it. Its flows go by their foreign key; the requests behind them
 * name their client in what the engine keeps of them.
 */
export function deleteAppClient(db: Kysely<Schema>, userPoolId: string, clientId: string): Promise<boolean> {
  const deleted = db
    .with('deleted_grants', (part) =>
      part.deleteFrom('grants').where('user_pool_id', '=', userPoolId).where('client_id', '=', clientId),
    )
    .with('deleted_codes', (part) =>
      part.deleteFrom('authorization_codes').where('user_pool_id', '=', userPoolId).where('client_id', '=', clientId),
    )
    .with('deleted_attempts', (part) =>
      part.deleteFrom('sign_in_attempts').where('user_pool_id', '=', userPoolId).where('client_id', '=', clientId),
    )
    .with('deleted_requests', (part) =>
      part
        .deleteFrom('interactions')
        .where('user_pool_id', '=', userPoolId)
        .where(sql<string>`payload -> 'params' ->> 'client_id'`, '=', clientId),
    )
    .with('changed', (part) =>
      part
        .deleteFrom('app_clients')
        .where('user_pool_id', '=', userPoolId)
        .where('id', '=', clientId)
        .returning('user_pool_id'),
    )
  return announceChange(deleted)
}

export async function saveResourceServer(db: Kysely<Schema>, server: ResourceServer, at: Date): Promise<void> {
  const row = { name: server.name, scopes: jsonText(server.scopes) }
  const saved = db.with('changed', (part) =>
    part
      .insertInto('resource_servers')
      .values({
        ...row,
        user_pool_id: server.userPoolId,
        identifier: server.identifier,
        created_at: at,
        updated_at: at,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['user_pool_id', 'identifier'])
          .doUpdateSet((eb) => ({
            name: eb.ref('excluded.name'),
            scopes: eb.ref('excluded.scopes'),
            updated_at: at,
          }))
          .where(differs('resource_servers', Object.keys(row))),
      )
      .returning('user_pool_id'),
  )
  await announceChange(saved, at)
}

export function deleteResourceServer(db: Kysely<Schema>, userPoolId: string, identifier: string): Promise<boolean> {
  const deleted = db.with('changed', (part) =>
    part
      .deleteFrom('resource_servers')
      .where('user_pool_id', '=', userPoolId)
      .where('identifier', '=', identifier)
      .returning('user_pool_id'),
  )
  return announceChange(deleted)
}
