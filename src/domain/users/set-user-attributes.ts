import { onRecord, record } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { claimAddress, claimPreferredUsername } from './claim-sign-in-names.ts'
import { lookupKey } from './sign-in-name.ts'
import type { User } from './user.ts'
import { validateAttributes } from './validate-attributes.ts'
import type { AttributeProblems } from './validate-attributes.ts'

export type SetAttributesOutcome =
  | { kind: 'done' }
  | { kind: 'refused'; reason: 'aliasExists' }
  | { kind: 'refused'; reason: 'invalid'; problems: AttributeProblems }

type Change = Readonly<Record<string, string | null>>

/**
 * Cognito's AdminUpdateUserAttributes: at once, whatever the clients of the pool may write; an operator may also say that
 * an address is verified. A new one is not, unless the same call says so, and nothing waits in its place any more. An
 * empty value removes the attribute.
 */
export async function setUserAttributes(
  services: DomainServices,
  userPool: UserPool,
  user: User,
  values: Readonly<Record<string, string>>,
): Promise<SetAttributesOutcome> {
  const entries = Object.entries(values)
  const removed = entries.filter(([, value]) => value === '').map(([name]) => name)
  const checked = validateAttributes(userPool, Object.fromEntries(entries.filter(([, value]) => value !== '')))
  const names: readonly string[] = userPool.usernameAttributes
  const needed = removed.filter((name) => names.includes(name)).map((name) => [name, 'required'] as const)
  if (!checked.ok || needed.length > 0) {
    const problems = { ...(checked.ok ? {} : checked.problems), ...Object.fromEntries(needed) }
    return { kind: 'refused', reason: 'invalid', problems }
  }
  const change = { ...checked.attributes, ...Object.fromEntries(removed.map((name) => [name, null])) }
  const entry = { userPoolId: userPool.id, eventType: 'UserUpdate', userSub: user.sub } as const
  // Names of attributes only.
  const done: AuditEntry = { ...entry, detail: { attributes: Object.keys(change).toSorted() } }
  const work = (tx: Repositories) => replace(tx, userPool, user, change, services.clock.now())
  try {
    await onRecord(services, work, () => done)
    return { kind: 'done' }
  } catch (error) {
    if (!(error instanceof AliasTaken)) throw error
    await record(services, services.store, { ...entry, response: 'Fail', reason: 'aliasExists' })
    return { kind: 'refused', reason: 'aliasExists' }
  }
}

/** Undoes the transaction: one of two addresses may have been given the name already. */
class AliasTaken extends Error {}

async function replace(tx: Repositories, userPool: UserPool, user: User, change: Change, at: Date): Promise<void> {
  const attributes: Record<string, string | null> = { ...change }
  for (const attribute of ['email', 'phone_number'] as const) {
    const flag = `${attribute}_verified`
    const value = attribute in change ? (change[attribute] ?? undefined) : user.attributes[attribute]
    const replaced = value !== user.attributes[attribute]
    if (!replaced && !(flag in change)) continue
    if (replaced) attributes[flag] = value === undefined ? null : (change[flag] ?? 'false')
    await tx.attributeChanges.delete(userPool.id, user.sub, attribute)
    await replaceName(tx, userPool, user, { attribute, value, verified: attributes[flag] === 'true' })
  }
  await tx.users.update(userPool.id, user.sub, { attributes }, at)
  const preferred = change['preferred_username']
  if (user.status !== 'UNCONFIRMED' && typeof preferred === 'string') {
    await claimPreferredUsername(tx, userPool, { ...user, attributes: { preferred_username: preferred } })
  }
}

/** An address of a pool that signs in by address is a name at once, an alias once it is verified. */
async function replaceName(
  tx: Repositories,
  userPool: UserPool,
  user: User,
  { attribute, value, verified }: { attribute: VerifiableAttribute; value: string | undefined; verified: boolean },
): Promise<void> {
  if (value !== undefined && (verified || userPool.usernameAttributes.includes(attribute))) {
    if (!(await claimAddress(tx, userPool, user, { attribute, destination: value }))) throw new AliasTaken()
    return
  }
  const former = user.attributes[attribute]
  if (former === undefined) return
  await tx.users.releaseIdentifier(userPool.id, user.sub, { kind: attribute, key: lookupKey(userPool, former) })
}
