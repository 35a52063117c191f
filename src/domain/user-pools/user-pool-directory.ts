import type { SealedBox } from '../../security/sealed-box.ts'
import type { AppClient, ResourceServer } from '../app-clients/app-client.ts'
import { appClientFrom } from '../app-clients/app-client-settings.ts'
import { openSecrets } from '../app-clients/client-secrets.ts'
import type { SettingsRepository, UserPoolRecord } from '../ports/store.ts'
import { openSigningKeys } from '../tokens/signing-key-set.ts'
import type { SigningKeySet } from '../tokens/signing-key-set.ts'
import type { UserPool } from './user-pool.ts'
import { userPoolFrom } from './user-pool-settings.ts'

/** Everything about a user pool that changes seldom: what a request needs without asking the database. */
export interface UserPoolSnapshot {
  userPool: UserPool
  appClients: ReadonlyMap<string, AppClient>
  resourceServers: readonly ResourceServer[]
  keys: SigningKeySet
}

/**
 * The process's copy of all settings (design decision 8). User pools are known by id and by host at once; what hangs on
 * one of them is read at its first use and again when its version has grown.
 */
export interface UserPoolDirectory {
  get(userPoolId: string): Promise<UserPoolSnapshot | undefined>
  /** @param host as in a Host header: lower case, with the port when it is not the scheme's own */
  byHost(host: string): UserPool | undefined
  byId(userPoolId: string): UserPool | undefined
  /** @param address host and path of an issuer, without scheme: `id.example.com/us-east-1_abc` */
  byIssuer(address: string): UserPool | undefined
  default(): UserPool | undefined
  all(): readonly UserPool[]
  /** Asks whether another process has changed anything, and reads it if so. One small query. */
  refresh(): Promise<void>
}

export function createUserPoolDirectory(settings: SettingsRepository, sealedBox: SealedBox): UserPoolDirectory {
  let generation = -1
  let byId = new Map<string, UserPool>()
  let byHost = new Map<string, UserPool>()
  let byIssuer = new Map<string, UserPool>()
  const snapshots = new Map<string, Promise<UserPoolSnapshot>>()

  const load = (records: readonly UserPoolRecord[]): void => {
    const userPools = records.map(userPoolFrom)
    for (const userPool of userPools) {
      if (byId.get(userPool.id)?.version !== userPool.version) snapshots.delete(userPool.id)
    }
    byId = new Map(userPools.map((userPool) => [userPool.id, userPool]))
    byHost = new Map(
      userPools.flatMap((userPool) => userPool.domains.map((origin) => [new URL(origin).host, userPool])),
    )
    byIssuer = new Map(userPools.map((userPool) => [userPool.issuer.replace(/^https?:\/\//, ''), userPool]))
    for (const id of snapshots.keys()) if (!byId.has(id)) snapshots.delete(id)
  }

  const readSnapshot = async (userPool: UserPool): Promise<UserPoolSnapshot> => {
    const [clients, resourceServers, keyRecords] = await Promise.all([
      settings.appClients(userPool.id),
      settings.resourceServers(userPool.id),
      settings.signingKeys(userPool.id),
    ])
    const keys = openSigningKeys(keyRecords, sealedBox)
    if (keys === undefined) throw new Error(`user pool ${userPool.id} has no signing keys`)
    const appClients = clients.map((record) => appClientFrom(record, openSecrets({ sealedBox }, record)))
    return { userPool, appClients: new Map(appClients.map((client) => [client.id, client])), resourceServers, keys }
  }

  return {
    byId: (userPoolId) => byId.get(userPoolId),
    byHost: (host) => byHost.get(host),
    byIssuer: (address) => byIssuer.get(address),
    all: () => [...byId.values()],
    default: () => [...byId.values()].find((userPool) => userPool.isDefault),
    async get(userPoolId) {
      const userPool = byId.get(userPoolId)
      if (userPool === undefined) return undefined
      let snapshot = snapshots.get(userPoolId)
      if (snapshot === undefined) {
        snapshot = readSnapshot(userPool)
        snapshots.set(userPoolId, snapshot)
        // A failed read must not be remembered: the next request tries again.
        snapshot.catch(() => snapshots.delete(userPoolId))
      }
      return snapshot
    },
    async refresh() {
      const current = await settings.generation()
      if (current === generation) return
      load(await settings.userPools())
      generation = current
    },
  }
}
