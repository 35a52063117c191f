import type { LinkedAuditEvent } from '../../domain/audit/audit-event.ts'
import type { TrailProblem, VerifiedPart } from '../../domain/audit/verify-trail.ts'

/** An event as commands answer it: Cognito's AuthEventType where it has a member for it. */
export interface AuditEventView {
  EventId: string
  /** Its place in the trail of its user pool, without gaps. */
  Sequence: number
  UserPoolId: string
  /** ISO 8601. */
  CreationDate: string
  EventType: string
  EventResponse: string
  Reason?: string
  /** The `sub`; or `name:` and a digest, of a name that nobody had. */
  Subject?: string
  /** What the user is called now; not part of the trail. */
  Username?: string
  ClientId?: string
  Actor: string
  Operator?: string
  IpAddress?: string
  UserAgent?: string
  RequestId?: string
  Detail?: unknown
}

export function auditEventView(event: LinkedAuditEvent, usernames: ReadonlyMap<string, string>): AuditEventView {
  const username = usernames.get(event.subject ?? '')
  return {
    EventId: event.id,
    Sequence: event.sequence,
    UserPoolId: event.userPoolId,
    CreationDate: event.at.toISOString(),
    EventType: event.eventType,
    EventResponse: event.response,
    ...(event.reason === undefined ? {} : { Reason: event.reason }),
    ...(event.subject === undefined ? {} : { Subject: event.subject }),
    ...(username === undefined ? {} : { Username: username }),
    ...(event.clientId === undefined ? {} : { ClientId: event.clientId }),
    Actor: event.actor,
    ...(event.operator === undefined ? {} : { Operator: event.operator }),
    ...(event.address === undefined ? {} : { IpAddress: event.address }),
    ...(event.userAgent === undefined ? {} : { UserAgent: event.userAgent }),
    ...(event.requestId === undefined ? {} : { RequestId: event.requestId }),
    ...(event.detail === undefined ? {} : { Detail: parsed(event.detail) }),
  }
}

/** Somebody may have written anything into the column: that is for `verify` to say. */
function parsed(detail: string): unknown {
  try {
    return JSON.parse(detail)
  } catch {
    return detail
  }
}

/** What verifying a part of a trail came to. */
export interface TrailReport {
  UserPoolId: string
  /** Verified in this part. */
  Events: number
  /** Events up to and with this number are gone, by retention. */
  BeginsBehind: number
  /** To be written down: it stands for everything so far. */
  Head?: string
  /** What became of the head that was given: it matched, or retention has taken what it stood for. */
  GivenHead?: NonNullable<VerifiedPart['head']>
  Problem?: TrailProblem
  /** The problem in words. */
  Explanation?: string
  /** Where the next part begins; absent: this was the last one. */
  From?: VerifiedPart['position']
}

export function explainProblem(problem: TrailProblem): string {
  switch (problem.kind) {
    case 'startChanged':
      return 'Where the trail begins was not set by this server: its first part may have been cut off.'
    case 'batchMissing':
      return `Batch ${problem.number} is missing.`
    case 'batchChanged':
      return `Batch ${problem.number} is not what it was: its row or the order of its events, from number ${problem.sequence} on, was changed.`
    case 'eventMissing':
      return `Event number ${problem.sequence} is missing (batch ${problem.number}).`
    case 'eventChanged':
      return `Event number ${problem.sequence} (${problem.id}) was changed.`
    case 'eventRepeated':
      return `Event number ${problem.sequence} (${problem.id}) is a copy of an earlier one.`
    case 'eventAdded':
      return `Event number ${problem.sequence} (${problem.id}) was put in: it belongs to no batch.`
    case 'headMissing':
      return `The given head is of batch ${problem.number}, which is not there: the end of the trail was cut off.`
    case 'headChanged':
      return `The given head is not that of batch ${problem.number}: what is before it was rewritten.`
  }
}
