import { addSeconds } from '../../platform/clock.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { isWritable } from '../app-clients/attribute-access.ts'
import { onRecord, record, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { claimAddress } from '../users/claim-sign-in-names.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { isMutable, requiredAttributes, validateAttributes } from '../users/validate-attributes.ts'
import type { AttributeProblems } from '../users/validate-attributes.ts'
import { deliveryOf, issueCode } from '../verification-codes/issue-code.ts'
import type { CodeDelivery } from '../verification-codes/issue-code.ts'
import { changeSeconds, verificationPurpose } from './attribute-change.ts'
import { notifyFormerAddress } from './notify-former-address.ts'

/** A change of address wants a proof of who asks that is not older than this (threat row A7). */
const freshSeconds = 15 * 60

const addresses: readonly VerifiableAttribute[] = ['email', 'phone_number']

export interface UpdateUserAttributesRequest {
  userPool: UserPool
  /** Whose writable attributes bound what can be changed. */
  appClient: AppClient
  userSub: string
  /** When the person last proved who they are. */
  authTime: Date
  /** New values by name; an empty one removes the attribute. */
  attributes: Readonly<Record<string, string>>
  languages: readonly string[]
}

export type UpdateUserAttributesOutcome =
  | { kind: 'done'; deliveries: readonly CodeDelivery[] }
  | { kind: 'refused'; reason: 'notAuthorized' | 'staleAuthentication' | 'aliasExists' }
  | { kind: 'refused'; reason: 'invalid'; problems: AttributeProblems }
  | { kind: 'refused'; reason: 'notWritable'; names: readonly string[] }

/**
 * Cognito's UpdateUserAttributes. A new e-mail address or phone number that the pool wants verified first waits for its
 * code, and the former one stays in force and is told (threat row A7); any other value changes at once, and an address
 * that does is unverified until its code comes back.
 */
export async function updateUserAttributes(
  services: DomainServices,
  request: UpdateUserAttributesRequest,
): Promise<UpdateUserAttributesOutcome> {
  const { userPool, attributes } = request
  const refuse = async (outcome: Extract<UpdateUserAttributesOutcome, { kind: 'refused' }>) => {
    // A value that was only mistyped is no event.
    if (outcome.reason !== 'invalid') await record(services, services.store, entryOf(request, outcome))
    return outcome
  }
  const checked = checkValues(request)
  if (checked.kind === 'refused') return refuse(checked)
  const touchesAddress = addresses.some((name) => name in attributes)
  if (touchesAddress && request.authTime < addSeconds(services.clock.now(), -freshSeconds)) {
    return refuse({ kind: 'refused', reason: 'staleAuthentication' })
  }
  const work = async (tx: Repositories): Promise<UpdateUserAttributesOutcome> => {
    const user = await tx.users.findBySub(userPool.id, request.userSub)
    if (user?.enabled !== true) return { kind: 'refused', reason: 'notAuthorized' }
    return change(services, tx, request, user, checked.values)
  }
  try {
    return await onRecord(services, work, (outcome) => entryOf(request, outcome))
  } catch (error) {
    if (error instanceof AliasTaken) return await refuse({ kind: 'refused', reason: 'aliasExists' })
    throw error
  } finally {
    services.messagesQueued()
  }
}

/** Which attributes, not what they are; of a refusal not even that, since their names may be anything. */
function entryOf(request: UpdateUserAttributesRequest, outcome: UpdateUserAttributesOutcome): AuditEntry {
  const { userPool, appClient, userSub, attributes } = request
  return {
    userPoolId: userPool.id,
    eventType: 'AttributeChange',
    userSub,
    clientId: appClient.id,
    ...responseOf(outcome),
    ...(outcome.kind === 'done' ? { detail: { attributes: Object.keys(attributes).toSorted() } } : {}),
  }
}

/** Undoes the transaction: one of two addresses may have been given the name already. */
class AliasTaken extends Error {}

type Values = Readonly<Record<string, string | null>>

/** What needs no look at the user: names, forms, and that nothing required is taken away. */
function checkValues({
  userPool,
  appClient,
  attributes,
}: UpdateUserAttributesRequest):
  { kind: 'fit'; values: Values } | Extract<UpdateUserAttributesOutcome, { kind: 'refused' }> {
  const names = Object.keys(attributes).filter((name) => !isWritable(appClient, name) || !isMutable(userPool, name))
  if (names.length > 0) return { kind: 'refused', reason: 'notWritable', names }
  const entries = Object.entries(attributes)
  const checked = validateAttributes(userPool, Object.fromEntries(entries.filter(([, value]) => value !== '')))
  const kept = new Set<string>([...requiredAttributes(userPool), ...userPool.usernameAttributes])
  const removed = entries.filter(([, value]) => value === '').map(([name]) => name)
  const missing = removed.filter((name) => kept.has(name)).map((name) => [name, 'required'] as const)
  if (!checked.ok || missing.length > 0) {
    const problems = { ...(checked.ok ? {} : checked.problems), ...Object.fromEntries(missing) }
    return { kind: 'refused', reason: 'invalid', problems }
  }
  return { kind: 'fit', values: { ...checked.attributes, ...Object.fromEntries(removed.map((name) => [name, null])) } }
}

async function change(
  services: DomainServices,
  tx: Repositories,
  request: UpdateUserAttributesRequest,
  user: User,
  values: Values,
): Promise<UpdateUserAttributesOutcome> {
  const { userPool } = request
  const at = services.clock.now()
  const changes = addresses
    .filter((attribute) => attribute in values && values[attribute] !== user.attributes[attribute])
    .map((attribute) => {
      const value = values[attribute] ?? undefined
      const waits = value !== undefined && userPool.verifiedBeforeUpdate.includes(attribute)
      return { attribute, value, waits }
    })
  for (const { attribute, value, waits } of changes) {
    if (!waits) await replaceName(tx, userPool, user, attribute, value)
  }
  await tx.users.update(userPool.id, user.sub, { attributes: changedAtOnce(values, changes) }, at)
  // A change back to what is there, or to another address, supersedes the one that waits.
  for (const attribute of addresses) {
    if (attribute in values) await tx.attributeChanges.delete(userPool.id, user.sub, attribute)
  }
  const deliveries: CodeDelivery[] = []
  for (const addressChange of changes) {
    const delivery = await tell(services, tx, request, user, addressChange, at)
    if (delivery !== undefined) deliveries.push(delivery)
  }
  return { kind: 'done', deliveries }
}

interface AddressChange {
  attribute: VerifiableAttribute
  /** Absent: it is taken away. */
  value: string | undefined
  waits: boolean
}

function changedAtOnce(values: Values, changes: readonly AddressChange[]): Record<string, string | null> {
  const waiting = new Set<string>(changes.filter(({ waits }) => waits).map(({ attribute }) => attribute))
  const unproved = changes
    .filter(({ waits }) => !waits)
    .map(({ attribute, value }) => [`${attribute}_verified`, value === undefined ? null : 'false'] as const)
  return Object.fromEntries([...Object.entries(values).filter(([name]) => !waiting.has(name)), ...unproved])
}

/** The address in force hears of it, and the new one gets its code. */
async function tell(
  services: DomainServices,
  tx: Repositories,
  { userPool, languages }: UpdateUserAttributesRequest,
  user: User,
  { attribute, value: recipient, waits }: AddressChange,
  at: Date,
): Promise<CodeDelivery | undefined> {
  await notifyFormerAddress(services, tx, { user, attribute, languages, done: !waits, at })
  if (recipient === undefined) return undefined
  if (waits) {
    const expiresAt = addSeconds(at, changeSeconds)
    await tx.attributeChanges.save({
      userPoolId: userPool.id,
      userSub: user.sub,
      attribute,
      value: recipient,
      expiresAt,
    })
  } else if (!userPool.autoVerifiedAttributes.includes(attribute)) return undefined
  const code = { userPool, user, purpose: verificationPurpose[attribute], attribute, recipient, languages, at }
  return (await issueCode(services, tx, code)) ?? deliveryOf(code)
}

/**
 * Where an address changes at once, so does the name that it is: of a pool that signs in by address the new one counts
 * now, as an alias only once it is verified.
 * @throws AliasTaken when it is somebody else's
 */
async function replaceName(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  attribute: VerifiableAttribute,
  destination: string | undefined,
): Promise<void> {
  if (destination !== undefined && userPool.usernameAttributes.includes(attribute)) {
    if (!(await claimAddress(tx, userPool, user, { attribute, destination }))) throw new AliasTaken()
    return
  }
  const former = user.attributes[attribute]
  if (former === undefined) return
  await tx.users.releaseIdentifier(userPool.id, user.sub, { kind: attribute, key: lookupKey(userPool, former) })
}
