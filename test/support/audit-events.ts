import { linkWaitingEvents } from '../../src/domain/audit/link-events.ts'
import type { LinkedAuditEvent } from '../../src/domain/audit/audit-event.ts'
import type { DomainServices } from '../../src/domain/ports/services.ts'

/** The whole trail of a user pool, in the order in which it was written. */
export async function auditTrailOf(
  services: Pick<DomainServices, 'store' | 'sealedBox' | 'clock'>,
  userPoolId: string,
): Promise<readonly LinkedAuditEvent[]> {
  await linkWaitingEvents(services, { wait: true })
  return services.store.auditTrail.events(userPoolId, 1, 1_000_000)
}

/** What of it most tests are about: `SignIn Fail incorrectCredentials`. */
export const inShort = ({ eventType, response, reason }: LinkedAuditEvent): string =>
  [eventType, response, reason].filter((part) => part !== undefined).join(' ')
