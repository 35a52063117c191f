import type { AppClient } from '../app-clients/app-client.ts'
import { record } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { isWritable } from '../app-clients/attribute-access.ts'
import type { DomainServices } from '../ports/services.ts'
import type { NewUser } from '../ports/new-user.ts'
import type { Repositories } from '../ports/store.ts'
import { limitMessages, limitRequests, withheldAddresses } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { postConfirmation, preSignUp } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { breachedRule } from '../users/breached-password.ts'
import type { ChosenPassword } from '../users/breached-password.ts'
import { brokenRules } from '../users/password-policy.ts'
import type { PasswordRule } from '../users/password-policy.ts'
import { lookupKey, readSignInName } from '../users/sign-in-name.ts'
import type { SignInName, SignInNameProblem } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { missingAttributes, validateAttributes } from '../users/validate-attributes.ts'
import type { AttributeProblem, AttributeProblems } from '../users/validate-attributes.ts'
import type { ConfirmationOrigin } from '../verification-codes/confirmation-link.ts'
import { deliveryOf, issueCode } from '../verification-codes/issue-code.ts'
import type { CodeDelivery, CodeRequest } from '../verification-codes/issue-code.ts'
import { addDecoy } from './add-decoy.ts'
import { attributeToProve, attributeToVerify } from './attribute-to-verify.ts'
import type { DecoySignUp } from './decoy-sign-up.ts'
import { findByName } from './find-by-name.ts'
import { attributesAfter, newUser } from './new-user.ts'

export interface SignUpRequest extends ChosenPassword {
  userPool: UserPool
  appClient: AppClient
  /** As typed: a user name or an address, by the pool's sign-in options. */
  username: string
  attributes: Readonly<Record<string, string>>
  languages: readonly string[]
  /** Where "sign in instead" leads, from configured origins; put into the mail to an address that has an account. */
  signInLink?: string
  /** `sub` of the sign-up, or decoy, that the same browser made a moment ago in the same flow: a form sent twice, or corrected. */
  earlierSub?: string
  /** As for `issueCode`. */
  origin?: ConfirmationOrigin
}

export type SignUpOutcome =
  /** A code is under way. Of a decoy none is: the address has an account, whose owner was written to. */
  | { kind: 'confirm'; userSub: string; decoySub?: never; delivery: CodeDelivery }
  | { kind: 'confirm'; userSub?: never; decoySub: string; delivery: CodeDelivery }
  /** A trigger has confirmed it: nothing is to be proved. */
  | { kind: 'confirmed'; user: User }
  /** The pool verifies nothing by itself: an administrator confirms. */
  | { kind: 'unconfirmed'; userSub?: string }
  | SignUpRefusal
  | LimitExceeded

export type SignUpRefusal = {
  kind: 'refused'
  reason: 'signUpNotAllowed' | 'invalid' | 'usernameExists'
  usernameProblem?: SignInNameProblem
  attributeProblems: AttributeProblems
  brokenRules: readonly PasswordRule[]
}

/** An unconfirmed user name is free again after the life of its code. */
const abandonedAfterMs = 24 * 3600 * 1000

/** Cognito's SignUp. The password is hashed before, never within, the transaction. */
export async function signUp(services: DomainServices, request: SignUpRequest): Promise<SignUpOutcome> {
  const { userPool } = request
  if (userPool.allowAdminCreateUserOnly) {
    const unknownName = lookupKey(userPool, request.username)
    await record(services, services.store, { ...entryOf(request, 'signUpNotAllowed'), unknownName })
    return refused('signUpNotAllowed')
  }
  const name = readSignInName(userPool, request.username)
  const checked = checkAttributes(request, name)
  const broken = brokenRules(userPool.passwordPolicy, request.password)
  if (name.kind === 'invalid' || !checked.ok || broken.length > 0) {
    return {
      ...refused('invalid'),
      ...(name.kind === 'invalid' ? { usernameProblem: name.problem } : {}),
      attributeProblems: checked.ok ? {} : checked.problems,
      brokenRules: broken,
    }
  }
  const recipients = recipientsOf(userPool, name, checked.attributes)
  const tooMany = await limitRequests(services, userPool, 'SignUpsPerNetwork', 'SignUp')
  if (tooMany !== undefined) return tooMany
  const breached = await breachedRule(services, userPool, request)
  if (breached.length > 0) return { ...refused('invalid'), attributeProblems: {}, brokenRules: breached }
  const sub = services.random.uuid()
  const username = name.kind === 'username' ? name.username : sub
  const hooked = await preSignUp(services, request, { username, attributes: checked.attributes })
  // Only what would send a message counts as one.
  const limited = hooked.autoConfirmUser ? undefined : await limitSending(services, request, recipients)
  if (limited !== undefined) return limited
  const { id: userPoolId } = userPool
  const found = await findByName(services.store, userPoolId, lookupKey(userPool, typedName(request, name)))
  const passwordHash = await services.passwordHasher.hash(request.password, found.user?.passwordHash)
  const attributes = attributesAfter(checked.attributes, hooked)
  const status = hooked.autoConfirmUser ? 'CONFIRMED' : 'UNCONFIRMED'
  const user = newUser(services, userPool, { sub, username, status, attributes, passwordHash }, name.kind)
  const sending = { addresses: recipients, typed: request.username, eventType: 'SignUp' } as const
  const withheld = await withheldAddresses(services, userPool, sending)
  const outcome = await services.store.transaction((tx) =>
    addOrExplain(services, tx, { ...request, withheld }, user, name, found),
  )
  services.messagesQueued()
  if (outcome.kind === 'confirmed') await postConfirmation(services, request, 'ConfirmSignUp', outcome.user)
  return outcome
}

