import { networkOf } from '../../security/client-address.ts'
import { record } from '../audit/record.ts'
import type { AuditEntry, Recording } from '../audit/record.ts'
import type { RateBucket } from '../ports/rate-limiter.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { LimitExceeded, RateLimitName } from './rate-limits.ts'
import { recipientKey, typedRecipientKey } from './recipient-key.ts'

/*
 * Everything here is counted before the work that it bounds, and never inside a transaction. Operators and the server
 * itself are not limited: nothing that they do comes through these functions.
 */

type Services = Recording & Pick<DomainServices, 'store' | 'rateLimiter' | 'repeats'>

/** What the audit trail calls it when there were too many. */
type EventType = AuditEntry['eventType']

/** One in which this very user has signed in before (`known-browsers.ts`). */
export interface OwnBrowser {
  userSub: string
  browserHash: string
}

/** Passwords, sign-ups and codes from one network. */
export const limitRequests = (
  services: Services,
  userPool: UserPool,
  limit: 'SignInsPerNetwork' | 'SignUpsPerNetwork' | 'CodesPerNetwork',
  eventType: EventType,
): Promise<LimitExceeded | undefined> =>
  consumeAll(services, userPool, eventType, [bucketOf(services, userPool, limit, networkOfCaller(services))])

/**
 * A message that somebody asks for: counted for their network, for the address or name that they typed, whether or not
 * anybody has it (threat row B13), and for app client and user pool. What is full first is not counted further: somebody
 * who may send no more uses up nobody else's.
 * @param request.recipients as typed
 * @param request.ownBrowser counts for itself: strangers do not use up what the owner may ask for there (threat row B15)
 */
export const limitMessages = (
  services: Services,
  userPool: UserPool,
  request: {
    recipients: readonly string[]
    clientId: string
    eventType: EventType
    ownBrowser?: OwnBrowser | undefined
  },
): Promise<LimitExceeded | undefined> =>
  consumeAll(services, userPool, request.eventType, [
    bucketOf(services, userPool, 'MessagesPerNetwork', networkOfCaller(services)),
    ...recipientBuckets(services, userPool, request),
    bucketOf(services, userPool, 'MessagesPerClient', request.clientId),
    bucketOf(services, userPool, 'MessagesPerUserPool'),
  ])

function recipientBuckets(
  services: Services,
  userPool: UserPool,
  { recipients, ownBrowser }: { recipients: readonly string[]; ownBrowser?: OwnBrowser | undefined },
): readonly RateBucket[] {
  if (ownBrowser !== undefined) {
    const { userSub, browserHash } = ownBrowser
    return [bucketOf(services, userPool, 'MessagesPerRecipient', 'browser', userSub, browserHash)]
  }
  const keys = unique(recipients.map((typed) => typedRecipientKey(userPool, typed)))
  return keys.map((key) => bucketOf(services, userPool, 'MessagesPerRecipient', 'asked', key))
}

/**
 * Counts messages for the addresses that they really go to, which may have been asked for by several names. Where there
 * were too many the message is withheld and nobody told: that would tell whose address it is (threat row B13).
 * @param request.addresses none: nobody is written to, after the same work for the name that was typed
 * @returns those that get none
 */
export async function withheldAddresses(
  services: Services,
  userPool: UserPool,
  request: {
    addresses: readonly string[]
    typed: string
    eventType: EventType
    userSub?: string | undefined
    ownBrowser?: OwnBrowser | undefined
  },
): Promise<ReadonlySet<string>> {
  const { addresses, typed, eventType, userSub, ownBrowser } = request
  const withheld = new Set<string>()
  if (addresses.length === 0) {
    const nobodys = bucketOf(services, userPool, 'MessagesPerRecipient', 'nobody', typedRecipientKey(userPool, typed))
    await services.rateLimiter.consume(nobodys)
  }
  // Two at most: the address in force, and the one that waits to take its place.
  for (const address of unique(addresses)) {
    const bucket = bucketOf(services, userPool, 'MessagesPerRecipient', 'sent', recipientKey(address))
    const full = (await services.rateLimiter.consume(bucket)) !== undefined
    if (!full || ownBrowser !== undefined) continue
    withheld.add(address)
    const entry = { userPoolId: userPool.id, eventType, userSub, detail: { withheld: true } }
    await recordOnce(services, bucket, entry)
  }
  return withheld
}

/**
 * A notice that whoever signs in brings about: who has a password must not fill its owner's mailbox with it. Counted apart from
 * messages that are asked for, which must not use up what tells the owner of a stranger (threat row E11).
 * @returns whether it is withheld; the sign-in itself stands in the audit trail
 */
export async function withholdsNotice(
  services: Pick<Services, 'rateLimiter' | 'sealedBox'>,
  userPool: UserPool,
  userSub: string,
): Promise<boolean> {
  const bucket = bucketOf(services, userPool, 'MessagesPerRecipient', 'notice', userSub)
  return (await services.rateLimiter.consume(bucket)) !== undefined
}

/** A request to the token endpoint that was refused. Counted afterwards, so that those that are granted cost nothing. */
export async function countTokenFailure(services: Services, userPool: UserPool, clientId: string): Promise<void> {
  await consumeAll(services, userPool, 'TokenIssue', [tokenFailures(services, userPool, clientId)])
}

/**
 * Seconds for which this network gets nothing more for the app client; undefined: it is asked. What another server has
 * counted is known here since the last failure here.
 */
export const secondsOfTokenFailures = (services: Services, userPool: UserPool, clientId: string): number | undefined =>
  services.rateLimiter.secondsLeft(tokenFailures(services, userPool, clientId))

const tokenFailures = (services: Services, userPool: UserPool, clientId: string): RateBucket =>
  bucketOf(services, userPool, 'TokenFailuresPerNetwork', clientId, networkOfCaller(services))

/** One after the other: the later ones are not counted once an earlier one is full. There are five at most. */
async function consumeAll(
  services: Services,
  userPool: UserPool,
  eventType: EventType,
  buckets: readonly RateBucket[],
): Promise<LimitExceeded | undefined> {
  for (const bucket of buckets) {
    const retryAfterSeconds = await services.rateLimiter.consume(bucket)
    if (retryAfterSeconds === undefined) continue
    await recordOnce(services, bucket, { userPoolId: userPool.id, eventType })
    return { kind: 'refused', reason: 'limitExceeded', limit: bucket.limit, retryAfterSeconds }
  }
  return undefined
}

/** Whoever is limited can go on asking at no cost: told once a minute. */
async function recordOnce(services: Services, { limit, bucket }: RateBucket, entry: AuditEntry): Promise<void> {
  if (services.repeats.isRepeat(JSON.stringify([entry.eventType, limit, bucket]))) return
  const detail = { ...entry.detail, limit }
  await record(services, services.store, { ...entry, response: 'Fail', reason: 'limitExceeded', detail })
}

function bucketOf(
  { sealedBox }: Pick<Services, 'sealedBox'>,
  userPool: UserPool,
  limit: RateLimitName,
  ...whose: readonly string[]
): RateBucket {
  const bucket = sealedBox.digest(JSON.stringify([userPool.id, limit, ...whose]), 'rate limit bucket')
  return { limit, bucket, windows: userPool.rateLimits[limit] }
}

const networkOfCaller = ({ caller: { address } }: Pick<Services, 'caller'>): string =>
  address === undefined ? '' : networkOf(address)

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)]
