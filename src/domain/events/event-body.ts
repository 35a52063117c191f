import type { LinkedAuditEvent } from '../audit/audit-event.ts'
import type { User } from '../users/user.ts'

/**
 * What a receiver is told: `type` and `timestamp` as Standard Webhooks has them, and in Cognito's words what happened.
 * @param user as they are when it is sent; absent: there is none, or none any more
 */
export const eventBody = (event: LinkedAuditEvent, user: User | undefined): object => ({
  type: event.eventType,
  timestamp: event.at.toISOString(),
  data: {
    EventId: event.id,
    UserPoolId: event.userPoolId,
    Sequence: event.sequence,
    EventResponse: event.response,
    ...optional({
      Reason: event.reason,
      Sub: event.subject?.startsWith('name:') === true ? undefined : event.subject,
      ClientId: event.clientId,
      Actor: event.actor,
      IpAddress: event.address,
      UserAgent: event.userAgent,
      RequestId: event.requestId,
      Detail: detailOf(event),
      User: user === undefined ? undefined : userMembers(user),
    }),
  },
})

/** Somebody may have written anything into the column: that is for `latchkey audit verify` to say. */
export function detailOf({ detail }: Pick<LinkedAuditEvent, 'detail'>): unknown {
  try {
    return detail === undefined ? undefined : (JSON.parse(detail) as unknown)
  } catch {
    return detail
  }
}

const userMembers = (user: User): object => ({
  Username: user.username,
  UserStatus: user.status,
  Enabled: user.enabled,
  UserAttributes: [{ Name: 'sub', Value: user.sub }].concat(
    Object.entries(user.attributes).map(([Name, Value]) => ({ Name, Value })),
  ),
  UserCreateDate: user.createdAt.toISOString(),
  UserLastModifiedDate: user.updatedAt.toISOString(),
})

const optional = (members: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