/** Whom a sign-up may write to: the address to be proved, and the owner of the name that was typed. */
function recipientsOf(userPool: UserPool, name: SignInName, attributes: Record<string, string>): readonly string[] {
  const named = name.kind === 'email' || name.kind === 'phone_number' ? name : undefined
  const proved = attributeToProve(userPool, attributes, name.kind)
  const address = proved === undefined ? undefined : attributes[proved]
  return [...new Set([named?.address, address].filter((text) => text !== undefined))]
}

/** For the hash first, then for the message; where none is sent there is nothing to count. */
async function limitSending(
  services: DomainServices,
  { userPool, appClient }: SignUpRequest,
  recipients: readonly string[],
): Promise<LimitExceeded | undefined> {
  if (recipients.length === 0) return undefined
  return limitMessages(services, userPool, { recipients, clientId: appClient.id, eventType: 'SignUp' })
}

/** With what was found out before the transaction. */
type CountedSignUp = SignUpRequest & Pick<CodeRequest, 'withheld'>

const entryOf = ({ userPool, appClient }: SignUpRequest, reason?: SignUpRefusal['reason']): AuditEntry => ({
  userPoolId: userPool.id,
  eventType: 'SignUp',
  clientId: appClient.id,
  ...(reason === undefined ? {} : { response: 'Fail', reason }),
})

const refused = (reason: SignUpRefusal['reason']): SignUpRefusal => ({
  kind: 'refused',
  reason,
  attributeProblems: {},
  brokenRules: [],
})

function checkAttributes(request: SignUpRequest, name: SignInName): ReturnType<typeof validateAttributes> {
  const { userPool, appClient } = request
  const values = Object.fromEntries(Object.entries(request.attributes).filter(([, value]) => value !== ''))
  if (name.kind === 'email' || name.kind === 'phone_number') values[name.kind] = name.address
  const checked = validateAttributes(userPool, values)
  const problems = new Map<string, AttributeProblem>(Object.entries(checked.ok ? {} : checked.problems))
  for (const attribute of missingAttributes(userPool, values)) {
    if (name.kind !== 'invalid' || !isUsernameAttribute(userPool, attribute)) problems.set(attribute, 'required')
  }
  for (const attribute of Object.keys(values)) {
    if (attribute !== name.kind && !isWritable(appClient, attribute)) problems.set(attribute, 'invalid')
  }
  return problems.size > 0 ? { ok: false, problems: Object.fromEntries(problems) } : checked
}

/** The address field of such a pool is the user name's own; its problem is told once. */
const isUsernameAttribute = (userPool: UserPool, attribute: string): boolean =>
  (userPool.usernameAttributes as readonly string[]).includes(attribute)

/** Of many with one name at once each overtakes the one before it, or shows what it would look like. */
const maximumTurns = 3

/** @param found who had the name a moment ago */
async function addOrExplain(
  services: DomainServices,
  tx: Repositories,
  request: CountedSignUp,
  user: NewUser,
  name: SignInName,
  found: Awaited<ReturnType<typeof findByName>>,
): Promise<SignUpOutcome> {
  const key = lookupKey(request.userPool, typedName(request, name))
  const givesWay = (holder: User | undefined): boolean =>
    holder === undefined || isEarlier(request, holder) || mayBeReplaced(services, holder, name)
  let holder = found.user
  for (let turn = 0; turn < maximumTurns; turn += 1) {
    const added = givesWay(holder) ? await addInPlaceOf(services, tx, request, user, holder) : undefined
    if (added !== undefined) return added
    const before = holder
    holder = await tx.users.findByIdentifier(user.userPoolId, key)
    if (before !== undefined && holder?.sub === before.sub && !givesWay(holder)) break
  }
  return explainConflict(services, tx, { request, user, name, holder, decoy: found.decoy })
}

