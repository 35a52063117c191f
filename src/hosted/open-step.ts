import type { Context } from 'koa'
import { levelOf } from '../domain/assurance/levels.ts'
import type { AppClient } from '../domain/app-clients/app-client.ts'
import { availableProviders, hasSignInMethod, mayUseLocalAccounts } from '../domain/app-clients/sign-in-methods.ts'
import { isAnswerUri } from '../domain/app-clients/redirect-uri.ts'
import { requiresCustomAuth } from '../domain/custom-auth/custom-sign-in.ts'
import { needsConsent } from '../domain/consents/check-consent.ts'
import { mayComeIn } from '../domain/identity-providers/find-provider.ts'
import type { FlowState } from '../domain/sessions/flow.ts'
import { rememberedDevice } from '../domain/devices/device.ts'
import { continueSignIn } from '../domain/sign-in/advance.ts'
import { postAuthentication } from '../domain/triggers/user-triggers.ts'
import type { Tenant } from '../domain/user-pools/tenant.ts'
import { csrfMatches } from '../security/csrf.ts'
import { askedBy } from '../platform/http/caller.ts'
import { readForm } from '../platform/http/read-form.ts'
import { browserHandle, findFlow } from '../oidc/interaction.ts'
import { nextPage, pageToShow } from './dispatcher.ts'
import { showErrorPage } from './error/error.page.ts'
import { keepKnownBrowser } from './known-browser.ts'
import { explainLostFlow, explainUnfinished, resumeIfWaiting, showNotStarted } from './lost-flow.ts'
import type { HostedServices } from './hosted-services.ts'
import { languagesOf, rememberLanguage } from './language.ts'
import type { FlowPage } from './paths.ts'
import { tellLimited } from './tell-limited.ts'
import { keepDevice } from './remembered-device.ts'
import { signInContext } from './sign-in-context.ts'
import { signInState } from './sign-in-state.ts'
import { offersPasskey } from './passkey/offers-passkey.ts'
import { noticesOf } from './notices.ts'
import { pageUrl, redirect, tenantOf } from './step.ts'
import type { FormStep, Step } from './step.ts'

const maximumFormBytes = 64 * 1024

/** A GET: the flow, if it is this browser's and the page may be shown now; otherwise the answer has been given. */
export async function openPage(services: HostedServices, ctx: Context, page: FlowPage): Promise<Step | undefined> {
  const tenant = tenantOf(ctx)
  const flowId = single(ctx.query['flow'])
  if (flowId === undefined) return beginFlow(services, ctx, tenant, page)
  const step = await loadStep(services, ctx, tenant, flowId, page)
  if (step === undefined) return undefined
  const show = pageToShow(step.flow.state, page)
  ctx.state['step'] = step
  if (show === page) return step
  await continueFlow(services, step, step.flow.state)
  return undefined
}

/**
 * A POST: as `openPage`, and the form was made for this browser and this flow (threat row E12).
 * @param back the page that the form stood on, where that is another one
 */
export async function openForm(
  services: HostedServices,
  ctx: Context,
  page: FlowPage,
  back = page,
): Promise<FormStep | undefined> {
  const tenant = tenantOf(ctx)
  const body = await readForm(ctx.req, maximumFormBytes)
  if (!body.ok) return showErrorPage(services, ctx, 'invalidRequest', { status: body.problem === 'size' ? 413 : 400 })
  const flowId = body.form.get('flow') ?? single(ctx.query['flow']) ?? ''
  const step = await loadStep(services, ctx, tenant, flowId, back)
  if (step === undefined) return undefined
  // What is sent from the sign-in page is about an account of the pool itself.
  if (page === 'login' && !mayUseLocalAccounts(step.appClient)) {
    return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  }
  if (!csrfMatches(services.domain.sealedBox, step.browser, flowId, body.form.get('_csrf') ?? '')) {
    return showErrorPage(services, ctx, 'csrf', { status: 403, back: pageUrl(step, back) })
  }
  const formStep = { ...noteAuthenticator(step, body.form), form: body.form }
  ctx.state['step'] = formStep
  if (pageToShow(step.flow.state, page) !== page) {
    await continueFlow(services, step, step.flow.state)
    return undefined
  }
  return formStep
}

/** Only what may be offered follows from it, so the browser's word is enough. */
function noteAuthenticator(step: Step, form: ReadonlyMap<string, string>): Step {
  if (form.get('authenticator') !== '1') return step
  return { ...step, flow: { ...step.flow, state: { ...step.flow.state, hasAuthenticator: true } } }
}

