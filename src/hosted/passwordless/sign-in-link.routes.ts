import type { Router } from '@koa/router'
import type { Context } from 'koa'
import { readSignInLink, signInByLink } from '../../domain/passwordless/sign-in-by-link.ts'
import type { FollowedSignInLink } from '../../domain/passwordless/sign-in-by-link.ts'
import { nameToSignInWith } from '../../domain/users/sign-in-name.ts'
import { csrfToken } from '../../security/csrf.ts'
import { sha256 } from '../../security/digest.ts'
import { limitAlert } from '../attempts-exceeded.ts'
import { showErrorPage } from '../error/error.page.ts'
import type { HostedServices } from '../hosted-services.ts'
import { linkPageRequest, onlyOne, openLinkForm, visitByLink } from '../link-visit.ts'
import type { LinkVisit } from '../link-visit.ts'
import { continueFlow, goOnAsBefore, stepOf } from '../open-step.ts'
import { pagePaths } from '../paths.ts'
import { showPage } from '../render.ts'
import type { Alert } from '../../platform/views/page-parts.ts'
import { signInContext } from '../sign-in-context.ts'
import { signInState } from '../sign-in-state.ts'

/** One request to the page of a link. */
interface SignInLinkStep extends LinkVisit, FollowedSignInLink {}

/**
 * Where the link beside a code to sign in with leads. Opening it changes nothing, since scanners of mail do that before any
 * person does (threat row E10): its button signs in, in the browser that asked for it.
 */
export function signInLinkRoutes(router: Router, services: HostedServices): void {
  router.get(pagePaths.signInLink, async (ctx) => {
    const step = openLink(services, ctx, new URLSearchParams(ctx.querystring))
    if (step !== undefined) await show(services, step)
  })
  router.post(pagePaths.signInLink, async (ctx) => {
    const step = await openLinkForm(services, ctx, {
      open: (parameters) => openLink(services, ctx, parameters),
      csrfSubject,
      address,
    })
    if (step !== undefined) await signIn(services, step)
  })
}

function openLink(services: HostedServices, ctx: Context, parameters: URLSearchParams): SignInLinkStep | undefined {
  const visit = visitByLink(services, ctx, onlyOne(parameters, 'client_id'), 'signInLinkClosed')
  return visit && { ...visit, token: onlyOne(parameters, 'token'), browserHash: sha256(visit.browser) }
}

const csrfSubject = ({ appClient, token }: SignInLinkStep): string =>
  JSON.stringify(['signInLink', appClient.id, token])

const address = ({ tenant, appClient, token }: SignInLinkStep, more: Record<string, string> = {}): string =>
  `${tenant.basePath}${pagePaths.signInLink}?${new URLSearchParams({ client_id: appClient.id, token, ...more }).toString()}`

async function show(services: HostedServices, step: SignInLinkStep, alert?: Alert): Promise<void> {
  const state = await readSignInLink(step.domain, step)
  if (state.kind === 'otherBrowser') return showErrorPage(services, step.ctx, 'signInElsewhere', { status: 400 })
  if (state.kind === 'closed') return showErrorPage(services, step.ctx, 'signInLinkClosed', { status: 400 })
  showPage(
    services,
    linkPageRequest(step, (lang) => address(step, { lang })),
    'pages/sign-in-link',
    'signInLink',
    {
      form: {
        action: `${step.tenant.basePath}${pagePaths.signInLink}`,
        csrf: csrfToken(services.domain.sealedBox, step.browser, csrfSubject(step)),
      },
      hidden: [
        { name: 'client_id', value: step.appClient.id },
        { name: 'token', value: step.token },
      ],
      name: nameToSignInWith(step.userPool, state.user),
      alert,
    },
  )
}

async function signIn(services: HostedServices, step: SignInLinkStep): Promise<void> {
  const state = await readSignInLink(step.domain, step)
  if (state.kind !== 'open') return show(services, step)
  const { flowId } = state.link
  // What waits in this browser; without it there is no app to go back to.
  const waiting = await stepOf(services, step.ctx, step.tenant, flowId)
  if (waiting === undefined) return goOnOrSayClosed(services, step, flowId)
  const outcome = await signInByLink(step.domain, { ...step, ...signInContext(waiting) })
  const { request, username } = waiting.flow.state
  const begun = { request, chosen: 'login', ...(username === undefined ? {} : { username }) } as const
  if (outcome.kind !== 'refused') return continueFlow(services, waiting, signInState(begun, outcome))
  if (outcome.reason === 'otherFactorNeeded') return continueFlow(services, waiting, begun, 'otherFactorNeeded')
  if (outcome.reason === 'limitExceeded') return show(services, step, limitAlert(step, outcome))
  return goOnOrSayClosed(services, step, flowId)
}

async function goOnOrSayClosed(
  services: HostedServices,
  { ctx, tenant }: SignInLinkStep,
  flowId: string,
): Promise<void> {
  if (await goOnAsBefore(services, ctx, tenant, flowId)) return
  showErrorPage(services, ctx, 'signInLinkClosed', { status: 400 })
}
