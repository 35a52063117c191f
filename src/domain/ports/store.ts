import type { AttributeChange } from '../attribute-changes/attribute-change.ts'
import type { ResourceServer } from '../app-clients/app-client.ts'
import type { Identity } from '../identity-providers/identity-provider.ts'
import type { MfaType } from '../mfa/mfa-type.ts'
import type { Flow, FlowState } from '../sessions/flow.ts'
import type { AuthorizationCode, Grant } from '../tokens/grant.ts'
import type { SigningKeyRecord } from '../tokens/signing-key.ts'
import type { VerifiableAttribute } from '../user-pools/user-pool.ts'
import type { Group, User, UserStatus } from '../users/user.ts'
import type { GuessRepository } from './guess-repository.ts'
import type { SealedAuditEvent } from '../audit/audit-event.ts'
import type { AuditTrailRepository } from './audit-trail-repository.ts'
import type { BrowserSessionRepository, InteractionRepository } from './browser-session-repository.ts'
import type { ConsentRepository } from './consent-repository.ts'
import type { CustomSignInRepository } from './custom-sign-in-repository.ts'
import type { DecoySignUpRepository } from './decoy-sign-up-repository.ts'
import type { DeviceRepository } from './device-repository.ts'
import type { EventDeliveryRepository } from './event-delivery-repository.ts'
import type { IdentityRepository } from './identity-repository.ts'
import type { HousekeepingRepository } from './housekeeping-repository.ts'
import type { KnownBrowserRepository } from './known-browser-repository.ts'
import type { NewUser, UserIdentifier } from './new-user.ts'
import type { OneTimeRepository } from './one-time-repository.ts'
import type { OutboxRepository } from './outbox-repository.ts'
import type { PasskeyRepository } from './passkey-repository.ts'
import type { TriggerInvocationRepository } from './trigger-invocation-repository.ts'
import type { UserImportRepository } from './user-import-repository.ts'
import type { VerificationCodeRepository } from './verification-code-repository.ts'
import type { SignInAttemptRepository } from './sign-in-attempt-repository.ts'
import type { RecoveryCodeRepository } from './recovery-code-repository.ts'
import type { SoftwareTokenRepository } from './software-token-repository.ts'

/*
 * What the domain asks of storage. Conventions, stated once: times and ids come in as arguments; a lookup may find
 * nothing (undefined); a write that depends on a condition says whether it happened; every query names its user pool;
 * nothing here hashes, sends or waits for anything but the database.
 */

export interface Store extends Repositories {
  /**
   * Runs `work` in one transaction. Inside it only `tx` may be used: the embedded database has one connection, and
   * asking `store` there would wait for ever. A throw rolls back; a returned refusal commits.
   */
  transaction<T>(work: (tx: Repositories) => Promise<T>): Promise<T>
}

export interface Repositories {
  settings: SettingsRepository
  users: UserRepository
  groups: GroupRepository
  verificationCodes: VerificationCodeRepository
  decoySignUps: DecoySignUpRepository
  /** Codes for which there is nobody: none was sent, and none is ever right. */
  decoyCodes: VerificationCodeRepository
  attributeChanges: AttributeChangeRepository
  signInAttempts: SignInAttemptRepository
  customSignIns: CustomSignInRepository
  softwareTokens: SoftwareTokenRepository
  recoveryCodes: RecoveryCodeRepository
  passkeys: PasskeyRepository
  devices: DeviceRepository
  identities: IdentityRepository
  oneTime: OneTimeRepository
  guesses: GuessRepository
  knownBrowsers: KnownBrowserRepository
  flows: FlowRepository
  browserSessions: BrowserSessionRepository
  interactions: InteractionRepository
  grants: GrantRepository
  consents: ConsentRepository
  auditTrail: AuditTrailRepository
  triggerInvocations: TriggerInvocationRepository
  eventDeliveries: EventDeliveryRepository
  outbox: OutboxRepository
  userImports: UserImportRepository
  housekeeping: HousekeepingRepository
}

/** A user pool as stored: settings in Cognito's own member names, defaults not filled in. */
export interface UserPoolRecord {
  id: string
  name: string
  version: number
  isDefault: boolean
  issuer: string
  /** The issuer still follows PUBLIC_URL: the pool was made on localhost (design decision 5). */
  issuerFollowsPublicUrl: boolean
  domains: readonly string[]
  settings: Readonly<Record<string, unknown>>
  /** Where its triggers go, secrets sealed (trigger-settings.ts). */
  triggers?: Readonly<Record<string, unknown>>
  /** Who is told of events, secrets sealed (event-webhook-settings.ts). */
  eventWebhooks?: readonly Readonly<Record<string, unknown>>[]
  /** At which others its users may sign in, secrets sealed (identity-provider-settings.ts). */
  identityProviders?: readonly Readonly<Record<string, unknown>>[]
  /** Forms of imported password hashes, kept by `addPasswordForms` and not by `saveUserPool`; absent: none. */
  passwordForms?: readonly string[]
}

