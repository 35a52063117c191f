import type { JWTPayload } from 'jose'
import type { Context } from 'koa'
import type { AppClient } from '../../domain/app-clients/app-client.ts'
import { verifyToken } from '../../domain/tokens/verify-token.ts'
import type { Tenant } from '../../domain/user-pools/tenant.ts'
import { signOutUser } from '../../domain/users/administer-user.ts'
import { askedBy } from '../../platform/http/caller.ts'
import { cookieName } from '../../security/cookies.ts'
import { sha256 } from '../../security/digest.ts'
import type { HostedServices } from '../hosted-services.ts'

/** What a request to sign out names. */
interface LogoutRequest {
  appClient: AppClient | undefined
  /** Payload of the ID token that was sent. */
  hint: JWTPayload | undefined
  everywhere: boolean
}

/** The client is named by `client_id`, or by the audience of an ID token of ours, however old. Both must agree. */
export async function readLogoutRequest(
  services: HostedServices,
  tenant: Tenant,
  parameters: ReadonlyMap<string, string>,
): Promise<LogoutRequest | undefined> {
  const { clock } = services.domain
  const sent = parameters.get('id_token_hint')
  const hint =
    sent === undefined ? undefined : await verifyToken(clock, tenant.snapshot, sent, 'id', { ignoreExpiry: true })
  if (sent !== undefined && typeof hint?.aud !== 'string') return undefined
  const everywhere = parameters.get('global_sign_out') ?? 'false'
  if (!['true', 'false'].includes(everywhere)) return undefined
  const hinted = hint?.aud as string | undefined
  const named = parameters.get('client_id') ?? hinted
  if (named === undefined) return { appClient: undefined, hint, everywhere: everywhere === 'true' }
  const appClient = tenant.snapshot.appClients.get(named)
  if (appClient === undefined || named !== (hinted ?? named)) return undefined
  return { appClient, hint, everywhere: everywhere === 'true' }
}

/** Only for whoever is signed in here: ID tokens lie about in addresses and logs, and are no authority by themselves. */
export async function signOutEverywhere(
  services: HostedServices,
  tenant: Tenant,
  ctx: Context,
  hint: JWTPayload | undefined,
): Promise<boolean> {
  const { store, clock } = services.domain
  const userPoolId = tenant.snapshot.userPool.id
  const handle = ctx.cookies.get(cookieName('session', userPoolId, tenant.secure), { signed: false })
  const session =
    handle === undefined ? undefined : await store.browserSessions.find(userPoolId, sha256(handle), clock.now())
  if (session?.userSub === undefined || session.userSub !== hint?.sub) return false
  const user = await store.users.findBySub(userPoolId, session.userSub)
  if (user === undefined) return false
  await signOutUser(askedBy(services.domain, ctx.req), user)
  return true
}
