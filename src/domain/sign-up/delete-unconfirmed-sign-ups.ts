import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'

/** Sign-ups that nobody confirmed in time (UnconfirmedSignUpValidityDays) go. @returns how many did */
export async function deleteUnconfirmedSignUps(services: DomainServices, limit: number): Promise<number> {
  const deleted = await onRecord(
    services,
    (tx) => tx.housekeeping.deleteUnconfirmed(services.clock.now(), limit),
    (users) => users.map((user) => ({ ...user, eventType: 'UserDelete', detail: { reason: 'neverConfirmed' } })),
  )
  return deleted.length
}