export interface AppClientRecord {
  userPoolId: string
  id: string
  name: string
  /** Oldest first, at most two; absent: a public client. */
  secrets?: readonly AppClientSecretRecord[]
  settings: Readonly<Record<string, unknown>>
}

export interface AppClientSecretRecord {
  id: string
  sealedSecret: string
  /** Made beside the client's own one (Cognito's AddUserPoolClientSecret): the configuration file leaves it alone. */
  added: boolean
  createdAt: Date
}

/** Everything that changes seldom and is cached in process: user pools, app clients, keys, resource servers. */
export interface SettingsRepository {
  /** Grows whenever anything below changes, in whatever process. */
  generation(): Promise<number>
  userPools(): Promise<readonly UserPoolRecord[]>
  /** Inserts or updates by id, replaces its domains, and bumps its version and the generation. */
  saveUserPool(userPool: Omit<UserPoolRecord, 'version'>, at: Date): Promise<void>
  /** Users of the pool may have imported password hashes of these forms from now on. */
  addPasswordForms(userPoolId: string, forms: readonly string[], at: Date): Promise<void>
  /** Of every pool: drops the forms that no user's hash has any more. */
  dropUnusedPasswordForms(at: Date): Promise<void>
  deleteUserPool(userPoolId: string): Promise<boolean>
  appClients(userPoolId: string): Promise<readonly AppClientRecord[]>
  /** For a change within a transaction: whoever else wants to change it waits for its end. */
  lockAppClient(userPoolId: string, clientId: string): Promise<AppClientRecord | undefined>
  saveAppClient(appClient: AppClientRecord, at: Date): Promise<void>
  deleteAppClient(userPoolId: string, clientId: string): Promise<boolean>
  resourceServers(userPoolId: string): Promise<readonly ResourceServer[]>
  saveResourceServer(resourceServer: ResourceServer, at: Date): Promise<void>
  deleteResourceServer(userPoolId: string, identifier: string): Promise<boolean>
  /** Newest first. */
  signingKeys(userPoolId: string): Promise<readonly SigningKeyRecord[]>
  /** @returns false when the key that it follows has been followed already */
  addSigningKey(key: SigningKeyRecord): Promise<boolean>
  /** Those that wait for their time sign from `at` on. */
  activateSigningKeys(userPoolId: string, at: Date): Promise<void>
  /** Deletes all others of the pool. */
  keepSigningKeys(userPoolId: string, kids: readonly string[]): Promise<void>
  /** Of every pool: drops private halves that another key has followed, and keys that nobody will show us again. */
  retireSigningKeys(at: Date): Promise<void>
  /** Ids of pools whose latest key of some use has signed for `SigningKeyRotationDays`. */
  poolsWithSigningKeysDue(at: Date, limit: number): Promise<readonly string[]>
}

export interface UserPageRequest {
  userPoolId: string
  limit: number
  /** Canonical user name after which the page begins. */
  after?: string
  status?: UserStatus
}

export interface UserRepository {
  /** @returns the kind of the first identifier that another user holds, or undefined when the user was added */
  add(user: NewUser): Promise<UserIdentifier['kind'] | undefined>
  findBySub(userPoolId: string, sub: string): Promise<User | undefined>
  /**
   * As `findBySub` and `findByIdentifier`; until the end of the transaction nobody else changes the user. Whoever touches
   * codes of a user in a transaction asks this first: all locks are taken in one order, the user before the codes.
   */
  lockBySub(userPoolId: string, sub: string): Promise<User | undefined>
  lockByIdentifier(userPoolId: string, key: string): Promise<User | undefined>
  /** Those that are there, in any order. */
  findAll(userPoolId: string, subs: readonly string[]): Promise<readonly User[]>
  /** By any sign-in name; `key` is canonical. One indexed query. */
  findByIdentifier(userPoolId: string, key: string): Promise<User | undefined>
  /** Ordered by canonical user name. */
  page(request: UserPageRequest): Promise<readonly User[]>
  /** Names members to change; the others stay. `null` removes. */
  update(userPoolId: string, sub: string, change: UserChange, at: Date): Promise<boolean>
  /** What began before counts no more, for every user of the pool. */
  signOutAll(userPoolId: string, at: Date): Promise<void>
  /** In place of `before`, and of no other: the same password, hashed by us. False when there is another one. */
  replacePasswordHash(userPoolId: string, sub: string, before: string, passwordHash: string): Promise<boolean>
  /** Claims a sign-in name; false when another user holds it. Claiming one's own again is true. */
  claimIdentifier(userPoolId: string, sub: string, identifier: UserIdentifier): Promise<boolean>
  /** Nobody is led to the user by it any more; another user's stays. */
  releaseIdentifier(userPoolId: string, sub: string, identifier: UserIdentifier): Promise<void>
  delete(userPoolId: string, sub: string): Promise<boolean>
  /** Deletes the user only while it was never confirmed. */
  deleteUnconfirmed(userPoolId: string, sub: string): Promise<boolean>
}

