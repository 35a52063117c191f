import type { Kysely } from 'kysely'
import type { SettingsRepository } from '../domain/ports/store.ts'
import { lockAppClient, saveAppClient, selectAppClients } from './app-client-rows.ts'
import { addPasswordForms, dropUnusedPasswordForms } from './password-forms.ts'
import type { Schema } from './schema.ts'
import { deleteAppClient, deleteResourceServer, saveResourceServer } from './settings-rows.ts'
import {
  activateSigningKeys,
  addSigningKey,
  keepSigningKeys,
  poolsWithSigningKeysDue,
  retireSigningKeys,
  selectSigningKeys,
} from './signing-key-rows.ts'
import { deleteUserPool, saveUserPool, selectUserPools } from './user-pool-rows.ts'

/*
 * Writes tell other processes of a change by the pool's version and the generation, but only when something did change:
 * the configuration file is applied at each start, and mostly says what is stored already.
 */
export const settingsRepository = (db: Kysely<Schema>): SettingsRepository => ({
  async generation() {
    const row = await db
      .selectFrom('settings_generation')
      .select('generation')
      .where('id', '=', 1)
      .executeTakeFirstOrThrow()
    return row.generation
  },
  userPools: () => selectUserPools(db),
  saveUserPool: (userPool, at) => saveUserPool(db, userPool, at),
  addPasswordForms: (userPoolId, forms, at) => addPasswordForms(db, userPoolId, forms, at),
  dropUnusedPasswordForms: (at) => dropUnusedPasswordForms(db, at),
  deleteUserPool: (userPoolId) => deleteUserPool(db, userPoolId),
  appClients: (userPoolId) => selectAppClients(db, userPoolId),
  lockAppClient: (userPoolId, clientId) => lockAppClient(db, userPoolId, clientId),
  saveAppClient: (appClient, at) => saveAppClient(db, appClient, at),
  deleteAppClient: (userPoolId, clientId) => deleteAppClient(db, userPoolId, clientId),
  resourceServers: (userPoolId) =>
    db
      .selectFrom('resource_servers')
      .select(['user_pool_id as userPoolId', 'identifier', 'name', 'scopes'])
      .where('user_pool_id', '=', userPoolId)
      .orderBy('identifier')
      .execute(),
  saveResourceServer: (resourceServer, at) => saveResourceServer(db, resourceServer, at),
  deleteResourceServer: (userPoolId, identifier) => deleteResourceServer(db, userPoolId, identifier),
  signingKeys: (userPoolId) => selectSigningKeys(db, userPoolId),
  addSigningKey: (key) => addSigningKey(db, key),
  activateSigningKeys: (userPoolId, at) => activateSigningKeys(db, userPoolId, at),
  keepSigningKeys: (userPoolId, kids) => keepSigningKeys(db, userPoolId, kids),
  retireSigningKeys: (at) => retireSigningKeys(db, at),
  poolsWithSigningKeysDue: (at, limit) => poolsWithSigningKeysDue(db, at, limit),
})
