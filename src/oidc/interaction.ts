import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import { addSeconds, epochSeconds } from '../platform/clock.ts'
import { cookieName, setCookie } from '../security/cookies.ts'
import { sha256 } from '../security/digest.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { BrowserSession } from '../domain/sessions/browser-session.ts'
import { expiredFlowSeconds } from '../domain/sessions/flow.ts'
import type { Flow, FlowState } from '../domain/sessions/flow.ts'
import { offersToStaySignedIn } from '../domain/sessions/session-limits.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { nameToSignInWith } from '../domain/users/sign-in-name.ts'
import { maxAgeParameter } from './authorization-request.ts'
import type { ProviderRegistry } from './provider-registry.ts'
import { endpointPaths } from './paths.ts'
import { codeSeconds, interactionSeconds } from './provider-configuration.ts'
import { tenantOf } from './engine-internals.ts'
import { askedResponse } from './response-modes.ts'
import type { EngineSession, StayingSignedIn } from './session-use.ts'

/* Where the pages and the engine meet: a flow begins when the engine needs a person, and ends with its answer. */

const sealPurpose = 'interaction uid'

/** Parameters kept with a flow so that it can be begun anew: those of a request, none of ours. */
const keptParameters = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'scope',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'max_age',
  'login_hint',
  'lang',
  'ui_locales',
  'response_mode',
  'resource',
  'identity_provider',
  'acr_values',
  'idp_identifier',
  'display',
  'screen_hint',
]

/** Called by the engine: stores the flow, binds it to the browser, and names its first page. */
export async function startFlow(
  services: DomainServices,
  ctx: KoaContextWithOIDC,
  interaction: { uid: string; params: Record<string, unknown>; prompt: { name: string } },
): Promise<string> {
  const tenant = tenantOf(ctx.req)
  const id = services.random.handle()
  const asked: Record<string, unknown> = {
    ...interaction.params,
    ...askedResponse(interaction.params['response_mode']),
  }
  const request = Object.fromEntries(
    keptParameters.flatMap((name) => {
      const value = asked[name]
      return typeof value === 'string' && value !== '' ? [[name, value]] : []
    }),
  )
  const maxAge = interaction.params[maxAgeParameter]
  if (typeof maxAge === 'string') request['max_age'] = maxAge
  const signedIn = await whoIsSignedIn(services, tenant, ctx)
  const chosen = firstPage(interaction, signedIn)
  const username = request['login_hint'] ?? (chosen === 'login' ? signedIn?.name : undefined)
  const before = interaction.prompt.name === 'consent' ? signedInBefore(ctx) : undefined
  await services.store.flows.add({
    idHash: sha256(id),
    userPoolId: tenant.snapshot.userPool.id,
    clientId: request['client_id'] ?? '',
    sealedInteractionUid: services.sealedBox.seal(interaction.uid, sealPurpose),
    browserHash: sha256(keepBrowserHandle(tenant, ctx, knownBrowserHandle(tenant, ctx) ?? services.random.handle())),
    state: {
      request,
      chosen,
      ...(username === undefined ? {} : { username }),
      ...(signedIn === undefined ? {} : { signedIn }),
      ...before,
    },
    expiresAt: addSeconds(services.clock.now(), interactionSeconds),
  })
  const path = before === undefined ? firstPagePaths[chosen] : '/consent'
  return `${tenant.basePath}${path}?${new URLSearchParams({ client_id: request['client_id'] ?? '', flow: id }).toString()}`
}

/** `prompt=create` asks for sign-up (OIDC Prompt Create); `screen_hint` is how our own deep links name a page. */
function firstPage(
  interaction: { params: Record<string, unknown>; prompt: { name: string } },
  signedIn: FlowState['signedIn'],
): FlowState['chosen'] {
  if (interaction.params['screen_hint'] === 'forgotPassword') return 'forgotPassword'
  if (interaction.prompt.name === 'select_account' && signedIn !== undefined) return 'selectAccount'
  return interaction.prompt.name === 'create' ? 'signUp' : 'login'
}

/** Asked again, nobody has to type a name that is known: the session's. */
async function whoIsSignedIn(
  services: DomainServices,
  { snapshot }: Tenant,
  ctx: KoaContextWithOIDC,
): Promise<FlowState['signedIn']> {
  const session = ctx.oidc.session as EngineSession | undefined
  if (session?.accountId === undefined) return undefined
  const user = await services.store.users.findBySub(snapshot.userPool.id, session.accountId)
  if (user === undefined) return undefined
  return { userSub: user.sub, name: nameToSignInWith(snapshot.userPool, user), remembered: session.remembered === true }
}

const firstPagePaths: Record<FlowState['chosen'], string> = {
  login: '/login',
  signUp: '/signup',
  forgotPassword: '/forgotPassword',
  selectAccount: '/selectAccount',
}

