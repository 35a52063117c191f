import { dirname, resolve } from 'node:path'
import { createClientSecretGuard } from '../domain/lock-out/client-secret-guard.ts'
import { createUserPoolDirectory } from '../domain/user-pools/user-pool-directory.ts'
import type { UserPoolDirectory } from '../domain/user-pools/user-pool-directory.ts'
import { createRepeatFilter } from '../domain/audit/repeat-filter.ts'
import { noRateLimits } from '../domain/ports/rate-limiter.ts'
import type { EventSender } from '../domain/ports/event-sender.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { signingKeyPurpose } from '../domain/tokens/signing-keys.ts'
import type { Store } from '../domain/ports/store.ts'
import { createOidcConnector } from '../federation/oidc-connector.ts'
import { openDatabase } from '../persistence/database.ts'
import type { Database, DatabaseOptions } from '../persistence/database.ts'
import { migrate } from '../persistence/migrate.ts'
import { createRateLimiter } from '../persistence/rate-limiter.ts'
import { createStore } from '../persistence/store.ts'
import { systemClock } from '../platform/clock.ts'
import type { Clock } from '../platform/clock.ts'
import type { Environment } from '../platform/config/environment.ts'
import type { Log } from '../platform/log.ts'
import { systemRandom } from '../platform/random.ts'
import { createPasswordHasher, defaultHashCost } from '../security/password-hash.ts'
import { createSealedBox } from '../security/sealed-box.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { createEventSender } from '../triggers/event-sender.ts'
import { createTriggerRunner } from '../triggers/trigger-runner.ts'
import { openBreachedPasswords } from './breached-passwords.ts'
import { resolveSecret } from './secret.ts'

/** The domain on its database, without a server: what the server and the command line both begin with. */
export interface OpenServices {
  database: Database
  domain: DomainServices
  directory: UserPoolDirectory
  eventSender: EventSender
  /** Who is told when a message has been queued: the server's outbox worker. */
  onMessagesQueued(listener: () => void): void
  close(): Promise<void>
}

export interface OpenOptions {
  environment: Environment
  log: Log
  clock?: Clock
  /** Begins an embedded database from a dump; for tests. */
  loadDataDir?: Blob
}

/** Opens and migrates the database. @throws DatabaseInUseError, NewerDatabaseError, ConfigError */
export async function openServices(options: OpenOptions): Promise<OpenServices> {
  const { environment, log, clock = systemClock } = options
  const random = systemRandom
  const database = await openDatabase(databaseOptions(options))
  try {
    const [secret, passwordHasher, breachedPasswords] = await Promise.all([
      resolveSecret(environment, random),
      createPasswordHasher({
        random,
        cost: { ...defaultHashCost, memoryKiB: environment.hashMemoryKiB ?? defaultHashCost.memoryKiB },
      }),
      openBreachedPasswords(environment.breachedPasswords, log),
      migrate(database, { log }),
    ])
    const sealedBox = createSealedBox(secret, random)
    const listeners: (() => void)[] = []
    const store = createStore(database)
    const folder = dirname(resolve(environment.configFile ?? './latchkey.yaml'))
    const triggers = createTriggerRunner({ sealedBox, clock, log, folder })
    const domain: DomainServices = {
      store,
      passwordHasher,
      breachedPasswords,
      sealedBox,
      clock,
      random,
      clientSecretGuard: createClientSecretGuard({ store, sealedBox, clock }),
      rateLimiter: environment.rateLimits ? createRateLimiter(database, clock) : noRateLimits,
      caller: {},
      repeats: createRepeatFilter(clock),
      triggers,
      connector: createOidcConnector({ sealedBox, clock }),
      messagesQueued: () => {
        for (const listener of listeners) listener()
      },
    }
    const directory = createUserPoolDirectory(store.settings, sealedBox)
    await directory.refresh()
    await checkSecret(store, sealedBox)
    return {
      database,
      domain,
      directory,
      eventSender: createEventSender({ sealedBox, clock }),
      onMessagesQueued: (listener) => void listeners.push(listener),
      async close() {
        await triggers.close()
        await breachedPasswords.close()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/**
 * Opens something that is sealed, if there is anything: whatever is written with another secret than the database's could
 * never be opened again, and would pass for forged in the audit trail.
 */
async function checkSecret({ settings }: Store, sealedBox: SealedBox): Promise<void> {
  for (const { id } of await settings.userPools()) {
    const sealed = (await settings.signingKeys(id)).find(({ sealedPrivateKey }) => sealedPrivateKey !== undefined)
    if (sealed?.sealedPrivateKey === undefined) continue
    sealedBox.open(sealed.sealedPrivateKey, signingKeyPurpose)
    return
  }
}

function databaseOptions({ environment, log, loadDataDir }: OpenOptions): DatabaseOptions {
  return {
    ...(environment.databaseUrl === undefined ? {} : { databaseUrl: environment.databaseUrl }),
    dataDir: environment.dataDir,
    log,
    ...(loadDataDir === undefined ? {} : { loadDataDir }),
  }
}