async function loadStep(
  services: HostedServices,
  ctx: Context,
  tenant: Tenant,
  flowId: string,
  page: FlowPage,
): Promise<Step | undefined> {
  const found = await findFlow(services.domain, tenant, ctx, flowId)
  if (found.kind !== 'open') return explainLostFlow(services, ctx, tenant, found, page, flowId)
  const { flow } = found
  const appClient = tenant.snapshot.appClients.get(flow.clientId)
  if (appClient === undefined) return showErrorPage(services, ctx, 'unknownClient', { status: 400 })
  // The operator may have taken it back since the request was checked.
  if (!isAnswerUri(appClient.callbackUrls, flow.state.request['redirect_uri'] ?? '')) {
    return showErrorPage(services, ctx, 'redirectMismatch', { status: 400 })
  }
  if (!isPageFor(tenant, appClient, page)) return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  rememberLanguage(ctx, tenant.secure)
  return stepIn(services, { ctx, tenant, appClient, flow, flowId })
}

/** Pages that have to do with more than accounts of the pool itself; no others are there for a client without those (threat row A9). */
const commonPages: ReadonlySet<FlowPage> = new Set([
  ...(['login', 'selectAccount', 'identityProvider', 'consent'] as const),
  ...(['mfa', 'selectMfa', 'mfaSetUp', 'passkeyOffer'] as const),
])

const isPageFor = ({ snapshot }: Tenant, appClient: AppClient, page: FlowPage): boolean =>
  mayUseLocalAccounts(appClient) || (commonPages.has(page) && hasSignInMethod(snapshot.userPool, appClient))

function stepIn(services: HostedServices, known: Pick<Step, 'ctx' | 'tenant' | 'appClient' | 'flow' | 'flowId'>): Step {
  const { ctx, tenant, flow, appClient } = known
  const languages = languagesOf(ctx, flow.state.request)
  const browser = browserHandle(services.domain, tenant, ctx)
  return {
    ...known,
    browser,
    domain: askedBy(services.domain, ctx.req, { clientId: appClient.id, notices: noticesOf(tenant, languages) }),
    languages,
    locale: services.catalogue.locale(languages),
  }
}

/** A flow that a page without one leads on to: this browser's, and still open; otherwise undefined, and nothing is answered. */
export async function stepOf(
  services: HostedServices,
  ctx: Context,
  tenant: Tenant,
  flowId: string,
): Promise<Step | undefined> {
  const found = await findFlow(services.domain, tenant, ctx, flowId)
  return found.kind === 'open' ? stepWith(services, { ctx, tenant, flow: found.flow, flowId }) : undefined
}

const stepWith = (services: HostedServices, known: Pick<Step, 'ctx' | 'tenant' | 'flow' | 'flowId'>) => {
  const appClient = known.tenant.snapshot.appClients.get(known.flow.clientId)
  return appClient && stepIn(services, { ...known, appClient })
}

/**
 * The form of a link, sent once more by the browser where its flow waits, leads where it led the first time: a button pressed twice
 * must not lose its way.
 * @returns whether the answer has been given
 */
export async function goOnAsBefore(
  services: HostedServices,
  ctx: Context,
  tenant: Tenant,
  flowId: string,
): Promise<boolean> {
  const found = await findFlow(services.domain, tenant, ctx, flowId)
  if (found.kind === 'finished') return resumeIfWaiting(services, ctx, tenant, found.flow)
  const step = found.kind === 'open' ? stepWith(services, { ctx, tenant, flow: found.flow, flowId }) : undefined
  const isUnderWay = step?.flow.state.attempt !== undefined || step?.flow.state.authenticated !== undefined
  if (step === undefined || !isUnderWay) return false
  await continueFlow(services, step, step.flow.state)
  return true
}

/** A page opened without a flow: its query is an authorization request of its own (a deep link), or there is none. */
function beginFlow(services: HostedServices, ctx: Context, tenant: Tenant, page: FlowPage): undefined {
  const query = new URLSearchParams(ctx.querystring)
  // What is wrong with a request is for the endpoint to say, except to a person who has only kept a page's address.
  const isRequest = page in deepLinks && query.has('client_id') && query.has('response_type')
  if (!isRequest) return showNotStarted(services, ctx, 400)
  for (const [name, value] of Object.entries(deepLinks[page] ?? {})) query.set(name, value)
  redirect(ctx, `${tenant.basePath}/oauth2/authorize?${query.toString()}`)
}

/** What an authorization request must say so that it begins at the page that was linked to. */
const deepLinks: Partial<Record<FlowPage, Readonly<Record<string, string>>>> = {
  login: {},
  signUp: { prompt: 'create' },
  forgotPassword: { prompt: 'login', screen_hint: 'forgotPassword' },
}