/** The person is known by the session, and only the consent is missing. */
function signedInBefore({ oidc }: KoaContextWithOIDC): Pick<FlowState, 'authenticated' | 'consent'> | undefined {
  const { accountId, loginTs, amr } = oidc.session ?? {}
  if (accountId === undefined || loginTs === undefined) return undefined
  return { authenticated: { userSub: accountId, authTime: loginTs, amr: amr ?? [], bySession: true }, consent: 'due' }
}

/** The browser's own random handle; made and set when it has none. Every flow and every form is bound to it. */
export function browserHandle(
  services: Pick<DomainServices, 'random'>,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies' | 'append'>,
): string {
  return knownBrowserHandle(tenant, ctx) ?? keepBrowserHandle(tenant, ctx, services.random.handle())
}

function knownBrowserHandle(tenant: Tenant, ctx: Pick<Context, 'cookies'>): string | undefined {
  const known = ctx.cookies.get(cookieName('browser', tenant.snapshot.userPool.id, tenant.secure), { signed: false })
  return known !== undefined && /^[\w-]{43}$/.test(known) ? known : undefined
}

/** For as long as a flow that begins now may take. */
function keepBrowserHandle(tenant: Tenant, ctx: Pick<Context, 'append'>, handle: string): string {
  const name = cookieName('browser', tenant.snapshot.userPool.id, tenant.secure)
  // As long as an expired flow is kept: only its own browser is offered to begin it anew.
  const maxAgeSeconds = interactionSeconds + expiredFlowSeconds
  setCookie(ctx, name, handle, { secure: tenant.secure, maxAgeSeconds })
  return handle
}

/** What a flow's id in an address or a form leads to. Only its own browser is told what is in it (threat rows B4, B17). */
export type FoundFlow =
  | { kind: 'open'; flow: Flow }
  | { kind: 'expired'; flow: Flow }
  | { kind: 'finished'; flow: Flow }
  | { kind: 'unknown' }
  /** Another browser's, or this one's from before it lost its cookie. */
  | { kind: 'otherBrowser' }
  /** The browser has sent no cookie at all. */
  | { kind: 'noCookie' }

export async function findFlow(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
  flowId: string,
): Promise<FoundFlow> {
  const now = services.clock.now()
  const flow = await services.store.flows.find(tenant.snapshot.userPool.id, sha256(flowId), now)
  if (flow === undefined) return { kind: 'unknown' }
  const expired = flow.expiresAt <= now
  const handle = ctx.cookies.get(cookieName('browser', tenant.snapshot.userPool.id, tenant.secure), { signed: false })
  // For a flow that is over it does not matter whose it was, and a cookie may have gone with time.
  if (handle === undefined || sha256(handle) !== flow.browserHash) {
    if (expired) return { kind: 'unknown' }
    return { kind: handle === undefined ? 'noCookie' : 'otherBrowser' }
  }
  if (flow.finishedAt !== undefined) return { kind: 'finished', flow }
  return { kind: expired ? 'expired' : 'open', flow }
}

/** Where a flow's request may be made anew: it is checked again there, and keeps every condition that it had. */
export const requestUrl = (tenant: Tenant, { state }: Flow): string =>
  `${tenant.basePath}${endpointPaths.authorize}?${new URLSearchParams(state.request).toString()}`

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
    await services.store.consents.add(consent, services.clock.now())
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

export type FinishSignedInOutcome =
  { kind: 'done'; location: string } | { kind: 'refused'; reason: 'expired' | 'signedOut' }

type Interaction = InstanceType<Provider['Interaction']>

/** Ends a flow with the person's refusal, which the engine tells the client (RFC 6749 §4.1.2.1). */
export async function refuseFlow(
  services: DomainServices,
  registry: ProviderRegistry,
  tenant: Tenant,
  flow: Flow,
): Promise<string | undefined> {
  const interaction = await endFlow(services, registry, tenant, flow)
  if (interaction === undefined) return undefined
  delete interaction.session
  const result = { error: 'access_denied', error_description: 'the user did not allow it' }
  return answer(services, interaction, flow, result)
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

/** The user of the browser's session, while it lives. */
export async function signedInUser(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
): Promise<string | undefined> {
  return (await sessionOf(services, tenant, ctx))?.userSub
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
  registry.engineFor(tenant).provider.Interaction.find(services.sealedBox.open(flow.sealedInteractionUid, sealPurpose))

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
    await services.store.browserSessions.delete(tenant.snapshot.userPool.id, session.idHash)
  }
}

/** The live session of this browser. */
async function sessionOf(
  services: DomainServices,
  tenant: Tenant,
  ctx: Pick<Context, 'cookies'>,
): Promise<BrowserSession | undefined> {
  const userPoolId = tenant.snapshot.userPool.id
  const handle = ctx.cookies.get(cookieName('session', userPoolId, tenant.secure), { signed: false })
  if (handle === undefined) return undefined
  return services.store.browserSessions.find(userPoolId, sha256(handle), services.clock.now())
}
