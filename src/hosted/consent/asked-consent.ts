import { customScopes } from '../../domain/app-clients/scopes.ts'
import { allowedScopes } from '../../domain/consents/check-consent.ts'
import type { FlowState } from '../../domain/sessions/flow.ts'
import { mayReceiveTokens } from '../../domain/tokens/redeem-code.ts'
import type { User } from '../../domain/users/user.ts'
import { signedInUser } from '../../oidc/interaction.ts'
import type { HostedServices } from '../hosted-services.ts'
import type { Step } from '../step.ts'

/** What a consent page asks: of whom, and for which scopes. */
export interface AskedConsent {
  user: User
  /** As requested. */
  scopes: readonly string[]
  /** Those of them that the user has allowed before. */
  allowed: readonly string[]
  /** Resource servers' own words for their scopes. */
  descriptions: ReadonlyMap<string, { text: string; resourceServer: string }>
  redirectUri: string
  /**
   * Stands for all of the above in the form: an answer counts for what was shown, and another account that has signed in
   * to the same flow meanwhile, or another wording, is shown first.
   */
  shown: string
}

/** Undefined when whoever the flow knew is not signed in any more. */
export async function askedConsent(services: HostedServices, step: Step): Promise<AskedConsent | undefined> {
  const { domain } = services
  const { request, authenticated } = step.flow.state
  const user = authenticated && (await stillSignedIn(services, step, authenticated))
  if (user === undefined) return undefined
  const scopes = (request['scope'] ?? '').split(' ')
  const before = await allowedScopes(domain, step.appClient, user.sub)
  const descriptions = describe(step)
  const redirectUri = request['redirect_uri'] ?? ''
  const words = scopes.map((scope) => [scope, descriptions.get(scope)?.text])
  const content = [step.flowId, user.sub, step.appClient.id, step.appClient.name, redirectUri, words]
  return {
    user,
    scopes,
    allowed: scopes.filter((scope) => before.includes(scope)),
    descriptions,
    redirectUri,
    shown: domain.sealedBox.digest(JSON.stringify(content), 'consent shown'),
  }
}

/** A session may have ended since the flow began under it: nobody answers for somebody who has left. */
async function stillSignedIn(
  { domain }: HostedServices,
  { ctx, tenant }: Step,
  { userSub, authTime, bySession }: NonNullable<FlowState['authenticated']>,
): Promise<User | undefined> {
  if (bySession === true && (await signedInUser(domain, tenant, ctx)) !== userSub) return undefined
  const { userPool } = tenant.snapshot
  const user = await domain.store.users.findBySub(userPool.id, userSub)
  return user !== undefined && mayReceiveTokens(userPool, user, new Date(authTime * 1000)) ? user : undefined
}

const describe = ({ tenant }: Step): AskedConsent['descriptions'] =>
  new Map(
    tenant.snapshot.resourceServers.flatMap((server) => {
      const names = customScopes([server])
      return server.scopes.map(({ description }, index) => {
        const scope = names[index] ?? ''
        return [scope, { text: description.trim() === '' ? scope : description, resourceServer: server.name }]
      })
    }),
  )
