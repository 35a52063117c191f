import { addSeconds } from '../../platform/clock.ts'
import { onRecord } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { forgetBrowsers } from '../devices/forget-devices.ts'
import { guessesAt } from '../lock-out/guess.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { signOutTime } from '../sign-in/sign-in-time.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { userPoolFrom } from '../user-pools/user-pool-settings.ts'
import { inviteUser } from './invite-user.ts'
import { claimPreferredUsername } from './claim-sign-in-names.ts'
import { brokenRules } from './password-policy.ts'
import type { PasswordRule } from './password-policy.ts'
import { identifiersOf, lookupKey, readSignInName } from './sign-in-name.ts'
import type { SignInName } from './sign-in-name.ts'
import type { User } from './user.ts'
import { missingAttributes, validateAttributes } from './validate-attributes.ts'
import type { AttributeProblems } from './validate-attributes.ts'

/* What an operator does with users: Cognito's Admin* operations, shared by the command line, the seeds and the API. */

export type CreateUserOutcome =
  | { kind: 'done'; user: User }
  | { kind: 'refused'; reason: 'usernameExists' | 'invalidUsername' }
  | { kind: 'refused'; reason: 'invalid'; brokenRules: readonly PasswordRule[]; attributeProblems: AttributeProblems }

export interface CreateUserRequest {
  userPool: UserPool
  username: string
  attributes: Readonly<Record<string, string>>
  /** In clear: hashed here. */
  password?: string
  /** A ready argon2id PHC string. */
  passwordHash?: string
  /** False: the password is temporary and must be changed at the first sign-in. */
  permanent: boolean
  /** The user is sent the password, which must be in clear: by e-mail, or by SMS where there is no address. */
  invite?: boolean
  /** Names of groups that are there; the user is in them from the first moment. */
  groups?: readonly string[]
}

type Refusal = Extract<CreateUserOutcome, { kind: 'refused' }>

/** Whether a user could be made by what is asked alone: nothing is looked up. */
export function checkNewUser(
  request: CreateUserRequest,
): Refusal | { kind: 'fit'; name: Exclude<SignInName, { kind: 'invalid' }>; attributes: Record<string, string> } {
  const { userPool, permanent } = request
  const name = readSignInName(userPool, request.username)
  if (name.kind === 'invalid') return { kind: 'refused', reason: 'invalidUsername' }
  const values = { ...request.attributes, ...(name.kind === 'username' ? {} : { [name.kind]: name.address }) }
  const checked = validateAttributes(userPool, values)
  const missing = permanent ? missingAttributes(userPool, values) : []
  const broken = request.password === undefined ? [] : brokenRules(userPool.passwordPolicy, request.password)
  if (checked.ok && broken.length === 0 && missing.length === 0) return { kind: 'fit', name, ...checked }
  const absent = Object.fromEntries(missing.map((attribute) => [attribute, 'required' as const]))
  const attributeProblems = { ...(checked.ok ? {} : checked.problems), ...absent }
  return { kind: 'refused', reason: 'invalid', brokenRules: broken, attributeProblems }
}

/** Cognito's AdminCreateUser (with AdminSetUserPassword where permanent). */
export async function createUser(services: DomainServices, request: CreateUserRequest): Promise<CreateUserOutcome> {
  const { userPool, permanent } = request
  const checked = checkNewUser(request)
  if (checked.kind === 'refused') return checked
  const { name } = checked
  const passwordHash =
    request.passwordHash ?? (request.password && (await services.passwordHasher.hash(request.password)))
  const at = services.clock.now()
  const sub = services.random.uuid()
  const user: User = {
    userPoolId: userPool.id,
    sub,
    username: name.kind === 'username' ? name.username : sub,
    status: permanent ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD',
    enabled: true,
    attributes: checked.attributes,
    ...(passwordHash ? { passwordHash } : {}),
    ...(permanent ? {} : { temporaryPasswordExpiresAt: temporaryExpiry(userPool, at) }),
    createdAt: at,
    updatedAt: at,
  }
  const { username, attributes } = user
  const identifiers = identifiersOf(userPool, { username, attributes, confirmed: permanent })
  const { groups = [] } = request
  const passwordForm = passwordHash ? services.passwordHasher.importedForm(passwordHash) : undefined
  const work = async (tx: Repositories) => {
    if (passwordForm !== undefined) await tx.settings.addPasswordForms(userPool.id, [passwordForm], at)
    const held = await tx.users.add({ ...user, identifiers, passwordForm })
    if (held !== undefined) return held
    await tx.groups.addUser(userPool.id, groups, sub, at)
    if (request.invite === true) await inviteUser(services, tx, userPool, user, request.password)
    return undefined
  }
  const detail = { status: user.status, ...(groups.length === 0 ? {} : { groups }) }
  const conflict = await onRecord(services, work, (held) =>
    held === undefined
      ? { ...entryOf(user, 'UserCreate'), detail }
      : { userPoolId: userPool.id, eventType: 'UserCreate', response: 'Fail', reason: 'usernameExists' },
  )
  services.messagesQueued()
  return conflict === undefined ? { kind: 'done', user } : { kind: 'refused', reason: 'usernameExists' }
}

const entryOf = ({ userPoolId, sub: userSub }: User, eventType: AuditEntry['eventType']): AuditEntry => ({
  userPoolId,
  eventType,
  userSub,
})