/** @returns undefined when somebody else has the name meanwhile */
async function addInPlaceOf(
  services: DomainServices,
  tx: Repositories,
  request: CountedSignUp,
  user: NewUser,
  holder: User | undefined,
): Promise<SignUpOutcome | undefined> {
  const again = await repeatSignUp(services, tx, request, user, holder)
  if (again !== undefined) return again
  const entries: AuditEntry[] = [{ ...entryOf(request), userSub: user.sub }]
  if (holder !== undefined) {
    await tx.users.deleteUnconfirmed(user.userPoolId, holder.sub)
    entries.unshift({ ...entryOf(request), eventType: 'UserDelete', userSub: holder.sub, detail: { for: user.sub } })
  }
  if ((await tx.users.add(user)) !== undefined) return undefined
  await record(services, tx, ...entries)
  if (user.status === 'CONFIRMED') return { kind: 'confirmed', user }
  const attribute = await attributeToVerify(tx, request.userPool, user)
  if (attribute === undefined) return { kind: 'unconfirmed', userSub: user.sub }
  const { languages, userPool, origin, withheld } = request
  const at = services.clock.now()
  const code = { userPool, user, purpose: 'sign_up', attribute, languages, origin, withheld, at } as const
  // A user that was not there a moment ago has no earlier code: this one goes out, unless it is withheld.
  const delivery = (await issueCode(services, tx, code)) ?? deliveryOf(code)
  return { kind: 'confirm', userSub: user.sub, delivery }
}

/** Whoever was disabled stays so: signing up again is no way around it (threat row A10). */
const isEarlier = ({ earlierSub }: SignUpRequest, holder: User): boolean =>
  holder.status === 'UNCONFIRMED' && holder.enabled && holder.sub === earlierSub

/** The same sign-up once more: its code stays good, and the password is the one typed last. */
async function repeatSignUp(
  services: DomainServices,
  tx: Repositories,
  request: CountedSignUp,
  user: NewUser,
  found: User | undefined,
): Promise<SignUpOutcome | undefined> {
  if (found === undefined || !isEarlier(request, found)) return undefined
  const holder = await tx.users.lockBySub(found.userPoolId, found.sub)
  if (holder === undefined) return undefined
  const names = new Set([...Object.keys(holder.attributes), ...Object.keys(user.attributes)])
  if ([...names].some((name) => holder.attributes[name] !== user.attributes[name])) return undefined
  const { languages, userPool, origin, withheld } = request
  const at = services.clock.now()
  const { passwordHash } = user
  const change = { ...(passwordHash === undefined ? {} : { passwordHash }), onlyFrom: ['UNCONFIRMED'] } as const
  if (!(await tx.users.update(userPool.id, holder.sub, change, at))) return undefined
  await record(services, tx, { ...entryOf(request), userSub: holder.sub, detail: { again: true } })
  const attribute = await attributeToVerify(tx, userPool, holder)
  if (attribute === undefined) return { kind: 'unconfirmed', userSub: holder.sub }
  const code = { userPool, user: holder, purpose: 'sign_up', attribute, languages, origin, withheld, at } as const
  const issued = await issueCode(services, tx, code)
  const last = issued ?? (await tx.verificationCodes.find(userPool.id, holder.sub, 'sign_up'))
  return { kind: 'confirm', userSub: holder.sub, delivery: deliveryOf({ ...code, at: last?.sentAt ?? at }) }
}

const typedName = (request: SignUpRequest, name: SignInName): string =>
  name.kind === 'username' || name.kind === 'invalid' ? request.username : name.address

/**
 * Nobody has proved an unconfirmed sign-up's address: whoever comes later may have it, with a password and code of their
 * own, so that registering somebody else's address keeps nobody out (threat row A1). A plain user name is kept for the
 * life of its code.
 */
function mayBeReplaced(services: DomainServices, holder: User, name: SignInName): boolean {
  if (holder.status !== 'UNCONFIRMED' || !holder.enabled) return false
  return name.kind !== 'username' || services.clock.now().getTime() - holder.createdAt.getTime() > abandonedAfterMs
}

/** A user name is public; an address is not, so its page looks like any other sign-up and the owner gets a mail. */
async function explainConflict(
  services: DomainServices,
  tx: Repositories,
  taken: {
    request: CountedSignUp
    user: NewUser
    name: SignInName
    holder: User | undefined
    decoy: DecoySignUp | undefined
  },
): Promise<SignUpOutcome> {
  const { request, name, holder } = taken
  await record(services, tx, { ...entryOf(request, 'usernameExists'), userSub: holder?.sub })
  if (name.kind === 'username' || name.kind === 'invalid' || !request.appClient.preventUserExistenceErrors) {
    return refused('usernameExists')
  }
  return addDecoy(services, tx, { ...taken, name })
}