/** Saves what the step has come to and sends the browser on: to the next page, or back to the app. */
export async function continueFlow(
  services: HostedServices,
  step: Step,
  to: FlowState,
  notice?: string,
): Promise<void> {
  const { ctx, tenant } = step
  const state = { ...keptOf(step.flow.state), ...to }
  const flow = { ...step.flow, state }
  const next = nextPage(state)
  if (next !== 'finish') {
    if (to !== step.flow.state)
      await services.domain.store.flows.saveState(tenant.snapshot.userPool.id, flow.idHash, state)
    return redirect(ctx, pageUrl(step, next, notice))
  }
  const { authenticated } = state
  const user =
    authenticated && (await services.domain.store.users.findBySub(tenant.snapshot.userPool.id, authenticated.userSub))
  // Minutes may have passed since the first page: whoever was disabled or deleted meanwhile does not get in.
  if (user?.enabled === false) return showErrorPage(services, ctx, 'userDisabled', { status: 400 })
  if (authenticated === undefined || user === undefined) {
    return showErrorPage(services, ctx, 'accountGone', { status: 400, signIn: pageUrl(step, 'login') })
  }
  // The sign-in page knows what to do with every other status.
  if (!mayComeIn(tenant.snapshot.userPool, user)) return redirect(ctx, pageUrl(step, 'login', 'accountChanged'))
  const { userSub: _userSub, amr, authTime, bySession } = authenticated
  const vouched = state.federatedSignIn?.userSub === user.sub ? state.federatedSignIn : undefined
  if (bySession !== true && !isWayIn(step, vouched?.provider)) {
    return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  }
  // Cognito asks nobody whom a provider has vouched for.
  const isMet = state.customSignIn?.userSub === user.sub || vouched !== undefined || bySession === true
  if (!isMet && requiresCustomAuth(tenant.snapshot.userPool, step.appClient)) {
    // By a sign-up or a reset: what this app client insists on is still to come.
    const { authenticated: _authenticated, pending: _pending, ...before } = state
    return continueFlow(services, step, { ...before, chosen: 'login' }, 'signInToGoOn')
  }
  if (bySession !== true) {
    const proved = { user, amr, startedAt: new Date(authTime * 1000) }
    const context = signInContext(step)
    const outcome = await continueSignIn(step.domain, context, proved)
    if (outcome.kind === 'refused') return tellLimited(services, step, outcome)
    if (outcome.kind === 'challenge') return continueFlow(services, step, signInState(state, outcome))
    if (levelOf(amr) < context.asked) return tellUnmet(services, step)
  }
  if (offersPasskey(step, user, state)) return continueFlow(services, step, { ...state, passkeyOffer: 'due' })
  const given = state.consent === 'given'
  if (!given && (await needsConsent(services.domain, step.appClient, user.sub, state.request))) {
    return continueFlow(services, step, { ...state, consent: 'due' })
  }
  const consented = given ? (state.request['scope'] ?? '').split(' ') : undefined
  // As in Cognito, not with the first sign-in that a provider vouches for.
  if (bySession !== true && state.stepUp === undefined && vouched?.isNew !== true) {
    const newDeviceUsed = tenant.snapshot.userPool.devices !== undefined && !amr.includes(rememberedDevice)
    await postAuthentication(step.domain, signInContext(step), user, newDeviceUsed)
  }
  const location = await services.finishFlow(tenant, ctx, flow, authenticated, consented)
  if (location === undefined) return explainUnfinished(services, step)
  if (bySession !== true) {
    await keepKnownBrowser(step.domain, step, user)
    await keepDevice({ ...step, flow }, user, amr)
  }
  redirect(ctx, location)
}

/** The operator may have taken the method away since the person has used it (threat row A10). */
const isWayIn = ({ tenant, appClient, flow }: Step, provider: string | undefined): boolean =>
  provider === undefined
    ? mayUseLocalAccounts(appClient) || flow.state.stepUp !== undefined
    : availableProviders(tenant.snapshot.userPool, appClient).some(({ name }) => name === provider)

/** The app asked for more than this account can show; it is told so (OpenID Connect Core Unmet Authentication Requirements). */
async function tellUnmet(services: HostedServices, step: Step): Promise<void> {
  const error = {
    error: 'unmet_authentication_requirements',
    error_description: 'the user has no factor for acr_values',
  }
  const location = await services.refuseFlow(step.tenant, step.ctx, step.flow, error)
  if (location === undefined) return explainUnfinished(services, step)
  redirect(step.ctx, location)
}

/** Said on one page, it counts whatever pages come after. */
const keptOf = ({ staySignedIn, hasAuthenticator, customSignIn, federatedSignIn }: FlowState): Partial<FlowState> => ({
  ...(federatedSignIn === undefined ? {} : { federatedSignIn }),
  ...(customSignIn === undefined ? {} : { customSignIn }),
  ...(staySignedIn === undefined ? {} : { staySignedIn }),
  ...(hasAuthenticator === undefined ? {} : { hasAuthenticator }),
})

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
