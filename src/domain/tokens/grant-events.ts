import { record } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Grant } from './grant.ts'

/* What the audit trail says of tokens: that a family of them began, that one was refused or shown again, that one ended. */

/** A family of tokens begins. */
export const issuedEntry = (grant: Grant, detail: { flow: 'code' | 'implicit' }): AuditEntry => ({
  userPoolId: grant.userPoolId,
  eventType: 'TokenIssue',
  userSub: grant.userSub,
  clientId: grant.clientId,
  detail: { ...detail, grant: grant.id },
})

/**
 * A code or refresh token that we know and do not take. Whoever holds one may show it as often as they like, so the same is
 * told once a minute; one that we never gave, or have forgotten, is not told at all: there is nobody to tell it of.
 */
export async function recordRefusal(
  services: DomainServices,
  eventType: 'TokenIssue' | 'TokenRefresh',
  about: { userPoolId: string; userSub: string; clientId: string; hash: string },
  reason: string,
): Promise<void> {
  const { hash, ...entry } = about
  if (services.repeats.isRepeat(`${eventType} ${hash} ${reason}`)) return
  await record(services, services.store, { ...entry, eventType, response: 'Fail', reason })
}

/**
 * Ends a family whose code or refresh token was shown twice: one of the two who had it has stolen it (RFC 6749 §4.1.2, RFC
 * 9700 §4.14). Told once, since a family ends once.
 */
export async function endReusedFamily(
  services: DomainServices,
  grant: Pick<Grant, 'userPoolId' | 'userSub' | 'clientId' | 'id'>,
  what: 'code' | 'refreshToken',
): Promise<void> {
  const { userPoolId, userSub, clientId, id } = grant
  await services.store.transaction(async (tx) => {
    if (!(await tx.grants.revoke(userPoolId, id, services.clock.now()))) return
    const event = { eventType: 'TokenReuse', response: 'Fail', reason: `${what}UsedBefore` } as const
    await record(services, tx, { userPoolId, userSub, clientId, ...event, detail: { grant: id } })
  })
}
