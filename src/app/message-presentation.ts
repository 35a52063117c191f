import { appHome } from '../domain/app-clients/app-home.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'
import type { PoolPresentation } from '../messaging/message-texts.ts'
import type { MessageCatalogue } from '../platform/views/message-catalogue.ts'
import { endpointBase } from './tenants.ts'

/** How a message looks that was made in the service of an app client: its own words and name, else the pool's, else ours. */
export function presentationOf(
  { userPool, appClients }: UserPoolSnapshot,
  clientId: string | undefined,
  catalogue: Pick<MessageCatalogue, 'locale'>,
  publicUrl: string,
): PoolPresentation {
  const appClient = appClients.get(clientId ?? '')
  const homes = [appClient, ...appClients.values()].flatMap((client) => (client && appHome(client)) ?? [])
  const name = appClient?.branding.name ?? userPool.branding.name ?? catalogue.locale([]).text('common.product')
  return {
    brand: { name },
    overrides: userPool.messages,
    templates: { ...userPool.messageTemplates, ...appClient?.messageTemplates },
    sender: userPool.sender,
    signInUrl: homes[0] ?? `${endpointBase(userPool, publicUrl)}/login`,
  }
}
