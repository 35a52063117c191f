import type { AppClient } from '../app-clients/app-client.ts'
import { record } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import { ownBrowserOf } from '../lock-out/known-browsers.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { limitMessages, withheldAddresses } from '../rate-limits/consume-limits.ts'
import type { LimitExceeded } from '../rate-limits/rate-limits.ts'
import { preAuthentication } from '../triggers/user-triggers.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { deliveryOf, issueCode } from '../verification-codes/issue-code.ts'
import type { CodeDelivery } from '../verification-codes/issue-code.ts'
import { issueDecoyCode, nobody, nobodysSub } from '../verification-codes/issue-decoy-code.ts'
import { lowerCase, simulatedDelivery } from '../verification-codes/simulated-delivery.ts'
import { firstCodeParts, mayBeginWith } from './first-code.ts'
import type { FirstCode } from './first-code.ts'
import { makeSignInLink } from './sign-in-link.ts'
import type { SignInLinkOrigin } from './sign-in-link.ts'

export interface SignInCodeUnderWay {
  kind: 'sent'
  /** Absent when no code went out: the page must not tell, and looks the same. */
  userSub?: string
  delivery: CodeDelivery
}

export type RequestSignInCodeOutcome =
  | SignInCodeUnderWay
  /** Too many were asked for under this name, whether or not anybody has it; the latest one serves. */
  | (Omit<SignInCodeUnderWay, 'kind'> & { kind: 'notSent'; limited: LimitExceeded })
  | LimitExceeded

export interface SignInCodeRequest {
  userPool: UserPool
  appClient: AppClient
  factor: FirstCode
  username: string
  languages: readonly string[]
  /** As for `guessByName`. */
  browserHash?: string | undefined
  /** Lets an e-mail carry a link beside the code. */
  origin?: SignInLinkOrigin | undefined
}

/**
 * The first half of a sign-in without a password. Whoever cannot get a code, or does not exist, gets the same answer with a
 * made-up destination, after the same work (threat rows B13, B14).
 */
export async function requestSignInCode(
  services: DomainServices,
  request: SignInCodeRequest,
): Promise<RequestSignInCodeOutcome> {
  const { store } = services
  const { userPool, appClient, factor, username, browserHash } = request
  const nameKey = lookupKey(userPool, username)
  const user = await store.users.findByIdentifier(userPool.id, nameKey)
  await preAuthentication(services, request, user, username)
  const ownBrowser = await ownBrowserOf(services, userPool, user?.sub, browserHash)
  const common = { eventType: 'SignIn', ownBrowser } as const
  const limited = await limitMessages(services, userPool, {
    ...common,
    recipients: [username],
    clientId: appClient.id,
  })
  if (limited?.limit === 'MessagesPerRecipient') return { ...told(services, request, user), kind: 'notSent', limited }
  if (limited !== undefined) return limited
  const address = user !== undefined && mayBeginWith(user, factor) ? user.attributes[attributeOf(request)] : undefined
  const withheld = await withheldAddresses(services, userPool, {
    ...common,
    addresses: address === undefined ? [] : [address],
    typed: username,
    userSub: user?.sub,
  })
  const outcome = await store.transaction(async (tx): Promise<SignInCodeUnderWay> => {
    const now = await tx.users.lockByIdentifier(userPool.id, nameKey)
    return now !== undefined && mayBeginWith(now, factor)
      ? sendTo(services, tx, request, now, withheld)
      : sendToNobody(services, tx, request, now)
  })
  services.messagesQueued()
  return outcome
}

const attributeOf = ({ factor }: SignInCodeRequest) => firstCodeParts[factor].attribute

async function sendTo(
  services: DomainServices,
  tx: Repositories,
  request: SignInCodeRequest,
  user: User,
  withheld: ReadonlySet<string>,
): Promise<SignInCodeUnderWay> {
  const { userPool, languages } = request
  const at = services.clock.now()
  const code = { userPool, user, purpose: 'sign_in', attribute: attributeOf(request), languages, withheld, at } as const
  const link = linkFor(services, request, user, at)
  const delivery = await issueCode(services, tx, { ...code, link })
  if (delivery !== undefined) await record(services, tx, entryOf(request, { userSub: user.sub }))
  return { kind: 'sent', userSub: user.sub, delivery: lowerCase(delivery ?? deliveryOf(code)) }
}

async function sendToNobody(
  services: DomainServices,
  tx: Repositories,
  request: SignInCodeRequest,
  user: User | undefined,
): Promise<SignInCodeUnderWay> {
  const { userPool, username, languages } = request
  const at = services.clock.now()
  const delivery = nowhere(services, request, at)
  const { attribute, destination } = delivery
  const userSub = nobodysSub(services, userPool, username)
  const link = linkFor(services, request, nobody(userPool, userSub), at)?.(userSub)
  const named = { userPoolId: userPool.id, userSub, username, languages, link }
  const code = { ...named, purpose: 'sign_in', attribute, destination, at } as const
  if (await issueDecoyCode(services, tx, code)) {
    const whose =
      user === undefined
        ? { unknownName: lookupKey(userPool, username), reason: 'userNotFound' }
        : { userSub: user.sub, reason: 'noCodeAddress' }
    await record(services, tx, { ...entryOf(request, whose), response: 'Fail' })
  }
  return { kind: 'sent', delivery: lowerCase(delivery) }
}

/** Stands beside the code of an e-mail, where the page that asks has one. */
function linkFor(
  services: DomainServices,
  { origin, factor }: SignInCodeRequest,
  user: Parameters<typeof makeSignInLink>[2],
  at: Date,
): ((codeHash: string) => string) | undefined {
  if (origin === undefined || factor !== 'EMAIL_OTP') return undefined
  return (codeHash) => makeSignInLink(services, origin, user, codeHash, at)
}

const entryOf = (request: SignInCodeRequest, whose: Partial<AuditEntry>): AuditEntry => ({
  userPoolId: request.userPool.id,
  eventType: 'SignIn',
  clientId: request.appClient.id,
  response: 'InProgress',
  detail: { challenge: request.factor },
  ...whose,
})

const nowhere = (services: DomainServices, request: SignInCodeRequest, at: Date): CodeDelivery =>
  simulatedDelivery(services, request.userPool, [attributeOf(request)], request.username, at)

/** What the answer says of the code's way, whether or not there is one. */
function told(
  services: DomainServices,
  request: SignInCodeRequest,
  user: User | undefined,
): Omit<SignInCodeUnderWay, 'kind'> {
  const at = services.clock.now()
  if (user === undefined || !mayBeginWith(user, request.factor)) {
    return { delivery: lowerCase(nowhere(services, request, at)) }
  }
  const { userPool } = request
  const delivery = deliveryOf({ userPool, user, purpose: 'sign_in', attribute: attributeOf(request), at })
  return { userSub: user.sub, delivery: lowerCase(delivery) }
}
