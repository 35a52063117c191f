import { onRecord, record } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Flow } from '../sessions/flow.ts'
import type { Consent } from './consent.ts'

/** A user allows a third-party app client what it asked for. */
export async function giveConsent(
  services: DomainServices,
  consent: Pick<Consent, 'userPoolId' | 'userSub' | 'clientId' | 'scopes'>,
): Promise<void> {
  const { scopes, ...entry } = consent
  await onRecord(
    services,
    (tx) => tx.consents.add(consent, services.clock.now()),
    () => ({ ...entry, eventType: 'Consent', detail: { scopes: scopes.toSorted() } }),
  )
}

/** A user does not allow it. */
export async function recordRefusedConsent(
  services: DomainServices,
  { userPoolId, clientId, state }: Pick<Flow, 'userPoolId' | 'clientId' | 'state'>,
): Promise<void> {
  const userSub = state.authenticated?.userSub
  const event = { eventType: 'Consent', response: 'Fail', reason: 'denied' } as const
  await record(services, services.store, { userPoolId, clientId, userSub, ...event })
}

/** Taken back by an operator: the client's tokens of the user end as well. False: there was none. */
export function withdrawConsent(
  services: DomainServices,
  consent: Pick<Consent, 'userPoolId' | 'userSub' | 'clientId'>,
): Promise<boolean> {
  const { userPoolId, userSub, clientId } = consent
  const entry: AuditEntry = { ...consent, eventType: 'ConsentWithdraw' }
  return onRecord(
    services,
    (tx) => tx.consents.withdraw(userPoolId, userSub, clientId, services.clock.now()),
    (withdrawn) => (withdrawn ? entry : undefined),
  )
}
