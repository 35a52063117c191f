import { record } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { recoveringChange } from '../attribute-changes/pending-change.ts'
import { ownBrowserOf } from '../lock-out/known-browsers.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitMessages, withheldAddresses } from '../rate-limits/consume-limits.ts'
import type { OwnBrowser } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { migrateUser } from '../triggers/user-migration.ts'
import type { UserPool, VerifiableAttribute } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { issueDecoyCode, nobody, nobodysSub } from '../verification-codes/issue-decoy-code.ts'
import { deliveryOf, issueCode } from '../verification-codes/issue-code.ts'
import type { CodeDelivery, CodeRequest } from '../verification-codes/issue-code.ts'
import { lowerCase, simulatedDelivery } from '../verification-codes/simulated-delivery.ts'
import { recoveryAttributes, recoveryChannel } from './recovery-channel.ts'
import { refusalOf, refusedEntry } from './recovery-refusal.ts'
import { makeResetLink } from './reset-link.ts'
import type { ResetLinkOrigin } from './reset-link.ts'

export interface CodeUnderWay {
  kind: 'sent'
  /** Absent when no code went out: the page must not tell, and looks the same. */
  userSub?: string
  /** The same whether a code went out now or a moment ago. */
  delivery: CodeDelivery
}

export type ForgotPasswordOutcome =
  | CodeUnderWay
  /**
   * Too many were asked for under this name, whether or not anybody has it, and none is sent. The latest one serves: whoever
   * reads that mailbox is kept out by nobody's requests.
   */
  | (Omit<CodeUnderWay, 'kind'> & { kind: 'notSent'; limited: LimitExceeded })
  /** Too many were asked for from this network, or altogether. */
  | LimitExceeded

export interface ForgotPasswordRequest {
  userPool: UserPool
  clientId: string
  username: string
  languages: readonly string[]
  /** As for `guessByName`. */
  browserHash?: string | undefined
  /** Lets a mail to the address in force carry a link beside the code. */
  origin?: ResetLinkOrigin | undefined
}

/**
 * Cognito's ForgotPassword. It works from every status of a user and never changes the account; whoever cannot be
 * reached, or does not exist, gets the same answer with a made-up destination (threat row B13).
 */
export async function forgotPassword(
  services: DomainServices,
  request: ForgotPasswordRequest,
): Promise<ForgotPasswordOutcome> {
  const { userPool, clientId, username, languages } = request
  const before = await reach(services, request)
  const { ownBrowser } = before
  const asked = { recipients: [username], clientId, eventType: 'ForgotPassword', ownBrowser } as const
  const limited = await limitMessages(services, userPool, asked)
  if (limited?.limit === 'MessagesPerRecipient') return { ...told(services, request, before), kind: 'notSent', limited }
  if (limited !== undefined) return limited
  const where = { userPool, appClient: { id: clientId }, languages }
  const migrated = await migrateUser(services, where, username, { kind: 'ForgotPassword', holder: before.user })
  const reached = migrated === undefined ? before : await reach(services, request)
  const withheld = await withheldFrom(services, request, reached)
  const outcome = await services.store.transaction(async (tx): Promise<CodeUnderWay> => {
    const at = services.clock.now()
    const nameKey = lookupKey(userPool, username)
    const user = await tx.users.lockByIdentifier(userPool.id, nameKey)
    const attribute = user?.enabled === true ? await recoveryChannel(tx, userPool, user) : undefined
    if (user === undefined || attribute === undefined) {
      const refusal = (await refusalOf(tx, userPool, user)) ?? 'noRecovery'
      const entry = refusedEntry(userPool, nameKey, user, refusal)
      return { kind: 'sent', delivery: await sendToNobody(services, tx, request, entry) }
    }
    const code = { userPool, user, purpose: 'reset', attribute, languages, withheld, at } as const
    const link = linkFor(services, request, attribute, user, at)
    const delivery = await issueCode(services, tx, { ...code, link })
    await sendToPendingAddress(services, tx, code)
    const event = { eventType: 'ForgotPassword', response: 'InProgress', userSub: user.sub } as const
    if (delivery !== undefined) await record(services, tx, { userPoolId: userPool.id, ...event })
    // The earlier moment would tell: for nobody's account there is none, and the page shows how long to wait.
    return { kind: 'sent', userSub: user.sub, delivery: delivery ?? deliveryOf(code) }
  })
  services.messagesQueued()
  return { ...outcome, delivery: lowerCase(outcome.delivery) }
}

