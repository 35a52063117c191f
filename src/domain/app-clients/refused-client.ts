import { networkOf } from '../../security/client-address.ts'
import { record } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'

/**
 * Puts on record that somebody could not show that they are this app client. Client ids are public, so anybody can bring
 * this about: it is told once a minute for each client and network.
 */
export async function recordRefusedClient(
  services: DomainServices,
  { userPoolId, id: clientId }: { userPoolId: string; id: string },
): Promise<void> {
  const { address } = services.caller
  const network = address === undefined ? '' : networkOf(address)
  if (services.repeats.isRepeat(`ClientAuthentication ${userPoolId} ${clientId} ${network}`)) return
  const event = { eventType: 'ClientAuthentication', response: 'Fail', reason: 'invalidClient' } as const
  await record(services, services.store, { userPoolId, clientId, ...event })
}