const temporaryExpiry = (userPool: UserPool, at: Date): Date =>
  addSeconds(at, userPool.passwordPolicy.temporaryPasswordValidityDays * 86_400)

/** By sub or by any sign-in name. */
export async function findUser(services: DomainServices, userPool: UserPool, name: string): Promise<User | undefined> {
  // PostgreSQL takes no NUL in a text.
  if (name.includes('\0')) return undefined
  return (
    (await services.store.users.findBySub(userPool.id, name)) ??
    (await services.store.users.findByIdentifier(userPool.id, lookupKey(userPool, name)))
  )
}

/** Cognito's AdminConfirmSignUp. False: the user was not waiting for confirmation. */
export async function confirmUser(services: DomainServices, user: User): Promise<boolean> {
  const work = async (tx: Repositories): Promise<boolean> => {
    const at = services.clock.now()
    const change = { status: 'CONFIRMED', onlyFrom: ['UNCONFIRMED'] } as const
    if (!(await tx.users.update(user.userPoolId, user.sub, change, at))) return false
    const record = (await tx.settings.userPools()).find((userPool) => userPool.id === user.userPoolId)
    if (record !== undefined) await claimPreferredUsername(tx, userPoolFrom(record), user)
    return true
  }
  return onRecord(services, work, (confirmed) => ({
    ...entryOf(user, 'UserConfirm'),
    ...(confirmed ? {} : { response: 'Fail', reason: 'notUnconfirmed' }),
  }))
}

/** Cognito's AdminEnableUser. */
export const enableUser = (services: DomainServices, user: User): Promise<boolean> =>
  onRecord(
    services,
    (tx) => tx.users.update(user.userPoolId, user.sub, { enabled: true }, services.clock.now()),
    (enabled) => (enabled ? entryOf(user, 'UserEnable') : undefined),
  )

/** Cognito's AdminDisableUser: signed out everywhere and refused until enabled again. */
export const disableUser = (services: DomainServices, user: User): Promise<void> =>
  endEverything(services, user, 'UserDisable', { enabled: false })

/** Cognito's AdminUserGlobalSignOut. */
export const signOutUser = (services: DomainServices, user: User): Promise<void> =>
  endEverything(services, user, 'GlobalSignOut', {})

async function endEverything(
  services: DomainServices,
  user: User,
  eventType: 'UserDisable' | 'GlobalSignOut',
  change: { enabled?: boolean },
): Promise<void> {
  const work = async (tx: Repositories) => {
    const at = services.clock.now()
    await tx.users.update(user.userPoolId, user.sub, { ...change, signedOutAt: signOutTime(user, at) }, at)
    const sessions = await tx.browserSessions.deleteOfUser(user.userPoolId, user.sub)
    await forgetBrowsers(tx, user.userPoolId, user.sub)
    return { sessions, grants: await tx.grants.revokeOfUser(user.userPoolId, user.sub, at) }
  }
  await onRecord(services, work, (detail) => ({ ...entryOf(user, eventType), detail }))
}

/** Cognito's AdminDeleteUser: with codes, sessions, grants and group memberships; the audit trail stays. */
export const deleteUser = (services: DomainServices, user: User): Promise<boolean> =>
  onRecord(
    services,
    (tx) => tx.users.delete(user.userPoolId, user.sub),
    (deleted) => (deleted ? entryOf(user, 'UserDelete') : undefined),
  )

/** Cognito's AdminAddUserToGroup. False: there is no such group. */
export function addUserToGroup(services: DomainServices, user: User, group: string): Promise<boolean> {
  const { userPoolId, sub } = user
  const work = async (tx: Repositories): Promise<boolean> => {
    if (!(await tx.groups.list(userPoolId)).some(({ name }) => name === group)) return false
    await tx.groups.addUser(userPoolId, [group], sub, services.clock.now())
    return true
  }
  return onRecord(services, work, (added) =>
    added ? { ...entryOf(user, 'UserAddToGroup'), detail: { group } } : undefined,
  )
}

/**
 * Cognito's AdminSetUserPassword; it ends all sessions, as any change of password that its owner did not make should, and
 * lifts a lock-out: whoever called for help gets in with it.
 */
export async function setUserPassword(
  services: DomainServices,
  userPool: UserPool,
  user: User,
  password: string,
  permanent: boolean,
): Promise<readonly PasswordRule[]> {
  const broken = brokenRules(userPool.passwordPolicy, password)
  if (broken.length > 0) return broken
  const passwordHash = await services.passwordHasher.hash(password)
  const work = async (tx: Repositories) => {
    const at = services.clock.now()
    const status = permanent ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD'
    const temporaryPasswordExpiresAt = permanent ? null : temporaryExpiry(userPool, at)
    await tx.users.update(
      user.userPoolId,
      user.sub,
      { status, passwordHash, temporaryPasswordExpiresAt, signedOutAt: signOutTime(user, at) },
      at,
    )
    if (permanent) await claimPreferredUsername(tx, userPool, user)
    await tx.browserSessions.deleteOfUser(user.userPoolId, user.sub)
    await forgetBrowsers(tx, user.userPoolId, user.sub)
    await tx.grants.revokeOfUser(user.userPoolId, user.sub, at)
    await tx.guesses.clear(userPool.id, guessesAt(services, userPool, user))
  }
  await onRecord(services, work, () => ({ ...entryOf(user, 'UserSetPassword'), detail: { permanent } }))
  return []
}
