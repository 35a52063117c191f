import type { AuditTrailRepository } from '../../domain/ports/audit-trail-repository.ts'
import type {
  GroupRepository,
  Repositories,
  SettingsRepository,
  Store,
  UserRepository,
} from '../../domain/ports/store.ts'

/** What was to be written, and what is stored in that place now. */
export interface PreviewedWrite {
  kind: 'user pool' | 'resource server' | 'app client' | 'signing key' | 'group' | 'user' | 'group member'
  userPoolId: string
  /** Within the pool; the pool's own id for a pool. */
  id: string
  before: object | undefined
  after: object
}

/** What of a store is read when a configuration is applied. */
export interface PreviewReads {
  settings: Pick<SettingsRepository, 'generation' | 'userPools' | 'appClients' | 'resourceServers' | 'signingKeys'>
  users: Pick<UserRepository, 'findBySub' | 'findByIdentifier' | 'page'>
  groups: Pick<GroupRepository, 'list' | 'ofUser'>
}

/** A database that holds nothing yet. */
export const nothingStored: PreviewReads = {
  settings: {
    generation: async () => 0,
    userPools: async () => [],
    appClients: async () => [],
    resourceServers: async () => [],
    signingKeys: async () => [],
  },
  users: { findBySub: async () => undefined, findByIdentifier: async () => undefined, page: async () => [] },
  groups: { list: async () => [], ofUser: async () => [] },
}

/**
 * A store that answers what is stored and only notes what is written: applying a configuration to it tells what applying
 * it would change. Whatever it has no safe answer for throws; nothing reaches the database.
 */
export function createPreviewStore(reads: PreviewReads): { store: Store; writes: readonly PreviewedWrite[] } {
  const writes: PreviewedWrite[] = []
  const note = (write: PreviewedWrite): void => void writes.push(write)
  const repositories: Repositories = {
    settings: previewSettings(reads, note),
    users: previewUsers(reads, note),
    groups: previewGroups(reads, note),
    verificationCodes: unavailable('verificationCodes'),
    decoySignUps: unavailable('decoySignUps'),
    decoyCodes: unavailable('decoyCodes'),
    attributeChanges: unavailable('attributeChanges'),
    signInAttempts: unavailable('signInAttempts'),
    customSignIns: unavailable('customSignIns'),
    softwareTokens: unavailable('softwareTokens'),
    recoveryCodes: unavailable('recoveryCodes'),
    passkeys: unavailable('passkeys'),
    devices: unavailable('devices'),
    identities: unavailable('identities'),
    oneTime: unavailable('oneTime'),
    guesses: unavailable('guesses'),
    knownBrowsers: unavailable('knownBrowsers'),
    flows: unavailable('flows'),
    browserSessions: unavailable('browserSessions'),
    interactions: unavailable('interactions'),
    grants: unavailable('grants'),
    consents: unavailable('consents'),
    // What is only tried out is not on record.
    auditTrail: { ...unavailable<AuditTrailRepository>('auditTrail'), add: async () => undefined },
    triggerInvocations: unavailable('triggerInvocations'),
    eventDeliveries: unavailable('eventDeliveries'),
    outbox: unavailable('outbox'),
    userImports: unavailable('userImports'),
    housekeeping: unavailable('housekeeping'),
  }
  return { store: { ...repositories, transaction: (work) => work(repositories) }, writes }
}

type Note = (write: PreviewedWrite) => void

function previewSettings({ settings }: PreviewReads, note: Note): SettingsRepository {
  return {
    ...settings,
    async saveUserPool(userPool) {
      const before = (await settings.userPools()).find(({ id }) => id === userPool.id)
      note({ kind: 'user pool', userPoolId: userPool.id, id: userPool.id, before, after: userPool })
    },
    async saveAppClient(appClient) {
      const { userPoolId, id } = appClient
      const before = (await settings.appClients(userPoolId)).find((stored) => stored.id === id)
      note({ kind: 'app client', userPoolId, id, before, after: appClient })
    },
    async lockAppClient(userPoolId, clientId) {
      return (await settings.appClients(userPoolId)).find(({ id }) => id === clientId)
    },
    async saveResourceServer(server) {
      const { userPoolId, identifier: id } = server
      const before = (await settings.resourceServers(userPoolId)).find((stored) => stored.identifier === id)
      note({ kind: 'resource server', userPoolId, id, before, after: server })
    },
    async addSigningKey(key) {
      note({ kind: 'signing key', userPoolId: key.userPoolId, id: key.kid, before: undefined, after: { use: key.use } })
      return true
    },
    activateSigningKeys: refuse('settings.activateSigningKeys'),
    keepSigningKeys: refuse('settings.keepSigningKeys'),
    retireSigningKeys: refuse('settings.retireSigningKeys'),
    poolsWithSigningKeysDue: refuse('settings.poolsWithSigningKeysDue'),
    // Comes with the users, who are told of.
    addPasswordForms: async () => undefined,
    dropUnusedPasswordForms: refuse('settings.dropUnusedPasswordForms'),
    deleteUserPool: refuse('settings.deleteUserPool'),
    deleteAppClient: refuse('settings.deleteAppClient'),
    deleteResourceServer: refuse('settings.deleteResourceServer'),
  }
}

function previewUsers({ users }: PreviewReads, note: Note): UserRepository {
  const added = new Map<string, string>()
  return {
    ...users,
    async add({ identifiers, ...user }) {
      for (const { key, kind } of identifiers) {
        const holder = added.get(`${user.userPoolId} ${key}`) ?? (await users.findByIdentifier(user.userPoolId, key))
        if (holder !== undefined) return kind
      }
      for (const { key } of identifiers) added.set(`${user.userPoolId} ${key}`, user.sub)
      const after = { status: user.status, attributes: user.attributes }
      const shown = identifiers.find(({ kind }) => kind !== 'username') ?? identifiers[0]
      const id = user.username === user.sub ? (shown?.key ?? user.sub) : user.username
      note({ kind: 'user', userPoolId: user.userPoolId, id, before: undefined, after })
      return undefined
    },
    lockBySub: refuse('users.lockBySub'),
    lockByIdentifier: refuse('users.lockByIdentifier'),
    findAll: refuse('users.findAll'),
    update: refuse('users.update'),
    replacePasswordHash: refuse('users.replacePasswordHash'),
    signOutAll: refuse('users.signOutAll'),
    claimIdentifier: refuse('users.claimIdentifier'),
    releaseIdentifier: refuse('users.releaseIdentifier'),
    delete: refuse('users.delete'),
    deleteUnconfirmed: refuse('users.deleteUnconfirmed'),
  }
}

function previewGroups({ groups }: PreviewReads, note: Note): GroupRepository {
  return {
    ...groups,
    async save(group) {
      const { userPoolId, name: id } = group
      const before = (await groups.list(userPoolId)).find(({ name }) => name === id)
      note({ kind: 'group', userPoolId, id, before, after: group })
    },
    addIfAbsent: refuse('groups.addIfAbsent'),
    async addUser(userPoolId, names, userSub) {
      for (const id of names) note({ kind: 'group member', userPoolId, id, before: undefined, after: { userSub } })
    },
  }
}

const refuse = (name: string) => (): never => {
  throw new Error(`a configuration cannot be previewed: ${name} was called`)
}

/** Everything on it throws when called. */
const unavailable = <Repository extends object>(name: string): Repository =>
  new Proxy({} as Repository, { get: (_target, member) => refuse(`${name}.${String(member)}`) })
