import { onRecord, responseOf } from '../audit/record.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { ProviderAnswer } from '../ports/identity-provider-connector.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { maximumIdentities } from './identity-provider.ts'
import type { Identity, IdentityProvider } from './identity-provider.ts'

/* Accounts at providers that somebody links to the account they are signed in to, and takes off it again. */

export type LinkOutcome =
  { kind: 'done' } | { kind: 'refused'; reason: 'identityTaken' | 'identityKnown' | 'tooMany' | 'notAuthorized' }

/** Whoever has shown both, in one browser, may sign in with either from now on (threat row A5). The owner is told. */
export async function linkIdentity(
  services: DomainServices,
  request: { userPool: UserPool; user: User; provider: IdentityProvider; answer: ProviderAnswer },
): Promise<LinkOutcome> {
  const { userPool, user, provider } = request
  const outcome = await onRecord(
    services,
    (tx) => link(services, tx, request),
    (linked) => ({
      userPoolId: userPool.id,
      eventType: 'IdentityLink',
      userSub: user.sub,
      ...responseOf(linked),
      detail: { provider: provider.name },
    }),
  )
  services.messagesQueued()
  return outcome
}

async function link(
  services: DomainServices,
  tx: Repositories,
  { userPool, user: { sub }, provider, answer }: Parameters<typeof linkIdentity>[1],
): Promise<LinkOutcome> {
  const user = await tx.users.lockBySub(userPool.id, sub)
  if (user?.enabled !== true) return { kind: 'refused', reason: 'notAuthorized' }
  const { identities = [] } = user
  const key = { providerName: provider.name, issuer: provider.issuer, userId: answer.subject }
  if (identities.some((identity) => isSame(identity, key))) return { kind: 'refused', reason: 'identityKnown' }
  if (identities.length >= maximumIdentities) return { kind: 'refused', reason: 'tooMany' }
  if (!(await tx.identities.claim(userPool.id, sub, key))) return { kind: 'refused', reason: 'identityTaken' }
  const at = services.clock.now()
  const identity = { ...key, providerType: provider.type, primary: false, linkedAt: at.toISOString() }
  await tx.users.update(userPool.id, sub, { identities: [...identities, identity] }, at)
  await notifyOwner(services, tx, user, 'identityLinked')
  return { kind: 'done' }
}

export type UnlinkOutcome = { kind: 'done' } | { kind: 'refused'; reason: 'notLinked' | 'lastWayIn' | 'notAuthorized' }

/** Not the last one, where there is no other way in. */
export async function unlinkIdentity(
  services: DomainServices,
  request: { userPool: UserPool; user: User; identity: Pick<Identity, 'providerName' | 'userId'> },
): Promise<UnlinkOutcome> {
  const { userPool, user, identity } = request
  const outcome = await onRecord(
    services,
    (tx) => unlink(services, tx, request),
    (unlinked) => ({
      userPoolId: userPool.id,
      eventType: 'IdentityUnlink',
      userSub: user.sub,
      ...responseOf(unlinked),
      detail: { provider: identity.providerName },
    }),
  )
  services.messagesQueued()
  return outcome
}

async function unlink(
  services: DomainServices,
  tx: Repositories,
  { userPool, user: { sub }, identity }: Parameters<typeof unlinkIdentity>[1],
): Promise<UnlinkOutcome> {
  const user = await tx.users.lockBySub(userPool.id, sub)
  if (user?.enabled !== true) return { kind: 'refused', reason: 'notAuthorized' }
  const { identities = [], status, hasPasskeys } = user
  const going = identities.find(
    ({ providerName, userId }) => providerName === identity.providerName && userId === identity.userId,
  )
  if (going === undefined) return { kind: 'refused', reason: 'notLinked' }
  const rest = identities.filter((one) => one !== going)
  const isLast = status === 'EXTERNAL_PROVIDER' && rest.length === 0 && hasPasskeys !== true
  if (isLast) return { kind: 'refused', reason: 'lastWayIn' }
  await tx.identities.release(userPool.id, sub, going)
  await tx.users.update(userPool.id, sub, { identities: rest }, services.clock.now())
  await notifyOwner(services, tx, user, 'identityUnlinked')
  return { kind: 'done' }
}

const isSame = (one: Identity, other: Pick<Identity, 'providerName' | 'issuer' | 'userId'>): boolean =>
  one.providerName === other.providerName && one.issuer === other.issuer && one.userId === other.userId