/** Who has the name, and where a code would go to; as of before the transaction, which looks once more. */
interface Reached {
  user: User | undefined
  attribute: VerifiableAttribute | undefined
  /** Where the user has signed in before: strangers' requests do not count there (threat row B15). */
  ownBrowser: OwnBrowser | undefined
}

async function reach(services: DomainServices, request: ForgotPasswordRequest): Promise<Reached> {
  const { store } = services
  const { userPool, username, browserHash } = request
  const user = await store.users.findByIdentifier(userPool.id, lookupKey(userPool, username))
  const attribute = user?.enabled === true ? await recoveryChannel(store, userPool, user) : undefined
  return { user, attribute, ownBrowser: await ownBrowserOf(services, userPool, user?.sub, browserHash) }
}

/** What the answer says of the code's way, whether or not there is one. */
function told(
  services: DomainServices,
  { userPool, username }: ForgotPasswordRequest,
  { user, attribute }: Reached,
): Omit<CodeUnderWay, 'kind'> {
  const at = services.clock.now()
  if (user === undefined || attribute === undefined) {
    return { delivery: lowerCase(simulatedDelivery(services, userPool, recoveryAttributes(userPool), username, at)) }
  }
  const delivery = deliveryOf({ userPool, user, purpose: 'reset', attribute, at })
  return { userSub: user.sub, delivery: lowerCase(delivery) }
}

/** Counted for the addresses that are really written to, and before the transaction. */
async function withheldFrom(
  services: DomainServices,
  { userPool, username: typed }: ForgotPasswordRequest,
  { user, attribute, ownBrowser }: Reached,
): Promise<ReadonlySet<string>> {
  const sending = { typed, eventType: 'ForgotPassword', userSub: user?.sub, ownBrowser } as const
  const at = services.clock.now()
  if (user === undefined || attribute === undefined) {
    const { attribute: simulated } = simulatedDelivery(services, userPool, recoveryAttributes(userPool), typed, at)
    // Looked for even for nobody: the same work (threat row B14).
    const whose = nobody(userPool, nobodysSub(services, userPool, typed))
    await recoveringChange(services.store, whose, simulated, at)
    return withheldAddresses(services, userPool, { ...sending, addresses: [] })
  }
  const pending = await recoveringChange(services.store, user, attribute, at)
  const addresses = [user.attributes[attribute], pending?.value].filter((address) => address !== undefined)
  return withheldAddresses(services, userPool, { ...sending, addresses })
}

/**
 * An address that waits for its proof serves as well: whoever lost the former one could not get in to finish the change
 * (decision 13).
 */
async function sendToPendingAddress(services: DomainServices, tx: Repositories, code: CodeRequest): Promise<void> {
  const pending = await recoveringChange(tx, code.user, code.attribute, code.at)
  if (pending === undefined) return
  await issueCode(services, tx, { ...code, purpose: 'reset_pending', recipient: pending.value })
}

/** Stands beside the code of an e-mail, where the page that asks has one. */
function linkFor(
  services: DomainServices,
  { origin }: ForgotPasswordRequest,
  attribute: VerifiableAttribute,
  user: Parameters<typeof makeResetLink>[2],
  at: Date,
): (() => string) | undefined {
  return origin === undefined || attribute !== 'email' ? undefined : () => makeResetLink(services, origin, user, at)
}

/** Does what sends a code, once in a cool-down as well: the same work, so that no time tells (threat row B14). */
async function sendToNobody(
  services: DomainServices,
  tx: Repositories,
  request: ForgotPasswordRequest,
  entry: AuditEntry,
): Promise<CodeDelivery> {
  const { userPool, username, languages } = request
  const { id: userPoolId } = userPool
  const at = services.clock.now()
  const delivery = simulatedDelivery(services, userPool, recoveryAttributes(userPool), username, at)
  const { attribute, destination } = delivery
  const userSub = nobodysSub(services, userPool, username)
  const whose = nobody(userPool, userSub)
  const link = linkFor(services, request, attribute, whose, at)?.()
  const code = { userPoolId, userSub, username, languages, link, purpose: 'reset', attribute, destination, at } as const
  const issued = await issueDecoyCode(services, tx, code)
  await recoveringChange(tx, whose, attribute, at)
  if (issued) await record(services, tx, entry)
  return delivery
}
