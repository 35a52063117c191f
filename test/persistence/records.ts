import { randomUUID } from 'node:crypto'
import type { SealedAuditEvent } from '../../src/domain/audit/audit-event.ts'
import type { NewUser } from '../../src/domain/ports/new-user.ts'
import type { AppClientRecord, Store, UserPoolRecord } from '../../src/domain/ports/store.ts'
import type { AuthorizationCode, Grant } from '../../src/domain/tokens/grant.ts'
import { addSeconds } from '../../src/platform/clock.ts'

/** The moment at which everything in these tests happens, unless it happens later. */
export const now = new Date('2026-03-01T12:00:00.250Z')
export const later = (seconds: number): Date => addSeconds(now, seconds)

export function userPoolRecord(change: Partial<UserPoolRecord> = {}): Omit<UserPoolRecord, 'version'> {
  const id = change.id ?? `us-east-1_${randomUUID().replaceAll('-', '')}`
  return {
    id,
    name: 'a pool',
    isDefault: false,
    issuer: `https://id.example.com/${id}`,
    issuerFollowsPublicUrl: false,
    triggers: {},
    domains: [],
    settings: { MfaConfiguration: 'OFF' },
    ...change,
  }
}

export async function addUserPool(store: Store, change: Partial<UserPoolRecord> = {}): Promise<string> {
  const userPool = userPoolRecord(change)
  await store.settings.saveUserPool(userPool, now)
  return userPool.id
}

export async function addAppClient(store: Store, userPoolId: string, id = 'web'): Promise<AppClientRecord> {
  const appClient = { userPoolId, id, name: id, settings: { CallbackURLs: ['http://localhost:4000/callback'] } }
  await store.settings.saveAppClient(appClient, now)
  return appClient
}

export function newUser(userPoolId: string, username: string, change: Partial<NewUser> = {}): NewUser {
  return {
    userPoolId,
    sub: randomUUID(),
    username,
    status: 'CONFIRMED',
    enabled: true,
    attributes: { email: `${username}@example.com`, email_verified: 'true' },
    mfaTypes: [],
    hasPasskeys: false,
    createdAt: now,
    updatedAt: now,
    identifiers: [{ kind: 'username', key: username.toLowerCase() }],
    ...change,
  }
}

export async function addUser(store: Store, userPoolId: string, change: Partial<NewUser> = {}): Promise<NewUser> {
  const user = newUser(userPoolId, change.username ?? `user-${randomUUID()}`, change)
  const conflict = await store.users.add(user)
  if (conflict !== undefined) throw new Error(`${conflict} is taken`)
  return user
}

/** What `find…` answers for it. */
export function stored({ identifiers: _, ...user }: NewUser) {
  return user
}

export function authorizationCode(user: NewUser, change: Partial<AuthorizationCode> = {}): AuthorizationCode {
  return {
    codeHash: randomUUID(),
    userPoolId: user.userPoolId,
    clientId: 'web',
    userSub: user.sub,
    redirectUri: 'http://localhost:4000/callback',
    scope: 'openid email',
    authTime: now,
    amr: ['pwd'],
    expiresAt: later(300),
    ...change,
  }
}

export function grantOf(user: NewUser, change: Partial<Grant> = {}): Grant {
  return {
    id: randomUUID(),
    userPoolId: user.userPoolId,
    clientId: 'web',
    userSub: user.sub,
    scope: 'openid email',
    authTime: now,
    amr: ['pwd'],
    eventId: randomUUID(),
    createdAt: now,
    expiresAt: later(30 * 86_400),
    ...change,
  }
}

/** The same call many times at once; a failed one fails the test. */
export const inParallel = <T>(times: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => call(index)))

/** As it is written in the same statement; of a digest of nobody's. */
export const auditEvent = (userPoolId: string, change: Partial<SealedAuditEvent> = {}): SealedAuditEvent => ({
  id: randomUUID(),
  userPoolId,
  at: now,
  eventType: 'TokenIssue',
  response: 'Pass',
  actor: 'user',
  digest: randomUUID(),
  ...change,
})
