import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { eventDigest, unknownSubject } from './audit-event.ts'
import type { AuditActor, AuditEvent, AuditEventType, AuditResponse, SealedAuditEvent } from './audit-event.ts'

/* How the audit trail is written. Who asks, and from where, is the caller's part: a domain function says the rest. */

/** What happened, to whom, and how it ended; without `response` well. */
export interface AuditEntry {
  userPoolId: string
  eventType: AuditEventType
  response?: AuditResponse
  reason?: string
  userSub?: string | undefined
  /** Canonical, of nobody: only a keyed digest of it is kept. */
  unknownName?: string
  /** Absent: the one that the caller came through. */
  clientId?: string
  detail?: Readonly<Record<string, unknown>>
}

export type Recording = Pick<DomainServices, 'sealedBox' | 'random' | 'clock' | 'caller'>

/** As part of `tx`, or by itself for a refusal that changes nothing. */
export async function record(
  services: Recording,
  tx: Pick<Repositories, 'auditTrail'>,
  ...entries: readonly AuditEntry[]
): Promise<void> {
  if (entries.length > 0) await tx.auditTrail.add(entries.map((entry) => sealEntry(services, entry)))
}

/**
 * Runs `work` in one transaction together with what the trail says of its outcome: neither is there without the other
 * (threat row F11). A refusal commits, as in any transaction of the store.
 * @param entryOf undefined: nothing that would be worth a row
 */
export function onRecord<Outcome>(
  services: Recording & Pick<DomainServices, 'store'>,
  work: (tx: Repositories) => Promise<Outcome>,
  entryOf: (outcome: Outcome) => AuditEntry | readonly AuditEntry[] | undefined,
): Promise<Outcome> {
  return services.store.transaction(async (tx) => {
    const outcome = await work(tx)
    await record(services, tx, ...[entryOf(outcome) ?? []].flat())
    return outcome
  })
}

/** How an outcome ends, and why. */
export const responseOf = (outcome: { kind: string; reason?: string }): Pick<AuditEntry, 'response' | 'reason'> =>
  outcome.kind === 'refused' && outcome.reason !== undefined
    ? { response: 'Fail', reason: outcome.reason }
    : { response: 'Pass' }

/** For a statement that writes the event itself. */
export function sealEntry(services: Recording, entry: AuditEntry): SealedAuditEvent {
  const { sealedBox, random, clock, caller } = services
  const { userPoolId, eventType, response = 'Pass', reason, userSub, unknownName, detail } = entry
  const subject =
    userSub ?? (unknownName === undefined ? undefined : unknownSubject(sealedBox, userPoolId, unknownName))
  const event: AuditEvent = {
    id: random.uuid(),
    userPoolId,
    at: clock.now(),
    eventType,
    response,
    actor: actorOf(caller),
    ...texts({
      reason,
      subject,
      clientId: entry.clientId ?? caller.clientId,
      operator: caller.operator,
      address: caller.address,
      userAgent: caller.userAgent,
      requestId: caller.requestId,
      detail: detail === undefined ? undefined : JSON.stringify(detail),
    }),
  }
  return { ...event, digest: eventDigest(sealedBox, event) }
}

function actorOf({ operator, requestId }: Recording['caller']): AuditActor {
  if (operator !== undefined) return 'operator'
  return requestId === undefined ? 'server' : 'user'
}

/** The members that are there, as PostgreSQL gives them back: a text that came back otherwise would look changed. */
const texts = <Member extends string>(members: Record<Member, string | undefined>): Partial<Record<Member, string>> =>
  Object.fromEntries(
    Object.entries<string | undefined>(members).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, text.toWellFormed().replaceAll('\0', '\uFFFD')]],
    ),
  ) as Partial<Record<Member, string>>
