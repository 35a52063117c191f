import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { availableProviders } from '../../domain/app-clients/sign-in-methods.ts'
import { signInByProvider } from '../../domain/identity-providers/federated-sign-in.ts'
import { beginAtProvider, openProviderState } from '../../domain/identity-providers/provider-state.ts'
import type { OpenedState } from '../../domain/identity-providers/provider-state.ts'
import { limitRequests } from '../../domain/rate-limits/consume-limits.ts'
import { tellLimited } from '../tell-limited.ts'
import { ProviderFailure } from '../../domain/ports/identity-provider-connector.ts'
import { TriggerFailure } from '../../domain/triggers/trigger-failure.ts'
import { findFlow, knownBrowserHandle } from '../../oidc/interaction.ts'
import { accountPagePath } from '../account/account-page.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { onlyOne } from '../link-visit.ts'
import { explainLostFlow } from '../lost-flow.ts'
import { continueFlow, openPage, stepOf } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { signInContext } from '../sign-in-context.ts'
import { signInState } from '../sign-in-state.ts'
import { pageUrl, redirect, tenantOf } from '../step.ts'
import type { Step } from '../step.ts'
import { tellTriggerFailure } from '../trigger-problem.ts'
import { hintsOf, redirectUriOf } from './provider-request.ts'
import { isDirect, tellDirectly, tellProviderFailure, tellRefusal } from './tell-federation.ts'

/** To another identity provider, and back from there. */
export function federationRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.identityProvider, async (ctx) => {
    const step = await openPage(services, ctx, 'identityProvider')
    if (step !== undefined) await begin(services, step)
  })
  router.get(pagePaths.idpResponse, async (ctx) => {
    const tenant = tenantOf(ctx)
    const query = new URLSearchParams(ctx.querystring)
    const { userPool } = tenant.snapshot
    const opened = openProviderState(
      services.domain,
      userPool,
      knownBrowserHandle(tenant, ctx),
      onlyOne(query, 'state'),
    )
    if (opened === undefined) return showErrorPage(services, ctx, 'providerAnswer', { status: 400 })
    if (opened.purpose.kind === 'signIn') return finish(services, ctx, opened, opened.purpose.flowId, query)
    // The page that it was begun on knows whether the person may still do that.
    query.set('client_id', opened.purpose.clientId)
    redirect(ctx, `${tenant.basePath}${accountPagePath('identities')}?${query.toString()}`)
  })
}

async function begin(services: HostedServices, step: Step): Promise<void> {
  const { ctx, tenant, appClient, flow, flowId, browser } = step
  const { userPool } = tenant.snapshot
  const provider = availableProviders(userPool, appClient).find(({ name }) => name === ctx.query['provider'])
  if (provider === undefined) return redirect(ctx, pageUrl(step, 'login'))
  // Each is a conversation with the provider, and nobody comes back who has not been sent there.
  const limited = await limitRequests(step.domain, userPool, 'SignInsPerNetwork', 'SignIn')
  if (limited !== undefined) return tellLimited(services, step, limited)
  try {
    const location = await beginAtProvider(step.domain, {
      ...{ userPool, provider, browser },
      purpose: { kind: 'signIn', flowId },
      redirectUri: redirectUriOf(tenant),
      ...hintsOf(provider, flow.state.request),
    })
    redirect(ctx, location)
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error
    await tellProviderFailure(services, step, provider, error)
  }
}

async function finish(
  services: HostedServices,
  ctx: Context,
  opened: OpenedState,
  flowId: string,
  query: URLSearchParams,
): Promise<void> {
  const tenant = tenantOf(ctx)
  const step = await stepOf(services, ctx, tenant, flowId)
  if (step === undefined) {
    const found = await findFlow(services.domain, tenant, ctx, flowId)
    if (found.kind !== 'open') await explainLostFlow(services, ctx, tenant, found, 'login', flowId)
    else showErrorPage(services, ctx, 'unknownClient', { status: 400 })
    return
  }
  ctx.state['step'] = step
  const { provider, request } = opened
  // The operator may have taken it away meanwhile (threat row A10).
  if (!availableProviders(tenant.snapshot.userPool, step.appClient).includes(provider)) {
    return showErrorPage(services, ctx, 'noSignInMethod', { status: 400 })
  }
  // Come back to, or sent twice: the flow is where the first one has brought it.
  if (!(await opened.spend())) return continueFlow(services, step, step.flow.state)
  try {
    const asked = { ...request, redirectUri: redirectUriOf(tenant) }
    const answer = await step.domain.connector.finish(provider, asked, query)
    const outcome = await signInByProvider(step.domain, { ...signInContext(step), provider, answer })
    if (outcome.kind === 'refused') return await tellRefusal(services, step, provider, outcome)
    const { request: kept } = step.flow.state
    await continueFlow(services, step, {
      ...signInState({ request: kept, chosen: 'login' }, outcome),
      federatedSignIn: { userSub: outcome.user.sub, provider: provider.name, isNew: outcome.isNew },
    })
  } catch (error) {
    if (error instanceof ProviderFailure) return tellProviderFailure(services, step, provider, error)
    if (!(error instanceof TriggerFailure)) throw error
    if (isDirect(step)) return tellDirectly(services, step, error.message)
    await tellTriggerFailure(services, step, error)
  }
}
