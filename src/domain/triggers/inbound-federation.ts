import { z } from 'zod'
import type { AppClient } from '../app-clients/app-client.ts'
import type { IdentityProvider } from '../identity-providers/identity-provider.ts'
import type { ProviderAnswer } from '../ports/identity-provider-connector.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { callerContext } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import type { TriggerServices } from './fire-trigger.ts'

/* What a provider says of somebody, before anything of it is stored (reference: triggers §13). */

const response = z.object({ userAttributesToMap: z.record(z.string(), z.unknown()).nullish() })

/**
 * The claims to map. An answer takes their place as a whole; an empty one leaves them as they came.
 * @throws TriggerFailure where nobody is to come in
 */
export async function inboundFederation(
  services: TriggerServices,
  { userPool, appClient, languages = [] }: { userPool: UserPool; appClient: AppClient; languages?: readonly string[] },
  provider: IdentityProvider,
  { idToken, userInfo, tokenResponse, subject }: ProviderAnswer,
): Promise<Readonly<Record<string, unknown>>> {
  const received = { ...idToken, ...userInfo }
  const answer = await fireTrigger(
    services,
    userPool,
    'InboundFederation',
    {
      version: '1',
      triggerSource: 'InboundFederation_ExternalProvider',
      region: regionOf(userPool),
      userPoolId: userPool.id,
      userName: `${provider.name}_${subject}`,
      callerContext: callerContext(services.caller, appClient, languages),
      request: {
        providerName: provider.name,
        providerType: provider.type,
        attributes: { tokenResponse, idToken, userInfo },
      },
      response: { userAttributesToMap: {} },
    },
    response,
  )
  const mapped = answer?.userAttributesToMap ?? {}
  return Object.keys(mapped).length === 0 ? received : mapped
}