export interface UserChange {
  status?: UserStatus
  /** Only applied while the status is one of these; otherwise nothing changes and the answer is false. */
  onlyFrom?: readonly UserStatus[]
  enabled?: boolean
  /** Merged into the stored ones; `null` removes one. */
  attributes?: Readonly<Record<string, string | null>>
  passwordHash?: string | null
  temporaryPasswordExpiresAt?: Date | null
  signedOutAt?: Date
  mfaTypes?: readonly MfaType[]
  preferredMfa?: MfaType | null
  hasPasskeys?: boolean
  identities?: readonly Identity[]
}

export interface GroupRepository {
  save(group: Group, at: Date): Promise<void>
  /** All of one user pool; one that is there stays as it is. @returns the names of those that were not */
  addIfAbsent(groups: readonly Group[], at: Date): Promise<readonly string[]>
  list(userPoolId: string): Promise<readonly Group[]>
  addUser(userPoolId: string, groupNames: readonly string[], userSub: string, at: Date): Promise<void>
  /** In order of precedence, then name: the order of `cognito:groups`. */
  ofUser(userPoolId: string, userSub: string): Promise<readonly Group[]>
}

export interface AttributeChangeRepository {
  /** In place of the one that waited for the same attribute. */
  save(change: AttributeChange): Promise<void>
  /** Those that have not expired. */
  ofUser(userPoolId: string, userSub: string, at: Date): Promise<readonly AttributeChange[]>
  /** Of one attribute, or of all. */
  delete(userPoolId: string, userSub: string, attribute?: VerifiableAttribute): Promise<boolean>
}

export interface FlowRepository {
  add(flow: Flow): Promise<void>
  /** Also a flow that has expired, for `expiredFlowSeconds`. */
  find(userPoolId: string, idHash: string, at: Date): Promise<Flow | undefined>
  /** Nothing changes in a flow that has ended. */
  saveState(userPoolId: string, idHash: string, state: FlowState): Promise<void>
  /** Ends a flow once and empties its state; false when it had ended. It stays findable. */
  finish(userPoolId: string, idHash: string, at: Date): Promise<boolean>
}

/** A user with what tokens say of them: read in one query. */
export interface TokenSubject {
  user: User
  groups: readonly Group[]
}

export interface GrantRepository {
  addCode(code: AuthorizationCode): Promise<void>
  /** The code whatever its state, with its user and groups. One query. */
  findCode(
    userPoolId: string,
    codeHash: string,
  ): Promise<{ code: AuthorizationCode; subject: TokenSubject; consumedAt?: Date; grantId?: string } | undefined>
  /**
   * Spends the code and, in the same statement, opens the grant with its first refresh token and puts that on record.
   * False when the code had been spent: exactly one of many parallel calls is answered true.
   */
  redeemCode(request: {
    userPoolId: string
    codeHash: string
    grant: Grant
    refreshTokenHash: string
    event: SealedAuditEvent
    at: Date
  }): Promise<boolean>
  /** Opens a grant that comes from no code (sign-in through the API). */
  open(grant: Grant, refreshTokenHash: string): Promise<void>
  /** The refresh token with its grant, user and groups. One query. */
  findRefreshToken(
    userPoolId: string,
    tokenHash: string,
  ): Promise<{ grant: Grant; subject: TokenSubject; consumedAt?: Date } | undefined>
  /** Spends a refresh token and adds its successor in one statement; false when it had been spent. */
  rotate(request: { userPoolId: string; tokenHash: string; successorHash: string; at: Date }): Promise<boolean>
  revoke(userPoolId: string, grantId: string, at: Date): Promise<boolean>
  /**
   * Ends the user's grants, and codes that have not become one yet.
   * @param exceptSession uid of a browser session whose grants and codes stay
   * @returns how many grants ended
   */
  revokeOfUser(userPoolId: string, userSub: string, at: Date, exceptSession?: string): Promise<number>
  /** Ends what came from one browser session. */
  revokeOfSession(userPoolId: string, userSub: string, sessionUid: string, at: Date): Promise<number>
  /** The user's live grants, oldest first. */
  ofUser(
    userPoolId: string,
    userSub: string,
    at: Date,
  ): Promise<readonly Pick<Grant, 'id' | 'clientId' | 'sessionUid' | 'createdAt'>[]>
  /** The same for everybody of the pool. */
  revokeAll(userPoolId: string, at: Date): Promise<number>
  /** For userInfo: the user, and whether the grant behind an access token still lives. One query. */
  findSubject(
    userPoolId: string,
    userSub: string,
    grantId: string | undefined,
  ): Promise<{ user: User; grantRevoked: boolean } | undefined>
}
