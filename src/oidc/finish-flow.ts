import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { InteractionResults } from 'oidc-provider'
import { addSeconds, epochSeconds } from '../platform/clock.ts'
import { giveConsent, recordRefusedConsent } from '../domain/consents/give-consent.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import { endBrowserSession } from '../domain/sessions/end-browser-session.ts'
import type { Flow, FlowState } from '../domain/sessions/flow.ts'
import { offersToStaySignedIn } from '../domain/sessions/session-limits.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { sessionOf } from './interaction.ts'
import type { FinishSignedInOutcome, FlowError } from './interaction.ts'
import { interactionUidPurpose } from './interaction-uid.ts'
import { codeSeconds } from './provider-configuration.ts'
import type { ProviderRegistry } from './provider-registry.ts'
import type { StayingSignedIn } from './session-use.ts'

/* A flow ends with what the engine goes on with: who signed in, what was allowed, or a refusal. */

/**
 * Ends a flow with a signed-in user and returns where the browser goes on; undefined when the flow has ended already, or
 * the engine's side of it is gone. Of two tabs that finish at once exactly one does.
 * @param consented scopes that the person has just allowed the client; the engine looks them up when it goes on
 */
export async function finishFlow(
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
  flow: Flow,
  authenticated: NonNullable<FlowState['authenticated']>,
  consented?: readonly string[],
): Promise<string | undefined> {
  const interaction = await endFlow(services, registry, tenant, flow)
  if (interaction === undefined) return undefined
  const { userSub, authTime, amr, bySession } = authenticated
  const { userPool, appClients } = tenant.snapshot
  if (consented !== undefined) {
    const consent = { userPoolId: userPool.id, userSub, clientId: flow.clientId, scopes: consented }
    await giveConsent(services, consent)
  }
  const asked = { create: {}, select_account: {}, consent: {} }
  if (bySession === true) return answer(services, interaction, flow, asked)
  await dropOtherUsersSession(services, tenant, ctx, userSub)
  // This very flow has just authenticated the person, so the session that it began under does not matter any more.
  delete interaction.session
  const appClient = appClients.get(flow.clientId)
  const { staySignedIn } = flow.state
  const staying: StayingSignedIn = {
    ...(staySignedIn === undefined ? {} : { staySignedIn }),
    offersToStaySignedIn: appClient !== undefined && offersToStaySignedIn(userPool, appClient),
  }
  const login = { accountId: userSub, ts: authTime, amr: [...amr], remember: true, ...staying }
  return answer(services, interaction, flow, { login, ...asked })
}

/**
 * Ends a flow with the account that is signed in already: the person chose it. Otherwise the engine's side has expired, or
 * this browser is not signed in to that account any more.
 */
export async function finishFlowSignedIn(
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
  flow: Flow,
): Promise<FinishSignedInOutcome> {
  const session = await sessionOf(services, tenant, ctx)
  if (session === undefined || session.userSub !== flow.state.signedIn?.userSub) {
    return { kind: 'refused', reason: 'signedOut' }
  }
  const interaction = await endFlow(services, registry, tenant, flow)
  if (interaction === undefined) return { kind: 'refused', reason: 'expired' }
  return { kind: 'done', location: await answer(services, interaction, flow, { select_account: {} }) }
}

type Interaction = InstanceType<Provider['Interaction']>

/** Ends a flow with an error, or without one with the person's refusal; the engine tells the client. */
export async function refuseFlow(
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  flow: Flow,
  error?: FlowError,
): Promise<string | undefined> {
  const interaction = await endFlow(services, registry, tenant, flow)
  if (interaction === undefined) return undefined
  delete interaction.session
  if (error === undefined) await recordRefusedConsent(services, flow)
  const result = error ?? { error: 'access_denied', error_description: 'the user did not allow it' }
  return answer(services, interaction, flow, { ...result })
}

/** Of two tabs that finish at once exactly one goes on; where the engine's side is gone the flow is left as it is. */
async function endFlow(
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  flow: Flow,
): Promise<Interaction | undefined> {
  const userPoolId = tenant.snapshot.userPool.id
  const interaction = await interactionOf(services, registry, tenant, flow)
  if (interaction === undefined) return undefined
  return (await services.store.flows.finish(userPoolId, flow.idHash, services.clock.now())) ? interaction : undefined
}

async function answer(
  services: DomainServices,
  interaction: Interaction,
  flow: Flow,
  result: InteractionResults,
): Promise<string> {
  interaction.result = result
  await interaction.save(Math.max(1, interaction.exp - epochSeconds(services.clock.now())))
  return returnTo(interaction, flow)
}

/**
 * Where a finished flow goes on whose answer the browser has not fetched yet: a form sent twice, or a connection lost at
 * the last step. Undefined once it has, or after as long as a code would live.
 */
export async function resumeFlow(
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
  flow: Flow,
): Promise<string | undefined> {
  if (flow.finishedAt === undefined || addSeconds(flow.finishedAt, codeSeconds) <= services.clock.now())
    return undefined
  const interaction = await interactionOf(services, registry, tenant, flow)
  if (interaction?.result === undefined) return undefined
  const userSub = interaction.result.login?.accountId
  if (userSub !== undefined) await dropOtherUsersSession(services, tenant, ctx, userSub)
  return returnTo(interaction, flow)
}

const interactionOf = (
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  flow: Flow,
): Promise<Interaction | undefined> =>
  registry
    .engineFor(tenant)
    .provider.Interaction.find(services.sealedBox.open(flow.sealedInteractionUid, interactionUidPurpose))

/** The client is named for the error page that stands there when the engine's cookie is gone. */
const returnTo = (interaction: Interaction, flow: Flow): string =>
  `${interaction.returnTo}?${new URLSearchParams({ client_id: flow.clientId }).toString()}`

/** Another user's session in the same browser ends here, or the engine would ask to sign out on a page of its own. */
async function dropOtherUsersSession(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
  userSub: string,
): Promise<void> {
  const session = await sessionOf(services, tenant, ctx)
  if (session?.userSub !== undefined && session.userSub !== userSub) {
    const { idHash } = session
    await endBrowserSession(services, { userPoolId: tenant.snapshot.userPool.id, idHash, reason: 'anotherUser' })
  }
}
